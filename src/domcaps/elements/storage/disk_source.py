"""``<source>`` and ``<backingStore>``: where the data of a disk come from.

::

    <disk type='nvme'>
      <driver name='qemu' type='raw'/>
      <source type='pci' namespace='1'><address bus='1' slot='0'/></source>

What network storage has is in `storage.disk_network`, what only vhost-user and vDPA have
in `storage.disk_vhost`, secrets in `storage.disk_secrets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.images import FORMATS, TYPES
from domcaps.elements.storage.kind_of_source import of_source, passed_over
from domcaps.language.attributes import Attributes
from domcaps.language.changes.storage import (
    DISK_CTL,
    DISK_DATA_STORE,
    DISK_USB_BOT,
    DISK_USB_FILLED,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.quantities import SIZE, UNIT, size_of, too_large
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED64, YES_NO, Int, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.storage.images import Image

_SLICE = Attributes({"offset": UNSIGNED64, "size": UNSIGNED64}, required=("offset", "size"))
_NVME = Attributes(
    {
        "type": OneOf(("pci",)),
        "namespace": Int(1, 2**64 - 1),
        "managed": YES_NO,
    },
    required=("type", "namespace"),
)
_PCI = Attributes(
    {
        "domain": Int(0, 0xFFFFFFFF, base=0),
        "bus": Int(0, 0xFF, base=0),
        "slot": Int(0, 0x1F, base=0),
        "function": Int(0, 7, base=0),
    }
)
_MODE = OneOf(("host", "direct"))
_DEEPEST = 200

_DISK = "<disk type='{}' device='{}'><driver name='qemu' type='{}'/>{}<target dev='{}'/>{}</disk>"
_FILE = "<source file='/a'/>"
_BACKING = (
    "<backingStore type='{}'><format type='{}'/><source file='/b'/><backingStore/></backingStore>"
)


def _disk(
    source: str = _FILE, inside: str = "", *, kind: str = "file", form: str = "raw",
    device: str = "disk", name: str = "vda",
) -> str:  # fmt: skip
    return _DISK.format(kind, device, form, source, name, inside)


_GOOD = _disk()


_FILE_SOURCE = "<source file='/var/lib/libvirt/images/disk.qcow2'/>"
_SOURCES = {
    "block": "<source dev='/dev/sdb'/>",
    "dir": "<source dir='/srv/folder'/>",
    "network": "<source protocol='nbd' name='export'><host name='server'/></source>",
    "volume": "<source pool='default' volume='disk.qcow2'/>",
}
"""Examples by the type of a disk."""


@rule("disk-source-missing", Disk, bad=_disk(""), good=_GOOD)
def disks_are_not_empty(disk: Disk) -> Problems:
    """``<disk>`` needs a ``<source>``, except for CD-ROM and floppy drives and LUNs.

    In some releases of libvirt, drives on USB cannot be empty either.
    """
    if disk.image.is_empty and disk.device == "disk":
        such = _SOURCES.get(disk.image.type, _FILE_SOURCE)
        unread = passed_over(disk, "and <disk> needs a source")
        message = unread or f"<disk> needs a <source>, such as {such}"
        yield problem(message, disk, "source", fix=of_source(disk))
    elif disk.bus == "usb" and disk.image.is_empty and _must_be_filled(disk):
        message = (
            "this libvirt version does not support empty drives on USB; use bus='scsi', or name "
            "an image in <source>"
        )
        yield problem(message, disk, "source", fix=of_source(disk))


def _must_be_filled(disk: Disk) -> bool:
    return libvirt_reads(disk, DISK_USB_FILLED) and not libvirt_reads(disk, DISK_USB_BOT)


@rule(
    "disk-volume-missing",
    Disk,
    bad=_disk("<source/>", kind="volume"),
    good=_disk("<source pool='p' volume='v'/>", kind="volume"),
    stage=Stage.START,
)
def volumes_are_named(disk: Disk) -> Problems:
    """``<source>`` of a ``<disk type='volume'>`` needs the attributes ``pool`` and ``volume``."""
    if disk.image.type != "volume" or disk.image.source is None or disk.device != "disk":
        return
    if not disk.image.source.get("pool") and not disk.image.source.get("volume"):
        yield problem(
            "<source> needs the attributes 'pool' and 'volume', such as pool='default' "
            "volume='a.qcow2'",
            disk,
            "source",
            fix=of_source(disk),
        )


@rule(
    "disk-type-unavailable",
    Disk,
    bad=_disk("<source dev='/dev/ctl'/>", kind="ctl"),
    good=_GOOD,
    stage=Stage.START,
)
def storage_is_not_of_another_hypervisor(disk: Disk) -> Problems:
    """``<disk type='ctl'>`` is for another hypervisor; QEMU does not support it."""
    if disk.image.type == "ctl" and not disk.image.is_empty:
        message = "QEMU does not support <disk type='ctl'>; use type='block' or type='file'"
        yield problem(message, disk, "@type", accepted=TYPES)


@rule(
    "disk-type-unsupported",
    Disk,
    bad=_disk("<source dev='/dev/ctl'/>", kind="ctl"),
    good=_GOOD,
    until=DISK_CTL,
)
def storage_is_known(disk: Disk) -> Problems:
    """``<disk type='ctl'>`` requires libvirt 12.0 or later."""
    if disk.type == "ctl":
        yield problem(
            "libvirt before 12.0 does not support <disk type='ctl'>; use type='block'",
            disk,
            "@type",
            accepted=TYPES,
        )


@rule(
    "disk-source-invalid",
    Disk,
    bad=_disk("<source pool='default'/>", kind="volume"),
    good=_disk("<source pool='default' volume='guest.qcow2' mode='host'/>", kind="volume"),
)
def sources_are_complete(disk: Disk) -> Problems:
    """``<source>`` of a volume needs ``pool`` and ``volume``; ``<source>`` of an NVMe disk needs
    ``namespace`` and an ``<address>``.
    """
    for image in disk.images:
        if image.source is None:
            continue
        if image.type == "volume":
            yield from _volume(image.source)
        elif image.type == "nvme":
            yield from _nvme(image.source)


def _volume(source: Node) -> Problems:
    pool, volume, mode = source.get("pool"), source.get("volume"), source.get("mode")
    if (pool is None) is not (volume is None):
        yield problem(
            "<source> needs both attributes 'pool' and 'volume', such as pool='default' "
            "volume='a.qcow2'",
            source,
        )
    elif pool is not None and mode is not None and mode not in _MODE.names:
        yield problem(
            f"attribute 'mode' of <source> has the invalid value {mode!r}",
            source,
            "@mode",
            accepted=_MODE.names,
        )


def _nvme(source: Node) -> Problems:
    yield from _NVME.problems(source)
    address = source.find("address")
    if address is None:
        yield problem("<source> of an NVMe disk needs an <address>", source, "address")
    yield from _PCI.problems(address)


@rule(
    "disk-slice-invalid",
    Disk,
    bad=_disk("<source file='/a'><slices><slice type='storage' offset='0'/></slices></source>"),
    good=_disk(
        "<source file='/a'><slices><slice type='storage' offset='0' size='512'/></slices></source>"
    ),
)
def slices_have_bounds(disk: Disk) -> Problems:
    """``<slice>`` needs the attributes ``offset`` and ``size``, in bytes."""
    for image in disk.images:
        for node in () if image.source is None else image.source.iterfind("slices/slice"):
            if node.get("type") == "storage":
                yield from _SLICE.problems(node)
                break


@rule(
    "disk-backingstore-incomplete",
    Disk,
    bad=_disk(inside="<backingStore type='file'><source file='/b'/></backingStore>", form="qcow2"),
    good=_disk(inside=_BACKING.format("file", "raw"), form="qcow2"),
)
def backing_has_format_and_source(disk: Disk) -> Problems:
    """A ``<backingStore>`` that is not empty needs the attribute ``type``, a ``<format>`` and a
    ``<source>``.
    """
    for image in disk.images[1:]:
        form = image.node.find("format")
        if image.type not in TYPES:
            yield problem(
                f"attribute 'type' of <backingStore> has the invalid value {image.type!r}",
                image.node,
                "@type",
            )
        if form is None or not form.get("type"):
            message = (
                "<backingStore> needs a <format>: add the format of that image, such as <format "
                "type='qcow2'/> ('qemu-img info' shows it)"
            )
            yield problem(message, image.node, "format/@type", accepted=FORMATS)
        elif image.format not in FORMATS:
            yield problem(
                f"the image format {image.format!r} is unknown", form, "@type", accepted=FORMATS
            )
        if image.source is None:
            message = f"<backingStore> needs a <source>, such as {_FILE_SOURCE}"
            yield problem(message, image.node, "source")


@rule(
    "disk-backingstore-unsupported",
    Disk,
    bad=_disk(
        inside="<backingStore type='vhostuser'><format type='raw'/>"
        "<source type='unix' path='/b'/></backingStore>",
        form="qcow2",
    ),
    good=_disk(inside=_BACKING.format("file", "raw"), form="qcow2"),
    stage=Stage.START,
)
def backing_is_readable(disk: Disk) -> Problems:
    """``<backingStore>`` cannot be of type ``vhostuser``, and at most 200 images may be nested."""
    for image in disk.images[1:]:
        if image.type == "vhostuser":
            yield problem(
                "<backingStore> cannot be of type 'vhostuser'; use another type, such as 'file'",
                image.node,
                "@type",
            )
        elif image.is_local and image.source is not None and not image.path:
            yield problem("<source> of <backingStore> needs a path", image.source)
    if len(disk.images) > _DEEPEST:
        yield problem(f"more than {_DEEPEST} <backingStore> are nested", disk, "backingStore")


@rule("disk-format-unsupported", Disk, bad=_disk(form="cow"), good=_disk(form="qcow2"))
def format_is_there(disk: Disk) -> Problems:
    """Attribute ``type`` of ``<driver>`` in ``<disk>`` must be an image format that QEMU supports;
    ``fat`` is for ``<disk type='dir'>``.
    """
    for image in disk.images:
        if image.format in {"cow", "dir", "iso"}:
            hint = {"cow": "qcow2", "dir": "fat", "iso": "raw"}[image.format]
            yield problem(
                f"QEMU does not support the image format {image.format!r}; use {hint}",
                *_at_format(image),
            )
        elif image.format == "fat" and image.type not in {"dir", "volume"}:
            yield problem("the format 'fat' requires <disk type='dir'>", *_at_format(image))


@rule(
    "disk-dir-unsupported",
    Disk,
    bad=_disk("<source dir='/a'/>", kind="dir", form="fat"),
    good=_disk("<source dir='/a'/>", "<readonly/>", kind="dir", form="fat"),
)
def folders_are_read_only(disk: Disk) -> Problems:
    """``<disk type='dir'>`` requires the format ``fat`` and ``<readonly>``."""
    for number, image in enumerate(disk.images):
        if image.type != "dir":
            continue
        if image.format != "fat":
            yield problem("<disk type='dir'> requires <driver type='fat'>", *_at_format(image))
        if number == 0 and not disk.is_readonly:
            fix = set_value("", "readonly")
            yield problem(_NOT_READ_ONLY, disk, "readonly", fix=fix)


_NOT_READ_ONLY = "<disk type='dir'> must be read-only; add <readonly/>"


def _at_format(image: Image) -> tuple[Node, str]:
    return image.node, "driver/@type" if image.disk is not None else "format/@type"


@rule(
    "disk-metadata-cache-invalid",
    Disk,
    bad="<disk type='file'><driver type='raw'><metadata_cache><max_size unit='MiB'>1</max_size>"
    "</metadata_cache></driver><source file='/a'/><target dev='vda'/></disk>",
    good="<disk type='file'><driver type='qcow2'><metadata_cache><max_size unit='MiB'>1</max_size>"
    "</metadata_cache></driver><source file='/a'/><target dev='vda'/></disk>",
)
def metadata_cache_is_for_qcow2(disk: Disk) -> Problems:
    """``<metadata_cache>`` needs a ``<max_size>`` above 0, and requires a qcow2 image."""
    for image in disk.images:
        inside = "driver" if image.disk is not None else "format"
        size = image.node.find(f"{inside}/metadata_cache/max_size")
        if size is None or not size.text:
            continue
        if not _is_size(size):
            yield problem("<max_size> must be a number with a unit such as 'KiB'", size)
        elif size_of(size, scale=1) and image.format != "qcow2":
            yield problem("<metadata_cache> requires <driver type='qcow2'>", size)


def _is_size(node: Node) -> bool:
    try:
        SIZE.parse(node.text or "")
        UNIT.parse(node.get("unit", ""))
    except ValueError:
        return False
    return not too_large(node, scale=1, limit=2**64 - 1)


@rule(
    "disk-startup-policy-unsupported",
    Disk,
    bad=_disk("<source file='/a' startupPolicy='requisite'/>"),
    good=_disk("<source file='/a' startupPolicy='optional'/>"),
)
def policy_suits_the_source(disk: Disk) -> Problems:
    """Attribute ``startupPolicy`` of ``<source>`` requires a local file or a volume; ``requisite``
    also requires a CD-ROM or floppy drive.
    """
    policy = disk.startup_policy
    if policy is None:
        return
    if not disk.image.is_local and disk.image.type != "volume":
        yield problem(
            f"<disk type={disk.type!r}> does not support 'startupPolicy'; remove it",
            disk,
            "source/@startupPolicy",
        )
    elif policy == "requisite" and disk.device not in {"cdrom", "floppy"}:
        yield problem(
            "startupPolicy='requisite' requires a CD-ROM or floppy drive",
            disk,
            "source/@startupPolicy",
            accepted=("mandatory", "optional"),
        )


_DATA = (
    "<source file='/a'><dataStore type='file'><format type='{}'/><source file='/b'/></dataStore>"
    "</source>"
)


@rule(
    "disk-datastore-incomplete",
    Disk,
    bad=_disk("<source file='/a'><dataStore type='file'/></source>", form="qcow2"),
    good=_disk(_DATA.format("raw"), form="qcow2"),
    since=DISK_DATA_STORE,
)
def data_file_is_complete(disk: Disk) -> Problems:
    """``<dataStore>`` needs the attribute ``type``, a ``<format>`` and a ``<source>``."""
    for store in _data_stores(disk.images):
        form = store.find("format")
        if store.get("type") not in TYPES:
            yield problem("<dataStore> needs the attribute 'type'", store, "@type")
        if form is None or store.find("source") is None:
            yield problem("<dataStore> needs a <format type='raw'/> and a <source>", store)


@rule(
    "disk-datastore-invalid",
    Disk,
    bad=_disk(_DATA.format("raw"), form="raw"),
    good=_disk(_DATA.format("raw"), form="qcow2"),
    since=DISK_DATA_STORE,
)
def data_file_is_raw(disk: Disk) -> Problems:
    """``<dataStore>`` requires a disk of the format qcow2, and must itself contain
    ``<format type='raw'/>``.
    """
    for image in disk.images:
        for store in _data_stores((image,)):
            form = store.find("format")
            raw = form is None or form.get("type") == "raw"
            if not raw or image.format != "qcow2":
                yield problem("<dataStore> needs <format type='raw'/>", store, "format/@type")


def _data_stores(found: Iterable[Image]) -> Iterator[Node]:
    for image in found:
        store = None if image.source is None else image.source.find("dataStore")
        if store is not None:
            yield store
