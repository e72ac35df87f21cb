"""The table, evaluated for one target: as libvirt's XML and as JSON. Knows no device."""
