"""QEMU's types for the models of plain devices, as a domain's command line names them.

Virtio devices are named without the bus that they are on. Of USB controllers and video cards see
also `domcaps.elements.controller_models` and `domcaps.elements.video`.
"""

from __future__ import annotations

VIRTIO = {
    "balloon": "virtio-balloon",
    "disk": "virtio-blk",
    "interface": "virtio-net",
    "keyboard": "virtio-keyboard",
    "mouse": "virtio-mouse",
    "rng": "virtio-rng",
    "scsi": "virtio-scsi",
    "serial": "virtio-serial",
    "tablet": "virtio-tablet",
}
"""Devices of virtio."""

CARDS = ("virtio", "e1000", "e1000e", "rtl8139")
"""Models of network cards that are called alike, but for that of virtio."""

USB_INPUT = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd"}
"""Input devices on USB."""

USB_CONTROLLERS = {
    "qemu-xhci": "qemu-xhci",
    "nec-xhci": "nec-usb-xhci",
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
}
"""Controllers that stand alone, by model."""

BRIDGES = {"pcie-root-port": "pcie-root-port", "pcie-to-pci-bridge": "pcie-pci-bridge"}
"""PCI controllers by model."""

WITH_VGA = {"virtio-gpu-pci": "virtio-vga", "qxl": "qxl-vga"}
"""What the first card of a PC is instead, so that it is there before a driver is."""
