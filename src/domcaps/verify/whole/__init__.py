"""A whole domain, started paused with the real QEMU: what of the host is missing is replaced."""
