"""Where disks are plugged in: kinds of addresses by bus, and what controllers have room for.

::

    <target dev='sda' bus='scsi'/>
    <address type='drive' controller='0' bus='0' target='0' unit='3'/>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import PPC64, S390, S390_CCW
from domcaps.elements.buses.disk import bus_named
from domcaps.elements.controllers.models import VIRTIO_SCSI_MODELS
from domcaps.elements.placement.drives import Drives
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.storage.disk import Disk
from domcaps.language.changes.placement import DRIVE_ADDRESSES_OF_ALL
from domcaps.language.finding import Stage
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problem, Problems, problem, rule

if TYPE_CHECKING:
    from domcaps.elements.base.address import DriveAddress
    from domcaps.elements.placement.drives import Drive

_WITHOUT_MMIO = S390 | PPC64
_OF_VIRTIO = ("pci", "ccw", "virtio-mmio", "unassigned")

# the last numbers that QEMU has a place for, by model
_LAST_SCSI = {
    "lsilogic": {"unit": 7},
    "lsisas1068": {"target": 8, "unit": 1},
    "lsisas1078": {"target": 64, "unit": 255},
    "vmpvscsi": {"target": 64, "unit": 0},
    "ibmvscsi": {"target": 63, "unit": 31},
    **{model: {"unit": 7} for model in ("am53c974", "dc390", "ncr53c90")},
    **{model: {"target": 255, "unit": 16383} for model in VIRTIO_SCSI_MODELS},
}

_DISK = "<disk type='file'{}><source file='/a'/><target dev='{}' bus='{}'/>{}</disk>"
_DRIVE = "<address type='drive' {}/>"
_USB = "<address type='usb' bus='0' port='1'/>"


@rule(
    "disk-address-type-unsupported",
    Disk,
    bad=_DISK.format("", "sda", "scsi", "<address type='pci' slot='5'/>"),
    good=_DISK.format("", "sda", "scsi", _DRIVE.format("unit='0'")),
)
def address_suits_bus(disk: Disk) -> Problems:
    """The ``<address>`` of a disk must suit its bus: type ``drive`` for IDE, SCSI, SATA and floppy
    disks.
    """
    given = disk.address_type
    if given is None:
        return
    wanted = disk.on.address
    if wanted and given != wanted:
        yield problem(
            f"a disk on bus {disk.bus!r} needs an address of type {wanted!r}, not {given!r}",
            disk,
            "address/@type",
            accepted=(wanted,),
        )
    elif (
        disk.bus == "virtio"
        and _is_looked_at(disk)
        and (given not in _OF_VIRTIO or (given == "virtio-mmio" and disk.holds(_WITHOUT_MMIO)))
    ):
        yield problem(
            f"a disk on virtio cannot have an address of type {given!r}",
            disk,
            "address/@type",
            accepted=_OF_VIRTIO,
        )


def _is_looked_at(disk: Disk) -> bool:
    """Tell whether libvirt compares addresses of virtio: it does so where it gives those of PCI."""
    hardware = disk.domain.first(InstalledControllers)
    return hardware is None or hardware.supports_pci


_SCSI_HOST = (
    "<controller type='scsi' index='0' model='lsilogic'/><hostdev mode='subsystem' type='scsi'>"
    "<source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source>"
    "<address type='drive' controller='0' bus='0' target='{}' unit='0'/></hostdev>"
)


@rule(
    "disk-address-out-of-range",
    Drives,
    bad=_DISK.format("", "hde", "ide", ""),
    good=_DISK.format("", "hdd", "ide", ""),
)
def place_is_on_the_controller(drives: Drives) -> Problems:
    """The drive ``<address>`` of a disk, or the one that follows from its ``<target>``, must
    exist on the bus.

    Most buses have only one controller, bus or target, with the number 0: IDE ends at ``hdd``.
    """
    checked = (*drives.disks, *drives.host_devices)
    if not libvirt_reads(drives, DRIVE_ADDRESSES_OF_ALL):
        checked = drives.disks
    for drive in checked:
        bus = bus_named(drive.bus)
        if drive.place is None:
            continue
        for name in bus.zero:
            if getattr(drive.place, name):
                yield _misplaced(drive, f"an {drive.bus} bus has only one {name}; set {name}='0'")
                break
        else:
            yield from _on_lsilogic(drives, drive, drive.place)


@rule(
    "hostdev-address-out-of-range",
    Drives,
    bad=_SCSI_HOST.format("4"),
    good=_SCSI_HOST.format("0"),
    stage=Stage.START,
    until=DRIVE_ADDRESSES_OF_ALL,
)
def host_devices_are_on_the_controller(drives: Drives) -> Problems:
    """The target of a SCSI ``<hostdev>`` must be 0 on an lsilogic controller (at start)."""
    for drive in drives.host_devices:
        if drive.place is not None:
            yield from _on_lsilogic(drives, drive, drive.place)


@rule(
    "disk-place-missing",
    Drives,
    bad=_DISK.format("", "hda", "ide", _DRIVE.format("unit='2'")),
    good=_DISK.format("", "hda", "ide", _DRIVE.format("bus='1' unit='1'")),
    stage=Stage.START,
)
def place_exists(drives: Drives) -> Problems:
    """The drive ``<address>`` of a disk must exist on its controller; otherwise QEMU fails at
    start.

    IDE has two buses with two drives each, a floppy controller two drives, a SATA controller six,
    and a virtio-scsi controller 256 targets. Libvirt accepts other addresses.
    """
    hardware = drives.domain.first(InstalledControllers)
    for drive in (*drives.disks, *drives.host_devices):
        if drive.place is None or not drive.given:
            continue
        limits = bus_named(drive.bus).last
        if drive.bus == "scsi" and hardware is not None:
            limits = _LAST_SCSI.get(_model(hardware, drive.place.controller), {})
        for name, last in limits.items():
            if getattr(drive.place, name) > last:
                yield _misplaced(
                    drive,
                    f"QEMU fails at start: the last {name} of this controller is number {last}",
                )


def _model(hardware: InstalledControllers, index: int) -> str:
    models = (c.model or "" for c in hardware.of("scsi") if c.index == index)
    return next(models, "")


def _misplaced(drive: Drive, message: str) -> Problem:
    return problem(message, drive.node, "address" if drive.given else "target/@dev")


def _on_lsilogic(drives: Drives, drive: Drive, place: DriveAddress) -> Problems:
    if drive.bus != "scsi" or not place.target:
        return
    hardware = drives.domain.first(InstalledControllers)
    for controller in hardware.of("scsi") if hardware else ():
        if controller.index == place.controller and controller.model == "lsilogic":
            yield _misplaced(drive, "an lsilogic controller has only one target; set target='0'")


@rule(
    "disk-model-conflict",
    Disk,
    bad=_DISK.format(" model='virtio'", "sda", "usb", ""),
    good=_DISK.format(" model='virtio'", "vda", "virtio", ""),
)
def model_suits_bus(disk: Disk) -> Problems:
    """Attribute ``model`` of ``<disk>`` must suit the bus: models such as ``virtio`` require
    ``bus='virtio'``.
    """
    model = disk.model or "default"
    if model.startswith("virtio") and disk.bus != "virtio":
        yield problem(f"the model {model!r} requires bus='virtio'", disk, "@model")
    elif model.startswith("usb-") and disk.bus == "virtio" and _on_pci(disk):
        yield problem(f"the model {model!r} requires bus='usb'", disk, "@model")


def _on_pci(disk: Disk) -> bool:
    # a place that the domain names is taken as it is
    named = disk.address is not None and disk.address.pci is not None
    return not named and disk.address_type in {None, "pci"} and not disk.holds(S390_CCW)
