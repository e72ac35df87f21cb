"""Controllers, their models and their I/O threads."""
