"""The version of this package: read by the build, the command line and every recording."""

__version__ = "0.1.0"

DEFAULT_DIALECT = "12.8"
"""The release of libvirt in whose words who names none is answered."""
