"""The version of this package: read by the build, the command line and every recording."""

__version__ = "0.1.0"

DEFAULT_DIALECT = "auto"
"""Who names no release of libvirt is answered as the host's own would; see `domcaps.language`."""
