"""What is true: emulators asked over QMP, hosts read, both recorded. Knows no domain XML."""
