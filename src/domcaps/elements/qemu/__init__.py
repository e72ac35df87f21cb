"""How QEMU names things: parts of its command line and its device types."""
