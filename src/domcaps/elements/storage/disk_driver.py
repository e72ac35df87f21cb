"""How QEMU serves a disk: caches, asynchronous I/O, queues, copies, sharing, throw-away writes.

::

    <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap' queues='4'/>
    <transient shareBacking='yes'/>
    <shareable/>
"""

from __future__ import annotations

from domcaps.elements.base.virtio_options import given_options
from domcaps.elements.storage.disk import Disk
from domcaps.language.attributes import Attributes
from domcaps.language.changes.storage import DISK_STATISTICS
from domcaps.language.observed import device_property, qapi
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import POSITIVE

IO_URING = qapi("blockdev-add/arg/case=file/aio/value=io_uring")
DISCARD_NO_UNREF = qapi("blockdev-add/arg/case=qcow2/discard-no-unref")
QUEUE_SIZE = device_property("virtio-blk-pci", "queue-size") | device_property(
    "virtio-blk-ccw", "queue-size"
)
SET_ACTION = qapi("set-action")

_UNCACHED = frozenset({"none", "directsync"})
_STATISTIC = Attributes({"interval": POSITIVE}, required=("interval",))

_DISK = "<disk type='file'><driver name='qemu' {}/><source file='/a'/><target dev='{}'/>{}</disk>"
_OF_VIRTIO = ("event_idx", "ioeventfd")
_OF_VIRTIO_NUMBERS = ("queues", "queue_size")


def _disk(driver: str, inside: str = "", name: str = "vda") -> str:
    return _DISK.format(driver, name, inside)


@rule(
    "disk-driver-unsupported",
    Disk,
    bad="<disk type='file'><driver name='tap'/><source file='/a'/><target dev='vda'/></disk>",
    good=_disk("type='raw'"),
)
def driver_is_qemu(disk: Disk) -> Problems:
    """QEMU's driver for disks is called ``qemu``."""
    driver = disk.find("driver")
    name = "qemu" if driver is None else driver.get("name", "qemu")
    if name != "qemu":
        yield problem(f"there is no driver {name!r}", disk, "driver/@name", accepted=("qemu",))


@rule(
    "disk-virtio-option-unsupported",
    Disk,
    bad=_disk("queues='2'", name="sda"),
    good=_disk("queues='2'"),
)
def options_need_virtio(disk: Disk) -> Problems:
    """Queues, I/O events and options of virtio are for disks on virtio."""
    driver = disk.find("driver")
    if driver is None or disk.bus == "virtio":
        return
    yield from given_options(disk)
    given = [name for name in _OF_VIRTIO if driver.get(name) is not None]
    given += [name for name in _OF_VIRTIO_NUMBERS if getattr(disk, name)]
    for name in given:
        yield problem(f"{name!r} is for disks on virtio", disk, f"driver/@{name}")


@rule(
    "disk-queue-size-unsupported",
    Disk,
    bad=Sample(_disk("queue_size='256'"), arch="sparc64"),
    good=_disk("queue_size='256'"),
)
def queue_size_is_there(disk: Disk) -> Problems:
    """QEMU must let the size of queues be chosen."""
    if disk.queue_size and disk.bus == "virtio":
        yield from needs(disk, QUEUE_SIZE, "this QEMU has no size of queues", "driver/@queue_size")


@rule(
    "disk-io-unsupported",
    Disk,
    bad=_disk("io='native'"),
    good=_disk("io='native' cache='none'"),
)
def native_io_needs_no_cache(disk: Disk) -> Problems:
    """Linux's native asynchronous I/O needs a cache mode that goes past the host's page cache."""
    if disk.io == "native" and disk.cache not in _UNCACHED:
        yield problem(
            "io='native' needs cache='none' or cache='directsync'",
            disk,
            "driver/@io",
            accepted=("threads", "io_uring"),
        )
    elif disk.io == "io_uring":
        yield from needs(disk, IO_URING, "this QEMU has no io_uring", "driver/@io")


