"""QEMU's types for the models of plain devices, as a domain's command line names them.

Virtio devices are named without the bus that they are on. Of USB controllers and video cards see
also `controllers.models` and `display.video`.
"""

from __future__ import annotations

VIRTIO = {
    "balloon": "virtio-balloon",
    "interface": "virtio-net",
    "keyboard": "virtio-keyboard",
    "mouse": "virtio-mouse",
    "rng": "virtio-rng",
    "scsi": "virtio-scsi",
    "serial": "virtio-serial",
    "tablet": "virtio-tablet",
}
"""Devices of virtio."""

CARDS = ("virtio", "e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3")
"""Models of network cards that are called alike, but for that of virtio."""

SOUND_CARDS = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "sb16": "sb16",
    "usb": "usb-audio",
    "virtio": "virtio-sound-pci",
}
"""Sound cards by model; the codecs of those that have some are called ``hda-`` and their type."""

TPMS = {"tpm-crb": "tpm-crb", "tpm-tis": "tpm-tis"}
"""TPMs of a PC by model."""

TPMS_OF_VIRT = {"tpm-tis": "tpm-tis-device"}
"""TPMs of ARM's ``virt`` by model."""

WATCHDOGS = {"i6300esb": "i6300esb", "ib700": "ib700", "diag288": "diag288"}
"""Watchdogs that are devices of their own, by model; that of ICH9 is part of the board."""

PANICS = {"isa": "pvpanic", "pvpanic": "pvpanic-pci"}
"""Devices by which a guest says that it panics, by model."""

MEMORY = {
    "anonymous": "memory-backend-ram",
    "file": "memory-backend-file",
    "memfd": "memory-backend-memfd",
}
"""What memory can be made of."""

IOMMUS = {"intel": "intel-iommu", "virtio": "virtio-iommu-pci"}
"""IOMMUs of a guest, by model."""

USB_INPUT = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd"}
"""Input devices on USB."""

USB_CONTROLLERS = {
    "qemu-xhci": "qemu-xhci",
    "nec-xhci": "nec-usb-xhci",
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
}
"""Controllers that stand alone, by model."""

EHCI_WITH_COMPANIONS = {
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
}
"""A controller for fast devices, and its companions for slow ones, by model."""

COMPANION_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
"""The first port of its master that a companion serves, where a domain does not say."""

BRIDGES = {
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pci-bridge": "pci-bridge",
    "pcie-root-port": "pcie-root-port",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
}
"""PCI controllers by model."""

WITH_VGA = {"virtio-gpu-pci": "virtio-vga", "qxl": "qxl-vga"}
"""What the first card of a PC is instead, so that it is there before a driver is."""

VIDEO_MEMORY = {
    "vga": (("vram", "vgamem_mb"),),
    "vmvga": (("vram", "vgamem_mb"),),
    "bochs": (("vram", "vgamem"),),
    "qxl": (
        ("ram", "ram_size"),
        ("vram", "vram_size"),
        ("vram64", "vram64_size_mb"),
        ("vgamem", "vgamem_mb"),
    ),
}
"""Sizes of memory that a card may have, by model: what a domain and what QEMU calls them."""

WITH_SCREENS = frozenset({"qxl", "virtio"})
"""Cards that have more than one screen."""

WITHOUT_MEMORY = frozenset({"cirrus", "virtio"})
"""Cards of whose memory QEMU is told nothing."""
