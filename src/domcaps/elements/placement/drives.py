"""Where disks and SCSI devices of the host sit on their controllers, given or by libvirt's rules.

A disk that has no address gets one that follows from the name of its target: ``sdb`` is the second
unit of the first SCSI controller, ``hdc`` the first unit of the second IDE bus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address, DriveAddress
from domcaps.elements.boards.defaults import HOSTDEV_MODE
from domcaps.elements.buses.disk import BUSES, NARROW, bus_named
from domcaps.elements.controllers.controller import Controller
from domcaps.language.lazy import cached_property
from domcaps.language.part import Part
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.struct import MutableStruct
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.buses.disk import DiskBus
    from domcaps.language.domain import Domain

LETTERS = tuple(
    dict.fromkeys(
        letters
        for bus in BUSES
        if not bus.numbered
        for letters in (bus.letters, bus.usual)
        if letters
    )
)
"""What the names of targets begin with."""
_NAME = late_pattern(rf"(?:{'|'.join(LETTERS)})([a-z]+)(\d*)")
_NUMBERED = late_pattern(r"(\d{1,9})n([1-9]\d{0,8})(p\d+)?")
_MOST_LETTERS = 6

# the last unit of a SCSI controller that can be given to a device
_LAST_UNIT = {
    "virtio-scsi": 16383,
    "virtio-transitional": 16383,
    "virtio-non-transitional": 16383,
    "ibmvscsi": 31,
    "lsisas1068": 1,
    "lsisas1078": 255,
    "ncr53c90": 6,
    "dc390": 6,
    "am53c974": 6,
}


def target_name(node: Node) -> str | None:
    """Give the name of a disk's target; Xen's prefix ``ioemu:`` does not count."""
    target = node.find("target")
    name = None if target is None else target.get("dev")
    return name.removeprefix("ioemu:") if name else name


def disk_bus(node: Node, domain: Domain) -> str:
    """Give the bus of a disk, by its kind or its target's name where it says none."""
    target = node.find("target")
    bus = None if target is None else target.get("bus")
    if bus:
        return bus
    if node.get("device") == "floppy":
        return "fdc"
    name = target_name(node) or ""
    dialect = domain.world.target.dialect
    for known in BUSES:
        spoken = known.since is None or dialect.has(known.since)
        if spoken and known.letters and name.startswith(known.letters):
            return known.name
    return "ide"


def disk_index(name: str) -> int | None:
    """Give the number in a target's name, counted from 0: ``sda`` is 0, ``vdaa`` 26."""
    found = _NAME.fullmatch(name)
    if found is None or len(found[1]) > _MOST_LETTERS:
        return None
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1


class Drive(MutableStruct):
    """A disk, or a SCSI device of the host, and its place; `given` where the domain names it."""

    node: Node
    bus: str
    name: str
    place: DriveAddress | None
    given: bool


