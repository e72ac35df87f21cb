"""Disks, file systems and leases."""
