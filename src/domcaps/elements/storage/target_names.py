"""Names for the targets of disks that have none, or one that libvirt does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import Q35, X86
from domcaps.elements.buses.disk import BUSES
from domcaps.language.fix import Fix, set_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.elements.storage.disk import Disk

_USUAL = {bus.name: bus.usual for bus in BUSES if not bus.numbered}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def named_target(disk: Disk) -> Iterator[Fix]:
    """Name a disk after its bus; one without a bus gets the usual one of its board."""
    target = disk.find("target")
    bus = target.get("bus") if target is not None else None
    name = free_under(disk, _USUAL.get(bus or _usual_bus(disk), ""))
    if not name:
        return
    at = "" if target is not None else "target/"
    with_bus = () if bus else ((f"{at}@bus", _usual_bus(disk)),)
    yield Fix(values=((f"{at}@dev", name), *with_bus))


def free_name(disk: Disk) -> Iterator[Fix]:
    """Name a disk as others of its bus, or as its own name begins."""
    target = disk.find("target")
    old = "" if target is None else target.get("dev") or ""
    usual = _USUAL.get((target.get("bus") if target is not None else "") or "")
    begin = usual or (old[:2] if old[:2] in _USUAL.values() else "")
    name = free_under(disk, begin or _USUAL[_usual_bus(disk)])
    if name:
        yield set_value(name, "@dev")


def _usual_bus(disk: Disk) -> str:
    """Give the bus that a guest of the board has a driver for."""
    if disk.device == "floppy":
        return "fdc"
    if disk.holds(X86):
        return "sata" if disk.holds(Q35) else "ide"
    return "scsi" if disk.device == "cdrom" else "virtio"


def free_under(disk: Disk, begin: str) -> str:
    """Give the first name that begins so and is not taken, "" where there is none."""
    taken = {node.get("dev") for node in disk.domain.root.iterfind("devices/disk/target")}
    names = (begin + letter for letter in _LETTERS)
    return next((name for name in names if begin and name not in taken), "")
