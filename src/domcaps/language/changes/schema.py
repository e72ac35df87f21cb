"""Changes of what the schema lets stand where, as no reading of the definition tells them."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

SCHEMA_AFTER_11_3 = estimate(
    "11.4",
    "seen in 12.8, not in 11.3; the newer is taken",
    "the schema permits these elements as that of 12.8 does",
)
IOMMU_PCI_BUS = estimate(
    "11.10",
    "libvirt-go-xml 55ee9b7, of the day of that release",
    "'pciBus' of <iommu model='smmuv3'> is supported",
)
ACPI_NODESET = change("11.8", NEWS, "attribute 'nodeset' of <acpi> of devices is supported")
BLKIO_ANY_DEVICE = change("12.3", NEWS, "<blkiotune> limits may apply to all block devices")
VNC_WAIT = change("11.10", NEWS, "'wait' of <graphics type='vnc'> is supported")
MEMORY_VIRTIO_OPTIONS = change("11.9", NEWS, "memory devices have virtio options")
VALUES_STRICT = estimate(
    "7.4",
    "7.0 and 9.0 differ; libvirt got functions of its own for reading attributes then",
    "empty values, and negative ones of some numbers, are refused; some values are read as absent",
)
SCHEMA_SIGNS = estimate(
    "12.0",
    "11.3 with libxml2 2.9 and 12.8 with that of Debian sid differ: it is of the library",
    "the schema permits a sign before unsigned integers and longs",
)
