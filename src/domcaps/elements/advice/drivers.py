"""Default devices for families of guest systems, chosen cautiously.

Devices have libosinfo's names. A family has what nearly every system of it that is still in use can
drive; what a system is known to drive comes from libosinfo's database.
"""

from __future__ import annotations

_VIRTIO = frozenset(
    f"virtio{release}-{kind}"
    for kind in ("block", "net", "scsi", "console", "rng", "balloon", "9p", "input", "gpu")
    for release in ("", "1.0")
)
_COMMON = frozenset({"qemu-x86-q35", "e1000e", "e1000", "ich9-hda", "vga", "tablet", "qemu-xhci"})

DRIVERS = {
    "linux": _VIRTIO | _COMMON,
    "windows": _COMMON,
    "bsd": frozenset(
        {"virtio-block", "virtio1.0-block", "virtio-net", "virtio1.0-net", "qemu-x86-q35", "e1000"}
    ),
    "other": frozenset({"qemu-x86-q35", "e1000", "ich6", "ac97", "vga"}),
}
"""Devices that each family can drive."""
