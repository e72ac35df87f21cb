"""What the guest sees of a disk: its target's name, its bus, its drive, what the drive tells.

::

    <target dev='sda' bus='scsi' tray='closed' removable='on' rotation_rate='1'/>
    <serial>WD-WMAP9A966149</serial>
    <wwn>5000c50015ea71ad</wwn>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import PSERIES
from domcaps.elements.buses.disk import FLOPPY_CONTROLLER, bus_named
from domcaps.elements.placement.drives import LETTERS, disk_index
from domcaps.elements.storage.disk import BUS, Disk
from domcaps.elements.storage.target_names import free_name, free_under, named_target
from domcaps.language.changes.storage import (
    DISK_DPOFUA,
    DISK_FLOPPY_CONTROLLER,
    DISK_NAME_OVERFLOW,
    DISK_PRODUCTS,
    DISK_ROTATION,
    DISK_TRAY_CLOSED,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.observed import device_property
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

ROTATION_RATE = device_property("scsi-hd", "rotation_rate")

_NAMES = tuple(letters for letters in LETTERS if letters != "fd")
_PARTITION = late_pattern(r"[a-z]+(\d*)")
_WWN = late_pattern(r"(0x)?[0-9a-fA-F]{16}")
_SERIAL = late_pattern(r"[A-Za-z0-9\-_ .+]*")
_UNSAFE = late_pattern(r"[^A-Za-z0-9\-_ .+]")
_PRINTABLE = late_pattern(r"[ -~]*")
_LONGEST_VENDOR = 8

_DISK = "<disk type='file' device='{}'><source file='/a'/><target dev='{}' bus='{}'{}/>{}</disk>"


def _disk(
    bus: str, inside: str = "", *, name: str = "", device: str = "disk", target: str = ""
) -> str:
    names = {"ide": "hda", "virtio": "vda", "fdc": "fda"}
    return _DISK.format(device, name or names.get(bus, "sda"), bus, target, inside)


@rule(
    "disk-target-missing",
    Disk,
    bad="<disk type='file'><source file='/a'/></disk>",
    good=_disk("virtio"),
)
def target_is_named(disk: Disk) -> Problems:
    """``<disk>`` needs a ``<target>`` with the attribute ``dev``, such as ``dev='vda'``."""
    target = disk.find("target")
    if target is None or target.get("dev") is None:
        message = "<disk> needs <target dev='…'/>, such as 'vda'"
        yield problem(message, disk, "target/@dev", fix=named_target(disk))


@rule("disk-target-unknown", Disk, bad=_disk("virtio", name="vd1"), good=_disk("virtio"))
def target_has_a_known_name(disk: Disk) -> Problems:
    """Attribute ``dev`` of ``<target>`` must be a known prefix followed by letters, such as ``vda``
    or ``sdb``.
    """
    name = disk.name
    if not name:
        target = disk.find("target")
        # a name that is empty is noticed where an address has to follow from it
        if target is not None and target.get("dev") == "" and disk.address is None:
            yield problem(
                "attribute 'dev' of <target> is empty; use a name such as 'vda'",
                disk,
                "target/@dev",
                fix=free_name(disk),
            )
        return
    if disk.on.numbered and name.startswith(disk.on.letters):
        return
    if disk.device == "floppy":
        accepted: tuple[str, ...] = ("fd",)
    elif disk.device == "cdrom":
        accepted = ("fd", *_NAMES)
    else:
        accepted = _NAMES
    if not name.startswith(accepted) or not _is_counted(disk, name):
        yield problem(
            f"{name!r} is not a valid target for a {disk.device}: use "
            f"{', '.join(accepted)} followed by letters",
            disk,
            "target/@dev",
            fix=free_name(disk),
        )
    elif (found := _PARTITION.fullmatch(name)) and found[1] not in {"", "0"}:
        whole = set_value(name.rstrip("0123456789"), "@dev")
        yield problem(
            "attribute 'dev' of <target> must name a whole disk, without a partition number",
            disk,
            "target/@dev",
            fix=whole,
        )


def _is_counted(disk: Disk, name: str) -> bool:
    """Tell whether a number follows from a name: older libvirt takes one that overflowed."""
    if disk_index(name) is not None:
        return True
    found = _LETTERS.fullmatch(name)
    if found is None or libvirt_reads(disk, DISK_NAME_OVERFLOW):
        return False
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - ord("a") + 1
    return not (number - 1) & _SIGN


_LETTERS = late_pattern(r"(?:fd|hd|vd|sd|xvd|ubd)([a-z]+)[0-9]*")
_SIGN = 1 << 31


@rule(
    "disk-target-duplicate",
    Disk,
    bad=_disk("virtio") + _disk("virtio"),
    good=_disk("virtio") + _disk("virtio", name="vdb"),
)
def target_is_unique(disk: Disk) -> Problems:
    """Attribute ``dev`` of ``<target>`` must differ for each ``<disk>``."""
    name = disk.name
    first = disk.domain.firsts(Disk, "name").get(name, disk)
    if name and first.node is not disk.node:
        fix = set_value(_next_name(disk), "@dev")
        yield problem(
            f"another disk has the target {name!r}; choose another name",
            disk,
            "target/@dev",
            fix=fix,
        )


def _next_name(disk: Disk) -> str:
    """Give the first name with the disk's prefix that no disk of the domain has."""
    used = {other.name for other in disk.domain.all(Disk)}
    prefix = (disk.name or "")[:2]
    return next(
        name for name in (f"{prefix}{a}{b}" for a in _FIRST for b in _SECOND) if name not in used
    )


