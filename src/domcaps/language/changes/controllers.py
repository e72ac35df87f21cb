"""Changes of controllers."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

CONTROLLER_NVME = change("11.5", NEWS, "<controller type='nvme'> is supported")
SCSI_VIRTIO_DEFAULT = change(
    "11.6",
    NEWS,
    "SCSI controllers of the ARM and RISC-V machine types virt are virtio ones by default",
)
PCI_ROOT_HOTPLUG = change("7.9", NEWS, "hot-plug can be disabled on pci-root")
PCI_MEMORY_RESERVED = change("10.3", NEWS, "'memReserve' of PCI bridges and ports is supported")
USB_MODEL_CHOSEN = change(
    "11.9",
    NEWS,
    "USB controllers are xHCI controllers by default on most architectures other than x86",
)
USB_CONTROLLER_DEFINED = estimate(
    "12.0",
    "11.3 and 12.8 differ",
    "model and ports of USB controllers are checked when the domain is defined",
)
PCI_HOLE_ARM = change(
    "11.4", "tp-libvirt", "<pcihole64> is supported for the ARM machine type virt"
)
CONTROLLER_IOTHREADS = change(
    "11.2", NEWS, "<iothreads> of a SCSI controller's <driver> are supported"
)
