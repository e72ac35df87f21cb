"""How QEMU serves a disk: caches, asynchronous I/O, queues, copies, sharing, throw-away writes.

::

    <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap' queues='4'/>
    <transient shareBacking='yes'/>
    <shareable/>
"""

from __future__ import annotations

from domcaps.elements.base.virtio_options import given_options
from domcaps.elements.boards.defaults import ENCRYPTION_ENGINE
from domcaps.elements.storage.disk import Disk
from domcaps.language.attributes import Attributes
from domcaps.language.changes.storage import DISK_STATISTICS
from domcaps.language.fix import set_value
from domcaps.language.observed import device_property, qapi
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import POSITIVE

IO_URING = qapi("blockdev-add/arg/case=file/aio/value=io_uring")
DISCARD_NO_UNREF = qapi("blockdev-add/arg/case=qcow2/discard-no-unref")
QUEUE_SIZE = device_property("virtio-blk-pci", "queue-size") | device_property(
    "virtio-blk-ccw", "queue-size"
)
SET_ACTION = qapi("set-action")

_UNCACHED = frozenset({"none", "directsync"})
_CACHES = frozenset({"writeback", "writethrough", "unsafe"})
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
    """Attribute ``name`` of ``<driver>`` in ``<disk>`` must be ``qemu``."""
    driver = disk.find("driver")
    name = "qemu" if driver is None else driver.get("name", "qemu")
    if name != "qemu":
        yield problem(
            f"the driver {name!r} is not supported; use 'qemu'",
            disk,
            "driver/@name",
            accepted=("qemu",),
        )


@rule(
    "disk-virtio-option-unsupported",
    Disk,
    bad=_disk("queues='2'", name="sda"),
    good=_disk("queues='2'"),
)
def options_need_virtio(disk: Disk) -> Problems:
    """Attributes such as ``queues`` and ``ioeventfd`` of ``<driver>`` in ``<disk>`` require
    ``<target bus='virtio'>``.
    """
    driver = disk.find("driver")
    if driver is None or disk.bus == "virtio":
        return
    yield from given_options(disk)
    given = [name for name in _OF_VIRTIO if driver.get(name) is not None]
    given += [name for name in _OF_VIRTIO_NUMBERS if getattr(disk, name)]
    for name in given:
        yield problem(f"attribute {name!r} requires <target bus='virtio'>", disk, f"driver/@{name}")


@rule(
    "disk-queue-size-unsupported",
    Disk,
    bad=Sample(_disk("queue_size='256'"), arch="sparc64"),
    good=_disk("queue_size='256'"),
)
def queue_size_is_there(disk: Disk) -> Problems:
    """Attribute ``queue_size`` of ``<driver>`` requires a QEMU whose virtio-blk device has the
    property ``queue-size``.
    """
    if disk.queue_size and disk.bus == "virtio":
        yield from needs(
            disk,
            QUEUE_SIZE,
            "this QEMU does not support 'queue_size'; remove it",
            "driver/@queue_size",
        )


@rule(
    "disk-io-unsupported",
    Disk,
    bad=_disk("io='native'"),
    good=_disk("io='native' cache='none'"),
)
def native_io_needs_no_cache(disk: Disk) -> Problems:
    """``<driver io='native'>`` requires ``cache='none'`` or ``cache='directsync'``."""
    if disk.io == "native" and disk.cache not in _UNCACHED:
        yield problem(
            "io='native' requires cache='none' or cache='directsync'",
            disk,
            "driver/@io",
            accepted=("threads", "io_uring"),
            # what the domain says of its cache is kept
            fix=() if disk.cache in _CACHES else set_value("none", "@cache"),
        )
    elif disk.io == "io_uring":
        yield from needs(
            disk,
            IO_URING,
            "this QEMU does not support io='io_uring'; use io='threads'",
            "driver/@io",
        )


