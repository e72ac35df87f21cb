"""The CPU, its features and topology, vCPUs and I/O threads."""
