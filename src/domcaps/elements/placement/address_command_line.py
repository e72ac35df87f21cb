"""QEMU arguments that follow from ``<address>``: what each kind has, and the device for its bus."""

from __future__ import annotations

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.language.command_line import options

ADDRESS_ATTRIBUTES = {
    "pci": ("domain", "bus", "slot", "function", "multifunction"),
    "ccw": ("cssid", "ssid", "devno"),
    "drive": ("controller", "bus", "target", "unit"),
    "usb": ("bus", "port"),
    "virtio-serial": ("controller", "bus", "port"),
    "spapr-vio": ("reg",),
    "ccid": ("controller", "slot"),
    "isa": ("iobase", "irq"),
    "dimm": ("slot", "base"),
    "virtio-mmio": (),
    "unassigned": (),
}
"""What an address of each kind has."""
MAINFRAME_IDENTIFIERS = "zpci"
VIRTIO_ENDINGS = {"pci": "-pci", "ccw": "-ccw", "virtio-mmio": "-device"}
"""How QEMU's names of virtio devices end, by the kind of address."""
VIRTIO_SWITCHES = {"iommu": "iommu_platform", "ats": "ats", "packed": "packed",
                   "page_per_vq": "page-per-vq"}  # fmt: skip
"""QEMU's properties by the attributes of ``<driver>`` that each virtio device may have."""
VIRTIO_FORMS = VIRTIO_MODELS[1:]


def mainframe_identifiers(uid: int, fid: int, target: str) -> str:
    """Give the device by which a mainframe tells a PCI device."""
    return options(MAINFRAME_IDENTIFIERS, uid=uid, fid=fid, target=target, id=f"zpci{uid}")
