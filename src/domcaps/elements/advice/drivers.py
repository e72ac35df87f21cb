"""Default devices for families of guest systems, chosen cautiously.

Devices have libosinfo's names. A family has what nearly every system of it that is still in use can
drive; what a system is known to drive comes from libosinfo's database.
"""

from __future__ import annotations

from domcaps.patterns import late_pattern

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
        {"virtio-block", "virtio1.0-block", "virtio-net", "virtio1.0-net", "qemu-x86-q35", "e1000",
         "qemu-xhci"}
    ),
    "other": frozenset({"qemu-x86-q35", "e1000", "ich6", "ac97", "vga", "qemu-xhci"}),
}  # fmt: skip
"""Devices that each family can drive."""

_MAC = late_pattern(r"mac-?os|osx")
_OLDER = late_pattern(r"win(dows)?-?(7|vista|xp|2k(8|3|$)|2000|98|95|me|nt)|msdos")
_SINCE_2012 = frozenset({"qemu-xhci", "nec-xhci"})


def drivers_of(family: str, name: str) -> frozenset[str]:
    """Give what a system can drive of which only the name and the family are known.

    Windows has drivers for USB 3 since Windows 8.
    """
    return DRIVERS[family] - (_SINCE_2012 if _OLDER.match(name.lower()) else frozenset())


def listed(name: str, devices: frozenset[str]) -> frozenset[str]:
    """Give what libosinfo lists of a system, and what it leaves out.

    Every Mac has AHCI and PCI Express, which are those of the q35 board.
    """
    return devices | {"qemu-x86-q35"} if _MAC.match(name.lower()) else devices
