"""Memory, its backing, NUMA cells and memory devices."""
