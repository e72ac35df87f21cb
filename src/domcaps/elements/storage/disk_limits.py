"""Limits of QEMU's disks that libvirt does not know: it defines such a domain, and QEMU refuses it.

Seen with QEMU 10.0 and 11.1: "logical_block_size must be a power of 2 between 512 and 2097152",
"heads must be between 1 and 16", "The serial number can't be longer than 36 characters".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.disk import Disk
from domcaps.language.finding import Stage
from domcaps.language.quantities import is_power_of_two, size_of
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_SECTOR = 512
_LARGEST_BLOCK = 2 << 20
_ATA = frozenset({"ide", "sata"})
_FLOPPY = "fdc"
_DISK = "<disk type='file'{}><driver name='qemu'{}/><source file='/a'/><target dev='{}'/>{}</disk>"


def _disk(inside: str = "", *, name: str = "vda", driver: str = "", kind: str = "") -> str:
    return _DISK.format(kind, driver, name, inside)


def _is_block_size(size: int) -> bool:
    return _SECTOR <= size <= _LARGEST_BLOCK and is_power_of_two(size)


_BLOCK_SIZE = "logical_block_size"
_PHYSICAL = "physical_block_size"
_DISCARD = "discard_granularity"


@rule(
    "disk-blockio-fails-at-start",
    Disk,
    bad=_disk("<blockio logical_block_size='4096'/>"),
    good=_disk("<blockio logical_block_size='4096' physical_block_size='4096'/>"),
    stage=Stage.START,
)
def block_sizes_suit_the_disk(disk: Disk) -> Problems:
    """Sizes in ``<blockio>`` must be powers of two from 512 to 2097152 that suit each other.

    The logical block size must not be larger than the physical one, which is 512 where it is not
    set, and the discard granularity must be a multiple of it. IDE, SATA and floppy disks have
    logical blocks of 512 bytes.
    """
    if disk.bus == "sd" or disk.type == "vhostuser":
        return
    sizes = {_BLOCK_SIZE: disk.logical_block_size or 0, _PHYSICAL: disk.physical_block_size or 0}
    wrong = [name for name, size in sizes.items() if size and not _is_block_size(size)]
    for name in wrong:
        yield problem(
            f"{name!r} is {sizes[name]}, but must be a power of two from 512 to 2097152",
            disk,
            f"blockio/@{name}",
        )
    if not wrong:
        yield from _sizes_suit_each_other(disk, sizes[_BLOCK_SIZE], sizes[_PHYSICAL])


def _sizes_suit_each_other(disk: Disk, logical: int, physical: int) -> Problems:
    logical, unit = logical or _SECTOR, disk.discard_granularity or 0
    is_ata = disk.bus in _ATA
    if logical != _SECTOR and (is_ata or disk.bus == _FLOPPY):
        message = f"the logical block size of a disk on the bus {disk.bus!r} must be 512"
        yield problem(message, disk, f"blockio/@{_BLOCK_SIZE}", accepted=(str(_SECTOR),))
    elif physical > _SECTOR and disk.bus == _FLOPPY:
        message = "the physical block size of a floppy disk must be 512"
        yield problem(message, disk, f"blockio/@{_PHYSICAL}", accepted=(str(_SECTOR),))
    elif logical > (physical or _SECTOR):
        message = (
            f"the logical block size {logical} is larger than the physical one, {physical or 512}"
        )
        yield problem(message, disk, f"blockio/@{_PHYSICAL}", accepted=(str(logical),))
    elif unit % logical or (is_ata and unit > _SECTOR):
        wanted = "512" if is_ata else f"a multiple of the logical block size, {logical}"
        message = f"the discard granularity is {unit}, but must be {wanted}"
        yield problem(message, disk, f"blockio/@{_DISCARD}", accepted=(str(logical),))


_MOST_CYLINDERS, _MOST_HEADS, _MOST_ATA_HEADS = 65535, 255, 16
_GEOMETRY = "<geometry cyls='1000' heads='{}' secs='63'/>"


@rule(
    "disk-geometry-fails-at-start",
    Disk,
    bad=_disk(_GEOMETRY.format(256)),
    good=_disk(_GEOMETRY.format(255)),
    stage=Stage.START,
)
def geometry_can_be_had(disk: Disk) -> Problems:
    """``<geometry>`` may have up to 65535 cylinders, 255 heads and 255 sectors per track.

    IDE and SATA disks have up to 16 heads. CD-ROM and floppy drives have no geometry.
    """
    given = (disk.cylinders or 0, disk.heads or 0, disk.sectors or 0)
    if 0 in given or disk.bus in {"usb", "sd"}:
        return
    if disk.device in {"cdrom", "floppy"}:
        yield problem(f"a {disk.device!r} drive has no <geometry>; remove it", disk, "geometry")
        return
    most = (_MOST_CYLINDERS, _MOST_ATA_HEADS if disk.bus in _ATA else _MOST_HEADS, _MOST_HEADS)
    for name, number, limit in zip(("cyls", "heads", "secs"), given, most, strict=True):
        if number > limit:
            message = f"{name!r} of <geometry> is {number}, but must be at most {limit}"
            yield problem(message, disk, f"geometry/@{name}", accepted=(str(limit),))


_LONGEST_SERIAL = {"scsi": 36, "usb": 20}


@rule(
    "disk-serial-fails-at-start",
    Disk,
    bad=_disk("<serial>{}</serial>".format("x" * 37), name="sda"),
    good=_disk("<serial>{}</serial>".format("x" * 20), name="sda"),
    stage=Stage.START,
)
def serial_number_is_short(disk: Disk) -> Problems:
    """``<serial>`` may have up to 36 characters for SCSI disks, and up to 20 for USB disks.

    Floppy disks have no serial number. For other disks QEMU cuts it off.
    """
    serial = disk.text("serial") or ""
    most = _LONGEST_SERIAL.get(disk.bus)
    if most is not None and len(serial) > most:
        message = f"<serial> has {len(serial)} characters, but may have at most {most}"
        yield problem(message, disk, "serial")
    elif serial and disk.bus == _FLOPPY:
        yield problem("a floppy disk has no serial number; remove <serial>", disk, "serial")


@rule(
    "disk-error-policy-fails-at-start",
    Disk,
    bad=_disk(name="fda", driver=" error_policy='stop'", kind=" device='floppy'"),
    good=_disk(driver=" error_policy='stop'"),
    stage=Stage.START,
)
def floppies_have_no_policy(disk: Disk) -> Problems:
    """``error_policy`` and ``rerror_policy`` of ``<driver>`` are not valid for floppy disks."""
    if disk.bus != _FLOPPY:
        return
    given = {"error_policy": disk.error_policy, "rerror_policy": disk.read_error_policy}
    for name in (name for name, value in given.items() if value):
        yield problem(f"a floppy disk has no {name!r}; remove it", disk, f"driver/@{name}")


_MOST_QUEUES = 1024
_LEAST_REQUESTS, _MOST_REQUESTS = 4, 1024


@rule(
    "disk-queues-fail-at-start",
    Disk,
    bad=_disk(driver=" queue_size='2'"),
    good=_disk(driver=" queues='4' queue_size='256'"),
    stage=Stage.START,
)
def queues_are_few(disk: Disk) -> Problems:
    """``<driver>`` may have up to 1024 ``queues``; ``queue_size`` is a power of two, 4 to 1024."""
    if disk.bus != "virtio" or disk.type in {"vhostuser", "vhostvdpa"}:
        return
    if (disk.queues or 0) > _MOST_QUEUES:
        message = f"a disk has at most {_MOST_QUEUES} queues"
        yield problem(message, disk, "driver/@queues", accepted=(str(_MOST_QUEUES),))
    size = disk.queue_size or 0
    if size and not (_LEAST_REQUESTS <= size <= _MOST_REQUESTS and is_power_of_two(size)):
        message = f"'queue_size' is {size}, but must be a power of two from 4 to 1024"
        yield problem(message, disk, "driver/@queue_size", accepted=("256",))


_SLICE = (
    "<disk type='file'><source file='/a'><slices><slice type='storage' offset='0' size='{}'/>"
    "</slices></source><target dev='vda'/></disk>"
)


@rule(
    "disk-slice-fails-at-start",
    Disk,
    bad=_SLICE.format(1000),
    good=_SLICE.format(1024),
    stage=Stage.START,
)
def slices_are_of_sectors(disk: Disk) -> Problems:
    """Attribute ``size`` of ``<slice>`` must be a multiple of 512 bytes."""
    for image in disk.images:
        found = None if image.source is None else image.source.find("slices/slice[@type='storage']")
        size = "" if found is None else found.get("size", "")
        if found is not None and size.isascii() and size.isdigit() and int(size) % _SECTOR:
            yield problem(f"the slice has {size} bytes, no multiple of 512", found, "@size")


_MOST_CACHED = 2**63 - 1
_CACHED = (
    "<disk type='file'><driver name='qemu' type='qcow2'><metadata_cache>"
    "<max_size unit='bytes'>{}</max_size></metadata_cache></driver><source file='/a'/>"
    "<target dev='vda'/></disk>"
)


@rule(
    "disk-metadata-cache-fails-at-start",
    Disk,
    bad=_CACHED.format(2**63),
    good=_CACHED.format(1 << 20),
    stage=Stage.START,
)
def cache_is_a_signed_size(disk: Disk) -> Problems:
    """``<max_size>`` of ``<metadata_cache>`` must be less than 8 EiB."""
    place = "driver/metadata_cache/max_size"
    size = size_of(disk.node, place, f"{place}/@unit", scale=1) or 0
    if size > _MOST_CACHED:
        yield problem("QEMU has no cache of 8 EiB or more", disk, place)
