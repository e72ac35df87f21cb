"""The version of this package: read by the build, the command line and every recording."""

__version__ = "0.1.0"
