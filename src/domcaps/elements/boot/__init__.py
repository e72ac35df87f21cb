"""How a domain boots: firmware, loader, boot devices and SMBIOS."""
