"""Changes of devices without an area of their own."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

IOMMU_AMD = change("11.5", NEWS, "IOMMU of AMD with its options")
IOMMU_OPTIONS = estimate(
    "12.0", "11.3 and 12.8 differ", "options of the driver of smmuv3, and several IOMMUs"
)
IOMMU_GRANULE = change("12.1", NEWS, "the granule of an IOMMU")
TPM_TYPES = estimate(
    "12.2",
    "source; no known QEMU shows a difference",
    "models and back ends of TPMs are types of QEMU",
)
TPM_REPORTED = estimate("8.0", "7.9 and 9.0 differ", "reports have tpm")
CRYPTO = change("9.1", NEWS, "crypto devices")
PANIC_REPORTED = estimate("10.10", "10.7 and 11.3 differ", "reports have panic")
PSTORE = change("10.6", NEWS, "pstore devices")
WATCHDOG_ITCO = change("9.1", NEWS, "the watchdog itco of q35")
WATCHDOGS_SEVERAL = estimate("9.1", "9.0 and 9.8 differ; came with itco", "several watchdogs")
WATCHDOG_BOARDS = change("9.3", NEWS, "ib700 is for i440fx, and watchdogs of boards are single")
PANIC_PVPANIC = change("9.1", NEWS, "the panic device pvpanic, on PCI")
TPM_STATE_PLACE = estimate(
    "10.10", "10.7 and 11.3 differ; came with profiles", "where an emulated TPM keeps its state"
)
IOMMU_VIRTIO = change("8.3", NEWS, "the IOMMU of virtio")
IOMMU_SPLIT_ADDED = estimate(
    "10.10", "10.7 and 11.3 differ; came with eim", "an IOMMU brings the split I/O APIC along"
)
PANIC_DEFAULTS = estimate(
    "11.1", "10.7 and 11.3 differ", "boards without a default of panic devices"
)
SHMEM_SIZE_DEFINED = estimate(
    "10.1", "9.10 and 10.4 differ", "the size of shared memory is looked at by definition"
)
TPM_ARM_2_0 = change("7.6", "git d8a1c059e0", "TPMs of ARM are TPM 2.0")
TPM_DEFAULT_2_0 = estimate("7.6", "7.0 and 9.0 differ", "the default version of POWER is TPM 2.0")
