"""Changes of what the schema lets stand where, as no reading of the definition tells them."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

SCHEMA_AFTER_11_3 = estimate(
    "11.4", "seen in 12.8, not in 11.3; the newer is taken", "places that 12.8's schema has"
)
IOMMU_PCI_BUS = estimate("11.9", "seen in 12.8, not in 11.3", "the bus of an smmuv3")
ACPI_NODESET = change("11.8", NEWS, "NUMA nodes of a device")
BLKIO_ANY_DEVICE = change("12.3", NEWS, "limits of all block devices at once")
VNC_WAIT = change("11.10", NEWS, "a guest that waits for a client of VNC")
MEMORY_VIRTIO_OPTIONS = change("11.9", NEWS, "options of virtio for memory devices")
SCHEMA_SIGNS = estimate(
    "12.0",
    "11.3 with libxml2 2.9 and 12.8 with that of Debian sid differ: it is of the library",
    "the schema takes a sign before unsigned integers and longs",
)