_SECOND = "abcdefghijklmnopqrstuvwxyz"
_FIRST = ("", *_SECOND)


@rule(
    "disk-bus-unsupported",
    Disk,
    bad=Sample(_disk("ide"), machine="q35"),
    good=Sample(_disk("sata"), machine="q35"),
)
def bus_is_there(disk: Disk) -> Problems:
    """Attribute ``bus`` of ``<target>`` in ``<disk>`` must be a bus that QEMU and the machine type
    support.

    Without the attribute the bus follows from the name in ``dev``.
    """
    world = disk.domain.world
    choice = BUS.find(disk.bus, world.target.dialect)
    misspelt = disk.given_bus is None and disk.raw("given_bus")
    if misspelt or (disk.bus == "fdc" and not libvirt_reads(disk, DISK_FLOPPY_CONTROLLER)):
        return
    if choice is not None and world.truth(choice.when) is not Truth.NO:
        return
    offered = [
        c.name
        for c in BUS.choices
        if c.listed and world.target.dialect.has_between(c.since, c.until)
        if world.may_have(c.when)
        if _may_hold(c.name, disk.device)
    ]
    yield problem(
        f"the bus {disk.bus!r} is not supported by this QEMU and machine type",
        disk,
        "target/@bus",
        accepted=offered,
        reason=None if choice is None else choice.when.explain(world),
    )


def _may_hold(bus: str, device: str | None) -> bool:
    """Tell whether a bus may hold a kind of disk: some have no removable media."""
    return not (device == "cdrom" and bus_named(bus).fixed_media)


@rule(
    "disk-device-unsupported",
    Disk,
    bad=Sample(_disk("fdc", device="floppy"), arch="s390x"),
    good=_disk("fdc", device="floppy"),
    since=DISK_FLOPPY_CONTROLLER,
)
def floppy_needs_a_controller(disk: Disk) -> Problems:
    """``<disk device='floppy'>`` requires a machine type with a floppy controller, such as i440fx.

    Libvirt before 11.4 does not check this.
    """
    if disk.device == "floppy":
        yield from needs(
            disk,
            FLOPPY_CONTROLLER,
            "this QEMU does not support floppy drives; remove the disk, or use device='disk'",
            "@device",
        )


@rule(
    "disk-floppy-unsupported",
    Disk,
    bad=Sample(_disk("fdc", device="floppy"), arch="ppc64"),
    good=_disk("fdc", device="floppy"),
    stage=Stage.START,
    until=DISK_FLOPPY_CONTROLLER,
)
def no_floppy_on_pseries(disk: Disk) -> Problems:
    """``<disk device='floppy'>`` is not supported by pseries machine types.

    Libvirt before 11.4 reports it at start.
    """
    if disk.bus == "fdc" and disk.holds(PSERIES):
        yield problem(
            "this machine type does not support floppy drives; remove it, or use device='cdrom'",
            disk,
            "@device",
        )


@rule(
    "disk-bus-unavailable",
    Disk,
    bad=_disk("xen", name="xvda"),
    good=_disk("virtio"),
    stage=Stage.START,
)
def bus_is_not_of_another_hypervisor(disk: Disk) -> Problems:
    """Attribute ``bus`` of ``<target>`` in ``<disk>`` cannot be ``xen`` or ``uml``, which are for
    other hypervisors.
    """
    if disk.on.foreign:
        yield problem(f"QEMU does not support bus={disk.bus!r}; use 'virtio'", disk, "target/@bus")


@rule(
    "disk-device-bus-conflict",
    Disk,
    bad=_disk("virtio", device="cdrom"),
    good=_disk("scsi", device="cdrom"),
)
def device_suits_bus(disk: Disk) -> Problems:
    """Attribute ``device`` of ``<disk>`` must suit the bus: a floppy needs ``fdc``, and a CD-ROM
    cannot be on ``virtio`` or ``sd``.
    """
    if (disk.device == "floppy") is not disk.on.floppy:
        yield problem(
            f"a {disk.device} cannot be on bus {disk.bus!r}: floppy drives, and only "
            "they, are on 'fdc'",
            disk,
            "target/@bus",
            fix=_as_floppy(disk) if disk.device == "floppy" else (),
        )
    elif disk.device == "cdrom" and disk.on.fixed_media:
        yield problem(
            f"removable media cannot be on bus {disk.bus!r}; use 'sata' or 'scsi'",
            disk,
            "target/@bus",
        )


