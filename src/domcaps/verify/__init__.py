"""Is the table true? Everything that it promises, and does not, is tried with the real QEMU."""
