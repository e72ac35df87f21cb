"""Devices that have no relations of their own: RNG, TPM, watchdog and others."""
