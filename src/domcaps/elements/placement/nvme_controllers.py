"""``<controller type='nvme'>``: a drive of its own, whose disks are its namespaces.

::

    <controller type='nvme' index='0'>
      <serial>abcdef</serial>
    </controller>
    <disk type='file'>
      <source file='/var/lib/libvirt/images/a.img'/>
      <target dev='nvme0n1' bus='nvme'/>
    </disk>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import I440FX
from domcaps.elements.buses.disk import BUSES
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.changes.storage import DISK_NVME
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.drives import Drive

_DISK = "<disk type='file'><source file='/a'/><target dev='{}' bus='nvme'/>{}</disk>"
_CDROM = "<disk type='file' device='cdrom'><source file='/a'/><target dev='sda' bus='{}'/></disk>"
_PREFIX = {bus.name: bus.usual for bus in BUSES}
_FIRST = _DISK.format("nvme0n1", "<serial>a</serial>")


@rule(
    "controller-nvme-serial-missing",
    InstalledControllers,
    bad=_DISK.format("nvme0n1", ""),
    good=_FIRST,
)
def drives_have_serials(hardware: InstalledControllers) -> Problems:
    """An NVMe controller needs a ``<serial>``: its own, or that of a disk on it."""
    for index, disks in _without_serial(hardware):
        if _are_removable(disks):
            continue
        part = next((c.part for c in hardware.of("nvme") if c.index == index), None)
        what = f"the NVMe controller {index} needs a <serial>, or a disk with one"
        buses = _other_buses(disks)
        fix = tuple(_with_serial(disks, buses, index))
        if disks and buses and part is None:
            use = f"{what}; or use bus={buses[0]!r} for the disk {disks[0].name!r}"
            yield problem(use, disks[0].node, "target/@bus", fix=fix)
        else:
            yield problem(what, part or hardware, fix=fix)


@rule(
    "controller-nvme-cdrom-unsupported",
    InstalledControllers,
    bad=_CDROM.format("nvme"),
    good=_CDROM.format("sata"),
)
def drives_are_not_removable(hardware: InstalledControllers) -> Problems:
    """NVMe has no CD-ROM drives."""
    for _, disks in _without_serial(hardware):
        if _are_removable(disks):
            bus = "sata"
            if "ide" in _other_buses(disks) and hardware.holds(I440FX):
                bus = "ide"
            values = tuple((f"{path_of(d.node)}/target/@bus", bus) for d in disks)
            use = f"NVMe has no CD-ROM drives; use bus={bus!r} for {disks[0].name!r}"
            yield problem(use, disks[0].node, "target/@bus", fix=Fix(values=values))


def _without_serial(hardware: InstalledControllers) -> Iterator[tuple[int, list[Drive]]]:
    """Give each NVMe controller of which no serial is known, with the disks on it."""
    for index, serials in _serials(hardware).items():
        if not serials:
            yield index, _disks_on(hardware, index)


def _disks_on(hardware: InstalledControllers, index: int) -> list[Drive]:
    found = (disk for disk in hardware.drives.disks if disk.bus == "nvme")
    return [disk for disk in found if disk.place is not None and disk.place.controller == index]


def _other_buses(disks: Sequence[Drive]) -> list[str]:
    """Give the buses that all disks are named for."""
    return [b for b in ("ide", "sata", "virtio") if all(d.name[:2] == _PREFIX[b] for d in disks)]


def _are_removable(disks: Sequence[Drive]) -> bool:
    return bool(disks) and all(disk.node.get("device") == "cdrom" for disk in disks)


def _with_serial(disks: Sequence[Drive], buses: Sequence[str], index: int) -> Iterator[Fix]:
    """Give the buses that the disks are named for, where that is not NVMe; else a serial.

    The serial of a new drive may be any text.
    """
    for bus in buses if disks else ():
        yield Fix(values=tuple((f"{path_of(d.node)}/target/@bus", bus) for d in disks))
    if disks and all(disk.name.startswith("nvme") for disk in disks):
        yield set_value(f"nvme-{index}", f"{path_of(disks[0].node)}/serial")


@rule(
    "controller-nvme-serial-conflict",
    InstalledControllers,
    bad=_FIRST + _DISK.format("nvme0n2", "<serial>b</serial>"),
    good=_FIRST + _DISK.format("nvme0n2", ""),
)
def drives_have_one_serial(hardware: InstalledControllers) -> Problems:
    """Disks on an NVMe controller must have the controller's ``<serial>``, if they have one."""
    for serials in _serials(hardware).values():
        for text, node in serials[1:]:
            if text != serials[0][0]:
                what = (
                    f"the serial of this disk differs from its NVMe controller's {serials[0][0]!r}"
                )
                yield problem(what, node, "serial")


def _serials(hardware: InstalledControllers) -> dict[int, list[tuple[str, Node]]]:
    """Give the serial numbers said of each NVMe controller, its own first."""
    controllers = hardware.of("nvme")
    if not controllers or not libvirt_reads(hardware, DISK_NVME):
        return {}
    found: dict[int, list[tuple[str, Node]]] = {c.index: [] for c in controllers}
    for controller in controllers:
        if controller.part is not None:
            _note(found, controller.index, controller.part.node)
    for drive in hardware.drives.disks:
        if drive.bus == "nvme" and drive.place is not None:
            _note(found, drive.place.controller, drive.node)
    return found


def _note(found: dict[int, list[tuple[str, Node]]], index: int, node: Node) -> None:
    text = node.findtext("serial")
    if text and index in found:
        found[index].append((text, node))
