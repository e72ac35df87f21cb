"""Recordings of other machines, over SSH."""
