"""What the virtio devices of several elements have in common."""

from domcaps.language.changes.placement import VIRTIO_FORMS_ASKED
from domcaps.language.observed import device, device_property

VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
"""The models of a virtio device, as libvirt names them for most elements."""

_KINDS = (
    "virtio-blk-pci",
    "virtio-net-pci",
    "vhost-scsi-pci",
    "virtio-rng-pci",
    "virtio-9p-pci",
    "virtio-balloon-pci",
    "vhost-vsock-pci",
    "virtio-scsi-pci",
    "virtio-serial-pci",
)

# libvirt asks whether QEMU knows the distinction at all, not device by device
TRANSITIONAL = device(
    *(f"{kind}-{form}" for kind in _KINDS for form in ("transitional", "non-transitional"))
)
"""QEMU distinguishes transitional from non-transitional virtio devices on PCI."""

MODERN = device_property("virtio-blk-pci", "disable-legacy") | device_property(
    "virtio-net-pci", "disable-legacy"
)
"""Virtio devices on PCI can do without the form that they had at first."""

FORMS = (
    (MODERN | TRANSITIONAL, None, VIRTIO_FORMS_ASKED),
    (TRANSITIONAL, VIRTIO_FORMS_ASKED, None),
)
"""When the two forms are listed, with the changes since and until which it is so."""
