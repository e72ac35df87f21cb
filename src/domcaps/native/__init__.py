"""A domain as QEMU's command line. What it can't tell QEMU, it names: nothing is left out."""
