"""Character devices: serial ports, consoles, channels, redirected USB."""
