"""Changes of devices without an area of their own."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

IOMMU_AMD = change("11.5", NEWS, "<iommu model='amd'> and its options are supported")
IOMMUS_SEVERAL = estimate(
    "11.10", "libvirt-go-xml 55ee9b7, of the day of that release", "several <iommu> are supported"
)
IOMMU_VIRTIO_WIDTH = estimate(
    "12.1",
    "11.3 and 12.8 differ; came with granule",
    "'aw_bits' of <iommu model='virtio'> is supported",
)
IOMMU_OPTIONS = estimate(
    "12.7",
    "seen in 12.8; libvirt-go-xml did not have them at 12.4, and QEMU 11.1 brought cmdqv",
    "options for acceleration of <iommu model='smmuv3'> are supported",
)
IOMMU_GRANULE = change("12.1", NEWS, "'granule' of <iommu> is supported")
TPM_TYPES = estimate(
    "12.2",
    "source; no known QEMU shows a difference",
    "reports list TPM models and back ends by QEMU's types",
)
TPM_REPORTED = estimate("8.0", "7.9 and 9.0 differ", "reports include tpm")
CRYPTO = change("9.1", NEWS, "<crypto> is supported")
PANIC_REPORTED = estimate("10.10", "10.7 and 11.3 differ", "reports include panic")
PSTORE = change("10.6", NEWS, "<pstore> is supported")
WATCHDOG_ITCO = change("9.1", NEWS, "the watchdog model 'itco' of q35 is supported")
WATCHDOGS_SEVERAL = estimate(
    "9.1", "9.0 and 9.8 differ; came with itco", "a domain may have several <watchdog>"
)
WATCHDOG_BOARDS = change(
    "9.3", NEWS, "the watchdog 'ib700' requires i440fx; a built-in watchdog may be given only once"
)
PANIC_PVPANIC = change("9.1", NEWS, "<panic model='pvpanic'> (PCI) is supported")
TPM_BANKS = estimate(
    "7.10", "7.0 and 9.0 differ", "<active_pcr_banks> of an emulated TPM is supported"
)
TPM_STATE_PLACE = estimate(
    "10.10", "10.7 and 11.3 differ; came with profiles", "<source> of an emulated TPM is supported"
)
IOMMU_VIRTIO = change("8.3", NEWS, "<iommu model='virtio'> is supported")
IOMMU_SPLIT_ADDED = estimate(
    "10.10",
    "10.7 and 11.3 differ; came with eim",
    "an Intel IOMMU implies <ioapic driver='qemu'>, and more than 255 vCPUs imply the IOMMU",
)
PANIC_DEFAULTS = estimate(
    "11.1", "10.7 and 11.3 differ", "<panic> requires a model on machine types without a default"
)
VSOCK_OPTIONS = change("7.1", DOCUMENT, "<vsock> supports virtio options")
SMARTCARD_ONCE = estimate(
    "7.4",
    "7.0 and 9.0 differ",
    "a second <smartcard> is refused at definition, and not only at start",
)
IOMMU_TRANSLATION = change("10.7", DOCUMENT, "'dma_translation' of <iommu> is supported")
SHMEM_SIZE_DEFINED = estimate(
    "10.1", "9.10 and 10.4 differ", "the size of <shmem> is checked when the domain is defined"
)
TPM_ARM_2_0 = change("7.6", "git d8a1c059e0", "the default TPM version of ARM guests is 2.0")
TPM_DEFAULT_2_0 = estimate(
    "7.6", "7.0 and 9.0 differ", "the default TPM version of POWER guests is 2.0"
)
