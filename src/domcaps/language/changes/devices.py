"""Changes of devices without an area of their own."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

IOMMU_AMD = change("11.5", NEWS, "IOMMU of AMD with its options")
IOMMU_OPTIONS = estimate(
    "12.0", "11.3 and 12.8 differ", "options of the driver of smmuv3, and several IOMMUs"
)
IOMMU_GRANULE = estimate("12.1", "11.3 and 12.8 differ", "the granule of an IOMMU")
TPM_TYPES = estimate(
    "12.2",
    "source; no known QEMU shows a difference",
    "models and back ends of TPMs are types of QEMU",
)
TPM_REPORTED = estimate("8.0", "7.9 and 9.0 differ", "reports have tpm")
CRYPTO = change("9.1", NEWS, "crypto devices")
PANIC_REPORTED = estimate("10.10", "10.7 and 11.3 differ", "reports have panic")
