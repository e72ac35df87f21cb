"""Devices of the host that are assigned to a guest."""
