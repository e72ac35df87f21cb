"""Names of disks in the guest, such as ``sda``: each bus has its usual ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.buses.disk import BUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

BUS = "/domain/devices/disk/target/@bus"
_BUSES = {bus.name: bus for bus in BUSES}
_ZEROS = frozenset({"0", "0x0", "00", "0x00"})
_USUAL = {bus.name: bus.usual for bus in BUSES if not bus.numbered}


def buses_of(name: str) -> frozenset[str]:
    """Give the buses whose disks are usually named so."""
    return frozenset(bus for bus, prefix in _USUAL.items() if name[:2] == prefix)


def is_named_for(target: Node, bus: str) -> bool:
    """Tell whether a disk is named and addressed as those of a bus are."""
    disk, known = target.getparent(), _BUSES.get(bus)
    if disk is None or known is None or bus not in buses_of(target.get("dev") or ""):
        return False
    address = disk.find("address")
    if address is None:
        return True
    zeros = (address.get(name) or "0" for name in known.zero)
    return address.get("type") == known.address and all(zero in _ZEROS for zero in zeros)


def fitting_name(root: Node, target: Node) -> str:
    """Give the name that a disk has on its bus, "" where its own is as good.

    The letter stays where that is free. Libvirt places a disk of IDE, SATA or SCSI by its name.
    """
    old, wanted = target.get("dev") or "", _USUAL.get(target.get("bus") or "")
    if wanted is None or old[:2] not in set(_USUAL.values()) or old.startswith(wanted):
        return ""
    taken = {other.get("dev") or "" for other in root.iterfind("devices/disk/target")}
    return next(n for n in (wanted + old[2:], *_names(wanted)) if n not in taken)


def _names(prefix: str) -> Iterator[str]:
    for number in range(26 * 27):
        first, second = divmod(number, 26)
        yield prefix + (chr(96 + first) if first else "") + chr(97 + second)
