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
    from domcaps.language.fix import Fix

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


_KINDS = {
    "file": "file", "dev": "block", "dir": "dir", "protocol": "network", "pool": "volume",
    "volume": "volume",
}  # fmt: skip
"""Which type of disk an attribute of ``<source>`` belongs to."""


def of_source(disk: Disk) -> Iterator[Fix]:
    """Give the type of disk that its source is of, where it has one of another type."""
    source = disk.find("source")
    for name in () if source is None else source.keys():
        if _KINDS.get(str(name), disk.image.type) != disk.image.type:
            yield set_value(_KINDS[str(name)], "../@type")


@rule("disk-source-missing", Disk, bad=_disk(""), good=_GOOD)
def disks_are_not_empty(disk: Disk) -> Problems:
    """Only drives for CD-ROMs and floppy disks, and LUNs, can be empty."""
    if disk.image.is_empty and disk.device == "disk":
        yield problem("a disk needs a source", disk, "source", fix=of_source(disk))
    elif disk.bus == "usb" and disk.image.is_empty and _must_be_filled(disk):
        yield problem("this libvirt has no empty drives on USB", disk, "source")


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
    """A disk that is a volume of a pool names both when it is started."""
    if disk.image.type != "volume" or disk.image.source is None or disk.device != "disk":
        return
    if not disk.image.source.get("pool") and not disk.image.source.get("volume"):
        yield problem("pool and volume are missing", disk, "source", fix=of_source(disk))


@rule(
    "disk-type-unavailable",
    Disk,
    bad=_disk("<source dev='/dev/ctl'/>", kind="ctl"),
    good=_GOOD,
    stage=Stage.START,
)
def storage_is_not_of_another_hypervisor(disk: Disk) -> Problems:
    """The storage ``ctl`` is that of another hypervisor; a drive can be without any."""
    if disk.image.type == "ctl" and not disk.image.is_empty:
        yield problem("QEMU has no storage of type 'ctl'", disk, "@type", accepted=TYPES)


@rule(
    "disk-type-unsupported",
    Disk,
    bad=_disk("<source dev='/dev/ctl'/>", kind="ctl"),
    good=_GOOD,
)
def storage_is_known(disk: Disk) -> Problems:
    """Libvirt has known the storage ``ctl`` since 12.0."""
    if disk.type == "ctl" and not libvirt_reads(disk, DISK_CTL):
        yield problem("libvirt before 12.0 has no storage 'ctl'", disk, "@type", accepted=TYPES)


@rule(
    "disk-source-invalid",
    Disk,
    bad=_disk("<source pool='default'/>", kind="volume"),
    good=_disk("<source pool='default' volume='guest.qcow2' mode='host'/>", kind="volume"),
)
def sources_are_complete(disk: Disk) -> Problems:
    """Pool and volume belong together; an NVMe disk has a namespace and an address."""
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
        yield problem("pool and volume belong together", source)
    elif pool is not None and mode is not None and mode not in _MODE.names:
        yield problem(f"the mode is {mode!r}", source, "@mode", accepted=_MODE.names)


def _nvme(source: Node) -> Problems:
    yield from _NVME.problems(source)
    address = source.find("address")
    if address is None:
        yield problem("the address of the NVMe disk is missing", source, "address")
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
    """A slice of the storage has an offset and a size, both in bytes."""
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
    """An image below another one has a type, a format and a source."""
    for image in disk.images[1:]:
        form = image.node.find("format")
        if image.type not in TYPES:
            yield problem(f"there is no storage of type {image.type!r}", image.node, "@type")
        if form is None or not form.get("type"):
            yield problem("the format is missing", image.node, "format/@type", accepted=FORMATS)
        elif image.format not in FORMATS:
            yield problem(f"there is no format {image.format!r}", form, "@type", accepted=FORMATS)
        if image.source is None:
            yield problem("the source is missing", image.node, "source")


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
    """What backs another image is read by QEMU itself, and not more than 200 images deep."""
    for image in disk.images[1:]:
        if image.type == "vhostuser":
            yield problem("a vhost-user device can't back an image", image.node, "@type")
        elif image.is_local and image.source is not None and not image.path:
            yield problem("the path of the image is missing", image.source)
    if len(disk.images) > _DEEPEST:
        yield problem(f"there are more than {_DEEPEST} images below", disk, "backingStore")


