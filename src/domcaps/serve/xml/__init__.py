"""XML of the wire: ``<capabilities>`` and its parts are written, CPUs are read and written.

`documents` reads what a client sends, without entities and within libxml2's limits.
"""