@rule(
    "disk-copy-on-read-unsupported",
    Disk,
    bad=_disk("copy_on_read='on'", "<readonly/>"),
    good=_disk("copy_on_read='on'"),
)
def copies_need_a_disk(disk: Disk) -> Problems:
    """``<driver copy_on_read='on'>`` requires a writable disk that is not removable and
    not a LUN.
    """
    if disk.copy_on_read != "on":
        return
    if disk.is_readonly or disk.device != "disk":
        yield problem(
            "copy_on_read='on' requires a hard disk that is writable and not a LUN; use 'off'",
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
    """Attribute ``discard_no_unref`` of ``<driver>`` requires a writable qcow2 image."""
    if disk.discard_no_unref is None:
        return
    at = "driver/@discard_no_unref"
    if disk.discard_no_unref == "on":
        if disk.image.format != "qcow2":
            yield problem(
                "attribute 'discard_no_unref' of <driver> requires type='qcow2'; remove it",
                disk,
                at,
            )
        elif disk.is_readonly:
            yield problem("attribute 'discard_no_unref' requires a writable disk", disk, at)
    yield from needs(
        disk, DISCARD_NO_UNREF, "this QEMU does not support 'discard_no_unref'; remove it", at
    )


@rule(
    "disk-transient-unsupported",
    Disk,
    bad=_disk("type='qcow2'", "<readonly/><transient/>"),
    good=_disk("type='qcow2'", "<transient/>"),
)
def throwing_away_needs_a_file(disk: Disk) -> Problems:
    """``<transient>`` requires a writable disk of type ``file``."""
    if not disk.has("transient"):
        return
    if disk.image.is_empty or disk.is_readonly:
        yield problem(
            "<transient> requires a disk that is not empty and not read-only", disk, "transient"
        )
    elif disk.image.type != "file" or disk.device != "disk":
        yield problem(
            "<transient> requires a disk of type 'file' that is not a CD-ROM, floppy or LUN",
            disk,
            "transient",
        )
    elif disk.share_backing == "yes":
        yield from _shared_backing(disk)


def _shared_backing(disk: Disk) -> Problems:
    at = "transient/@shareBacking"
    if not disk.on.shares_backing:
        yield problem("shareBacking='yes' requires bus='usb', 'virtio' or 'scsi'", disk, at)
    elif _never_reboots(disk):
        yield from needs(
            disk,
            SET_ACTION,
            "shareBacking='yes' cannot be combined with <on_reboot>destroy with "
            "this QEMU; use another action",
            at,
        )


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
    """``<shareable>`` on a writable disk requires the format ``raw``."""
    if disk.has("shareable") and not disk.is_readonly and not is_raw(disk):
        yield problem(
            "<shareable> requires <driver type='raw'> for a writable disk", disk, "shareable"
        )


def is_raw(disk: Disk) -> bool:
    """Tell whether the image is a plain one, not encrypted by QEMU."""
    encryption = disk.image.child("encryption")
    by_qemu = encryption is not None and encryption.get("engine", ENCRYPTION_ENGINE) == "qemu"
    return disk.image.format == "raw" and not by_qemu


@rule(
    "disk-statistics-unsupported",
    Disk,
    bad=_disk("type='raw'").replace("type='raw'/>", "type='raw'><statistics><statistic/>"
                                    "</statistics></driver>"),
    good=_disk("type='raw'").replace("type='raw'/>", "type='raw'><statistics><statistic "
                                     "interval='10'/></statistics></driver>"),
    since=DISK_STATISTICS,
)  # fmt: skip
def statistics_have_intervals(disk: Disk) -> Problems:
    """``<statistics>`` of a disk must be supported by its bus (libvirt 11.9 and later).

    Each ``<statistic>`` needs the attribute ``interval``.
    """
    wanted = disk.find_all("driver/statistics/statistic")
    if not wanted:
        return
    for statistic in wanted:
        yield from _STATISTIC.problems(statistic)
    if not disk.on.statistics:
        yield problem(
            f"<statistics> are not supported for disks on bus {disk.bus!r}; remove them",
            disk,
            "driver/statistics",
        )
