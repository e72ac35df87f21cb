"""Families of machine types, and machine types with built-in devices."""
