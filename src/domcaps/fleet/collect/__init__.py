"""Recordings of other machines: over SSH, and of hosts where only libvirt can be asked."""
