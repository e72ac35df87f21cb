"""Changes of what the schema lets stand where, as no reading of the definition tells them."""

from __future__ import annotations

from domcaps.language.change import estimate

SCHEMA_AFTER_11_3 = estimate(
    "11.4", "seen in 12.8, not in 11.3; the newer is taken", "places that 12.8's schema has"
)
IOMMU_PCI_BUS = estimate("11.9", "seen in 12.8, not in 11.3", "the bus of an smmuv3")
ACPI_NODESET = estimate("12.1", "seen in 12.8, not in 11.3", "NUMA nodes of a device")