class Drives(Part):
    """All that sits on controllers for drives."""

    path = ""

    @cached_property
    def disks(self) -> tuple[Drive, ...]:
        """The disks, in the order of the document."""
        return tuple(self._disk(node) for node in self.domain.find("devices/disk"))

    @cached_property
    def ordered(self) -> list[Drive]:
        """The disks in libvirt's order: those of a bus together, by the names of their targets."""
        by_bus: dict[str, list[Drive]] = {}
        for drive in self.disks:
            by_bus.setdefault(drive.bus, []).append(drive)
        for drives in by_bus.values():
            drives.sort(key=lambda drive: disk_index(drive.name) or 0)
        return [drive for drives in by_bus.values() for drive in drives]

    def _disk(self, node: Node) -> Drive:
        bus, name = disk_bus(node, self.domain), target_name(node) or ""
        address = self.domain.within(Address, node)
        if address is not None:
            return Drive(node, bus, name, address.drive, given=True)
        return Drive(node, bus, name, _place(bus_named(bus), name), given=False)

    @cached_property
    def host_devices(self) -> tuple[Drive, ...]:
        """The SCSI devices of the host, each with the place that libvirt gives it."""
        devices: list[Drive] = []
        for node in self.domain.find("devices/hostdev"):
            if node.get("type") != "scsi" or node.get("mode", HOSTDEV_MODE) != "subsystem":
                continue
            address = self.domain.within(Address, node)
            place = None if address is None else address.drive
            devices.append(Drive(node, "scsi", "", place, given=address is not None))
        if not devices:
            return ()
        taken = {drive.place for drive in (*self.disks, *devices) if drive.bus == "scsi"}
        # what one device found taken stays so for those after it
        free = (place for place in self._places() if place not in taken)
        for drive in devices:
            if not drive.given:
                drive.place = next(free)
        return tuple(devices)

    def _places(self) -> Iterator[DriveAddress]:
        """Give the places for SCSI devices of the host in libvirt's order, without an end."""
        models = {c.index or 0: c.settled_model for c in self.domain.all(Controller)
                  if c.type == "scsi"}  # fmt: skip
        controller = 0
        while True:
            model = models.get(controller) or ""
            for unit in range(min(NARROW, _LAST_UNIT.get(model, NARROW) + 1)):
                yield DriveAddress(controller, 0, 0, unit)
            controller += 1


def _place(bus: DiskBus, name: str) -> DriveAddress | None:
    if bus.units is None:
        return None
    if bus.numbered and name.startswith(bus.letters):
        found = _NUMBERED.fullmatch(name.removeprefix(bus.letters))
        return DriveAddress(int(found[1]), 0, 0, int(found[2]) - 1) if found else None
    index = disk_index(name)
    if index is None:
        return None
    if bus.numbered:
        # a name of another bus tells the unit only: libvirt 12.8 puts sdd at unit 3 of the first
        return DriveAddress(0, 0, 0, index)
    units, per_bus = bus.units
    controller, rest = divmod(index, units)
    return DriveAddress(controller, rest // per_bus, 0, rest % per_bus)


_DISK = "<disk type='file' device='disk'><source file='/a'/><target dev='{}' bus='{}'/>{}</disk>"
_AT = "<address type='drive' controller='0' bus='0' target='0' unit='{}'/>"
_TWO = _DISK.format("sda", "scsi", _AT.format(0)) + _DISK.format("sdb", "scsi", "{}")
_HOST = (
    "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
    "<address bus='0' target='0' unit='{}'/></source>{}</hostdev>"
)


@rule(
    "disk-address-duplicate",
    Drives,
    bad=_TWO.format(_AT.format(0)),
    good=_TWO.format(_AT.format(1)),
)
def places_are_taken_once(drives: Drives) -> Problems:
    """Disks of one bus must have different drive addresses."""
    taken: set[tuple[str, DriveAddress]] = set()
    for drive in drives.disks:
        if drive.place is None:
            continue
        if (drive.bus, drive.place) in taken:
            yield problem(
                f"the address ({drive.place}) is used by another disk on bus {drive.bus!r}; change "
                "or remove it",
                drive.node,
                "address" if drive.given else "target/@dev",
            )
        taken.add((drive.bus, drive.place))


@rule(
    "hostdev-address-duplicate",
    Drives,
    bad=_HOST.format(0, _AT.format(3)) + _HOST.format(1, _AT.format(3)),
    good=_HOST.format(0, _AT.format(3)) + _HOST.format(1, _AT.format(4)),
)
def host_devices_have_places_of_their_own(drives: Drives) -> Problems:
    """The drive ``<address>`` of a SCSI ``<hostdev>`` must not be that of a disk or another
    ``<hostdev>``.
    """
    taken = {drive.place for drive in drives.disks if drive.bus == "scsi" and drive.place}
    for device in drives.host_devices:
        if device.place is None:
            continue
        if device.place in taken:
            where = "address" if device.given else ""
            yield problem(
                f"the address {device.place} is used by another SCSI device; remove or change it",
                device.node,
                where,
            )
        taken.add(device.place)