def _as_floppy(disk: Disk) -> Fix:
    """Put a floppy drive on the bus of floppy drives, under its name or the first free one."""
    name = disk.name if disk.name.startswith("fd") else free_under(disk, "fd") or "fda"
    target = f"{path_of(disk.node)}/target"
    values = ((f"{target}/@bus", "fdc"), (f"{target}/@dev", name))
    return Fix(values=values, without=(f"{path_of(disk.node)}/address",))


@rule(
    "disk-tray-unsupported",
    Disk,
    bad=_disk("virtio", target=" tray='open'"),
    good=_disk("scsi", device="cdrom", target=" tray='open'"),
)
def tray_needs_removable_media(disk: Disk) -> Problems:
    """Attribute ``tray`` of ``<target>`` requires a CD-ROM or floppy drive."""
    # newer releases of libvirt refuse closed trays as well; which one was the first is not proven
    closed = libvirt_reads(disk, DISK_TRAY_CLOSED)
    has = disk.tray == "open" or (disk.tray is not None and closed)
    if has and disk.device not in {"cdrom", "floppy"}:
        yield problem(
            "only CD-ROM and floppy drives have a tray; remove the attribute 'tray'",
            disk,
            "target/@tray",
        )


@rule(
    "disk-removable-unsupported",
    Disk,
    bad=_disk("virtio", target=" removable='on'"),
    good=_disk("usb", target=" removable='on'"),
)
def removable_needs_usb_or_scsi(disk: Disk) -> Problems:
    """Attribute ``removable`` of ``<target>`` requires a USB disk, or a SCSI disk that is not a
    CD-ROM or LUN.
    """
    others = disk.bus == "scsi" and disk.device != "disk"
    if disk.removable is not None and (not disk.on.removable or others):
        yield problem(
            "attribute 'removable' of <target> requires bus='usb' or bus='scsi'; remove it",
            disk,
            "target/@removable",
        )


@rule(
    "disk-rotation-rate-unsupported",
    Disk,
    since=DISK_ROTATION,
    bad=_disk("virtio", target=" rotation_rate='1'"),
    good=_disk("scsi", target=" rotation_rate='1'"),
)
def rotation_needs_a_disk(disk: Disk) -> Problems:
    """Attribute ``rotation_rate`` of ``<target>`` requires a hard disk on IDE, SCSI or SATA."""
    if not disk.rotation_rate:
        return
    if not disk.on.rotates or disk.device != "disk":
        yield problem(
            "attribute 'rotation_rate' of <target> requires a hard disk on bus "
            "'scsi', 'ide' or 'sata'; remove it",
            disk,
            "target/@rotation_rate",
        )
    else:
        yield from needs(
            disk,
            ROTATION_RATE,
            "this QEMU does not support 'rotation_rate'; remove it",
            "target/@rotation_rate",
        )


@rule(
    "disk-dpofua-unsupported",
    Disk,
    bad=_disk("sata", target=" dpofua='on'"),
    good=_disk("scsi", target=" dpofua='on'"),
    since=DISK_DPOFUA,
)
def dpofua_needs_scsi(disk: Disk) -> Problems:
    """Attribute ``dpofua`` of ``<target>`` must be ``on`` or ``off``; it requires a SCSI disk, and
    libvirt 11.6 or later.
    """
    target = disk.find("target")
    given = None if target is None else target.get("dpofua")
    if given is None:
        return
    if given not in ON_OFF.names:
        yield problem(
            f"attribute 'dpofua' of <target> is {given!r}, but must be 'on' or 'off'",
            disk,
            "target/@dpofua",
            accepted=ON_OFF.names,
        )
    elif disk.bus != "scsi":
        yield problem("attribute 'dpofua' requires bus='scsi'", disk, "target/@dpofua")


@rule(
    "disk-readonly-unsupported",
    Disk,
    bad=_disk("ide", "<readonly/>"),
    good=_disk("virtio", "<readonly/>"),
)
def readonly_needs_its_bus(disk: Disk) -> Problems:
    """A hard disk on IDE or SATA cannot be ``<readonly>``."""
    if not disk.on.readonly and disk.device == "disk" and disk.has("readonly"):
        yield problem(
            f"a hard disk on bus {disk.bus!r} cannot be <readonly>; use bus='virtio' or 'scsi'",
            disk,
            "readonly",
        )