@rule(
    "disk-copy-on-read-unsupported",
    Disk,
    bad=_disk("copy_on_read='on'", "<readonly/>"),
    good=_disk("copy_on_read='on'"),
)
def copies_need_a_disk(disk: Disk) -> Problems:
    """What is read from backing images can be copied into a disk that is written to."""
    if disk.copy_on_read != "on":
        return
    if disk.is_readonly or disk.device != "disk":
        yield problem(
            "copy_on_read needs a disk that is neither read-only nor removable nor a LUN",
            disk,
            "driver/@copy_on_read",
        )


@rule(
    "disk-discard-no-unref-unsupported",
    Disk,
    bad=_disk("type='raw' discard_no_unref='on'"),
    good=_disk("type='qcow2' discard_no_unref='on'"),
)
def unreferenced_clusters_need_qcow2(disk: Disk) -> Problems:
    """Discarded clusters stay referenced in images of format qcow2 that are written to."""
    if disk.discard_no_unref is None:
        return
    at = "driver/@discard_no_unref"
    if disk.discard_no_unref == "on":
        if disk.image.format != "qcow2":
            yield problem("discard_no_unref is for qcow2 images", disk, at)
        elif disk.is_readonly:
            yield problem("discard_no_unref needs a disk that is written to", disk, at)
    yield from needs(disk, DISCARD_NO_UNREF, "this QEMU has no discard_no_unref", at)


@rule(
    "disk-transient-unsupported",
    Disk,
    bad=_disk("type='qcow2'", "<readonly/><transient/>"),
    good=_disk("type='qcow2'", "<transient/>"),
)
def throwing_away_needs_a_file(disk: Disk) -> Problems:
    """What is written can be thrown away if the disk is a file that is written to."""
    if not disk.has("transient"):
        return
    if disk.image.is_empty or disk.is_readonly:
        yield problem("a transient disk is neither empty nor read-only", disk, "transient")
    elif disk.image.type != "file" or disk.device != "disk":
        yield problem("a transient disk is a file, and no CD-ROM, floppy or LUN", disk, "transient")
    elif disk.share_backing == "yes":
        yield from _shared_backing(disk)


def _shared_backing(disk: Disk) -> Problems:
    at = "transient/@shareBacking"
    if not disk.on.shares_backing:
        yield problem("domains can share what is below disks on usb, virtio and scsi", disk, at)
    elif _never_reboots(disk):
        yield from needs(disk, SET_ACTION, "QEMU can't share it and be destroyed on reboot", at)


def _never_reboots(disk: Disk) -> bool:
    root = disk.domain.root
    return (
        root.findtext("on_reboot") == "destroy"
        and root.findtext("on_poweroff", "destroy") == "destroy"
        and root.findtext("on_crash", "destroy") in {"destroy", "coredump-destroy"}
    )


@rule(
    "disk-shareable-unsupported",
    Disk,
    bad=_disk("type='qcow2'", "<shareable/>"),
    good=_disk("type='raw'", "<shareable/>"),
)
def sharing_needs_raw(disk: Disk) -> Problems:
    """Several domains can write to images of format raw only."""
    if disk.has("shareable") and not disk.is_readonly and not is_raw(disk):
        yield problem("only raw images can be shared and written to", disk, "shareable")


def is_raw(disk: Disk) -> bool:
    """Tell whether the image is a plain one, not encrypted by QEMU."""
    encryption = disk.image.child("encryption")
    by_qemu = encryption is not None and encryption.get("engine", "qemu") == "qemu"
    return disk.image.format == "raw" and not by_qemu


@rule(
    "disk-statistics-unsupported",
    Disk,
    bad=_disk("type='raw'").replace("type='raw'/>", "type='raw'><statistics><statistic/>"
                                    "</statistics></driver>"),
    good=_disk("type='raw'").replace("type='raw'/>", "type='raw'><statistics><statistic "
                                     "interval='10'/></statistics></driver>"),
)  # fmt: skip
def statistics_have_intervals(disk: Disk) -> Problems:
    """Statistics are collected over some seconds, and not on every bus (since libvirt 11.9)."""
    wanted = disk.find_all("driver/statistics/statistic")
    if not wanted or not libvirt_reads(disk, DISK_STATISTICS):
        return
    for statistic in wanted:
        yield from _STATISTIC.problems(statistic)
    if not disk.on.statistics:
        yield problem(f"disks on {disk.bus} collect no statistics", disk, "driver/statistics")
