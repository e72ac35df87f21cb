"""Changes of controllers."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

CONTROLLER_NVME = change("11.5", NEWS, "NVMe controllers")
SCSI_VIRTIO_DEFAULT = change(
    "11.6", NEWS, "virtio-scsi is the default model on virtual boards of ARM and RISC-V"
)
USB_MODEL_CHOSEN = change("11.9", NEWS, "the model of USB controllers is chosen anew")
USB_CONTROLLER_DEFINED = estimate(
    "12.0",
    "11.3 and 12.8 differ",
    "model and ports of USB controllers are looked at by definition",
)
PCI_HOLE_ARM = estimate(
    "11.4", "11.3 and 12.8 differ", "the 64-bit PCI hole of ARM's virt can be set"
)
CONTROLLER_IOTHREADS = change("11.2", NEWS, "several I/O threads serve a SCSI controller")