@rule("disk-format-unsupported", Disk, bad=_disk(form="cow"), good=_disk(form="qcow2"))
def format_is_there(disk: Disk) -> Problems:
    """QEMU reads no images of format cow, dir and iso, and folders only as fat."""
    for image in disk.images:
        if image.format in {"cow", "dir", "iso"}:
            hint = {"cow": "qcow2", "dir": "fat", "iso": "raw"}[image.format]
            yield problem(f"no images of format {image.format!r}: use {hint}", *_at_format(image))
        elif image.format == "fat" and image.type not in {"dir", "volume"}:
            yield problem("the format 'fat' is for folders", *_at_format(image))


@rule(
    "disk-dir-unsupported",
    Disk,
    bad=_disk("<source dir='/a'/>", kind="dir", form="fat"),
    good=_disk("<source dir='/a'/>", "<readonly/>", kind="dir", form="fat"),
)
def folders_are_read_only(disk: Disk) -> Problems:
    """A folder is shown as a FAT file system that can't be written to."""
    for number, image in enumerate(disk.images):
        if image.type != "dir":
            continue
        if image.format != "fat":
            yield problem("a folder is shown in format 'fat'", *_at_format(image))
        if number == 0 and not disk.is_readonly:
            yield problem("a folder can't be written to: it needs <readonly/>", disk, "readonly")


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
    """The cache of metadata has a size, and only images of format qcow2 have one."""
    for image in disk.images:
        inside = "driver" if image.disk is not None else "format"
        size = image.node.find(f"{inside}/metadata_cache/max_size")
        if size is None or not size.text:
            continue
        if not _is_size(size):
            yield problem("the size is no number with a unit such as KiB", size)
        elif size_of(size, scale=1) and image.format != "qcow2":
            yield problem("only images of format qcow2 have such a cache", size)


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
    """Only local storage and volumes can be missing on start, media required on the first one."""
    policy = disk.startup_policy
    if policy is None:
        return
    if not disk.image.is_local and disk.image.type != "volume":
        yield problem(
            f"a disk of type {disk.type!r} has no startupPolicy", disk, "source/@startupPolicy"
        )
    elif policy == "requisite" and disk.device not in {"cdrom", "floppy"}:
        yield problem(
            "'requisite' is for CD-ROMs and floppy disks", disk, "source/@startupPolicy",
            accepted=("mandatory", "optional"),
        )  # fmt: skip


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
    """The data of a qcow2 image can be in a file of their own, with type, format and source."""
    for store in _data_stores(disk.images):
        form = store.find("format")
        if store.get("type") not in TYPES:
            yield problem("the type of the data's storage is missing", store, "@type")
        if form is None or store.find("source") is None:
            yield problem("format and source of the data are missing", store)


@rule(
    "disk-datastore-invalid",
    Disk,
    bad=_disk(_DATA.format("raw"), form="raw"),
    good=_disk(_DATA.format("raw"), form="qcow2"),
    since=DISK_DATA_STORE,
)
def data_file_is_raw(disk: Disk) -> Problems:
    """The data of a qcow2 image can be in a file of their own, of format raw."""
    for image in disk.images:
        for store in _data_stores((image,)):
            form = store.find("format")
            raw = form is None or form.get("type") == "raw"
            if not raw or image.format != "qcow2":
                yield problem("the data of a qcow2 image are in format raw", store, "format/@type")


def _data_stores(found: Iterable[Image]) -> Iterator[Node]:
    for image in found:
        store = None if image.source is None else image.source.find("dataStore")
        if store is not None:
            yield store