@rule(
    "disk-serial-unsupported",
    Disk,
    bad=_disk("virtio", "<serial>a/b</serial>"),
    good=_disk("virtio", "<serial>WD-WMAP9A966149</serial>"),
)
def serial_is_plain(disk: Disk) -> Problems:
    """``<serial>`` of a disk may contain letters, digits, spaces and ``-_.+``; SD cards and LUNs
    cannot have one.
    """
    serial = disk.text("serial")
    if serial is None:
        return
    if not disk.on.serial or (disk.bus == "scsi" and disk.device == "lun"):
        yield problem("SD cards and SCSI LUNs cannot have a <serial>; remove it", disk, "serial")
    elif not _SERIAL.fullmatch(serial):
        yield problem(
            "<serial> may contain only letters, digits, spaces and the characters -_.+",
            disk,
            "serial",
            fix=set_value(_UNSAFE.sub("-", serial)),
        )


@rule(
    "disk-wwn-invalid",
    Disk,
    bad=_disk("scsi", "<wwn>5000c50015ea71</wwn>"),
    good=_disk("scsi", "<wwn>5000c50015ea71ad</wwn>"),
)
def wwn_is_hexadecimal(disk: Disk) -> Problems:
    """``<wwn>`` must be 16 hexadecimal digits, and requires a disk on IDE or SCSI."""
    wwn = disk.text("wwn")
    if wwn is None:
        return
    if not _WWN.fullmatch(wwn):
        yield problem("<wwn> must be 16 hexadecimal digits", disk, "wwn")
    elif not disk.on.wwn:
        yield problem("<wwn> requires a disk on bus 'ide' or 'scsi'", disk, "wwn")
    elif disk.device == "lun":
        yield problem("a LUN cannot have a <wwn>; remove it", disk, "wwn")


@rule(
    "disk-vendor-invalid",
    Disk,
    bad=_disk("scsi", "<vendor>too long a name</vendor>"),
    good=_disk("scsi", "<vendor>SEAGATE</vendor>"),
)
def vendor_is_short(disk: Disk) -> Problems:
    """``<vendor>`` must be at most 8 printable characters, and requires a SCSI disk."""
    vendor = disk.text("vendor")
    if vendor is None:
        return
    if not _PRINTABLE.fullmatch(vendor) or len(vendor) > _LONGEST_VENDOR:
        fix = _shortened(vendor, _LONGEST_VENDOR)
        yield problem("<vendor> must be at most 8 printable characters", disk, "vendor", fix=fix)
    elif disk.bus != "scsi" or disk.device == "lun":
        yield problem("<vendor> requires a SCSI disk that is not a LUN", disk, "vendor")


@rule(
    "disk-product-invalid",
    Disk,
    bad=_disk("scsi", "<product>a name that is too long</product>"),
    good=_disk("scsi", "<product>ST3500630NS</product>"),
)
def product_is_short(disk: Disk) -> Problems:
    """``<product>`` must be at most 16 printable characters for SCSI disks, 40 for IDE and SATA
    disks.
    """
    product = disk.text("product")
    if product is None:
        return
    longest = disk.on.product
    if not longest or disk.device == "lun":
        yield problem("<product> requires a disk on bus 'scsi', 'ide' or 'sata'", disk, "product")
    elif disk.bus != "scsi" and not libvirt_reads(disk, DISK_PRODUCTS):
        yield problem(
            "this libvirt version supports <product> for SCSI disks only", disk, "product"
        )
    elif not _PRINTABLE.fullmatch(product) or len(product) > longest:
        yield problem(
            f"<product> must be at most {longest} printable characters",
            disk,
            "product",
            fix=_shortened(product, longest),
        )


def _shortened(text: str, most: int) -> Iterator[Fix]:
    """Cut a text that is too long, but for one that has other characters."""
    if _PRINTABLE.fullmatch(text):
        yield set_value(text[:most])


@rule(
    "disk-geometry-unsupported",
    Disk,
    bad=_disk("usb", "<geometry cyls='16383' heads='16' secs='63'/>"),
    good=_disk("ide", "<geometry cyls='16383' heads='16' secs='63' trans='lba'/>"),
)
def geometry_needs_its_bus(disk: Disk) -> Problems:
    """``<geometry>`` is not valid for disks on USB and SD; its attribute ``trans`` requires IDE."""
    if not (disk.cylinders and disk.heads and disk.sectors):
        return
    if not disk.on.geometry:
        yield problem(
            f"a disk on bus {disk.bus!r} cannot have a <geometry>; remove it", disk, "geometry"
        )
    elif disk.translation is not None and disk.bus != "ide":
        yield problem("attribute 'trans' of <geometry> requires bus='ide'", disk, "geometry/@trans")
