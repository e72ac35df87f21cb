"""Disks that another process serves: over vhost-user, or a device of the host with vDPA.

::

    <disk type='vhostuser'>
      <driver name='qemu' type='raw'/>
      <source type='unix' path='/run/vhost-blk.sock'>
        <reconnect enabled='yes' timeout='10'/>
      </source>
      <target dev='vda' bus='virtio'/>
    </disk>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.shared_memory import how_to_share, shares_memory, sharing_memory
from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.disk_iotune import LIMITS, limit
from domcaps.language.attributes import Attributes
from domcaps.language.observed import device, qapi
from domcaps.language.quantities import size_of
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import UNSIGNED, YES_NO, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterator

VHOST_USER = device("vhost-user-blk")
VDPA = qapi("blockdev-add/arg/case=virtio-blk-vhost-vdpa/feature=fdset")

_SOURCE = Attributes({"type": OneOf(("unix",))}, required=("type", "path"))
_VDPA_SOURCE = Attributes({}, required=("dev",))
_ENABLED = Attributes({"enabled": YES_NO})
_TIMEOUT = Attributes({"timeout": UNSIGNED}, required=("timeout",))

# what only QEMU itself could do: attributes of the driver, and elements
_DRIVER = (
    "error_policy", "read_error_policy", "io", "ioeventfd", "copy_on_read", "discard", "iothread",
    "detect_zeroes",
)  # fmt: skip
_ELEMENTS = ("backingStore", "encryption", "readonly", "shareable", "transient", "auth")
_TEXTS = ("serial", "wwn", "vendor", "product")

_SHARED = "<memoryBacking><access mode='shared'/></memoryBacking>"
_DISK = (
    "<disk type='{}'><driver name='qemu' type='raw' {}/><source {}>{}</source>"
    "<target dev='{}'/>{}</disk>"
)


def _disk(
    inside: str = "", *, driver: str = "", source: str = "type='unix' path='/s'", name: str = "vda",
    reconnect: str = "",
) -> str:  # fmt: skip
    return _SHARED + _DISK.format("vhostuser", driver, source, reconnect, name, inside)


def _vdpa(driver: str, source: str = "dev='/dev/vhost-vdpa-0'") -> str:
    return _SHARED + _DISK.format("vhostvdpa", driver, source, "", "vda", "")


@rule("disk-vhost-invalid", Disk, bad=_disk(source="type='unix'"), good=_disk())
def sources_are_complete(disk: Disk) -> Problems:
    """``<source>`` needs the path of a socket for a vhost-user disk, and the path of a device for a
    vDPA disk.
    """
    for image in disk.images:
        if image.source is None:
            continue
        if image.type == "vhostvdpa":
            yield from _VDPA_SOURCE.problems(image.source)
        elif image.type == "vhostuser":
            yield from _SOURCE.problems(image.source)
            again = image.source.find("reconnect")
            yield from _ENABLED.problems(again)
            if again is not None and again.get("enabled") == "yes":
                yield from _TIMEOUT.problems(again)


@rule(
    "disk-vhostuser-option-unsupported",
    Disk,
    bad=_disk("<readonly/>"),
    good=_disk(driver="queues='2'"),
)
def qemu_has_no_say(disk: Disk) -> Problems:
    """``<disk type='vhostuser'>`` requires ``bus='virtio'``, and cannot have options of a block
    device, such as ``cache`` or ``<iotune>``.

    Block options are those of QEMU's block layer, such as ``cache``, ``io`` and ``<iotune>``.
    """
    if disk.image.type != "vhostuser":
        return
    if disk.bus != "virtio":
        yield problem("<disk type='vhostuser'> requires <target bus='virtio'>", disk, "target/@bus")
    for option in _options(disk):
        yield problem(f"<disk type='vhostuser'> does not support {option}; remove it", disk)


def _options(disk: Disk) -> Iterator[str]:
    if disk.snapshot not in {None, "no"}:
        yield f"snapshot='{disk.snapshot}'"
    if disk.cache not in {None, "default"}:
        yield "cache mode"
    yield from (name for name in _DRIVER if getattr(disk, name) is not None)
    cache = disk.find("driver/metadata_cache/max_size")
    if cache is not None and size_of(cache, scale=1):
        yield "cache of metadata"
    yield from (f"<{tag}>" for tag in _ELEMENTS if disk.has(tag))
    yield from (f"<{tag}>" for tag in _TEXTS if disk.text(tag))
    if disk.device == "cdrom":
        yield "media"
    tune = disk.find("iotune")
    if tune is not None and (tune.findtext("group_name") or any(limit(tune, n) for n in LIMITS)):
        yield "<iotune>"
    if disk.cylinders or disk.heads or disk.sectors or disk.translation:
        yield "geometry"
    if disk.logical_block_size or disk.physical_block_size or disk.discard_granularity:
        yield "sizes of blocks"


@rule(
    "disk-vhost-memory-private",
    Disk,
    bad=_disk().removeprefix(_SHARED),
    good=_disk(),
)
def memory_is_shared(disk: Disk) -> Problems:
    """A vhost-user or vDPA disk requires ``<memoryBacking><access mode='shared'/>``."""
    if disk.image.type in {"vhostuser", "vhostvdpa"} and not shares_memory(disk.domain):
        yield problem(
            f"all memory of the domain must be shared: {how_to_share(disk.domain)}",
            disk,
            "@type",
            fix=sharing_memory(disk.domain),
        )


@rule(
    "disk-vhost-unsupported",
    Disk,
    bad=Sample(_disk(), arch="sparc"),
    good=_disk(),
)
def vhost_is_there(disk: Disk) -> Problems:
    """A vhost-user or vDPA disk requires a QEMU that supports it."""
    if disk.image.type == "vhostuser":
        yield from needs(
            disk, VHOST_USER, "this QEMU does not support <disk type='vhostuser'>", "@type"
        )
    elif disk.image.type == "vhostvdpa":
        yield from needs(disk, VDPA, "this QEMU does not support <disk type='vhostvdpa'>", "@type")


@rule(
    "disk-vdpa-cache-unsupported",
    Disk,
    bad=_vdpa("cache='writeback'"),
    good=_vdpa("cache='none'"),
)
def vdpa_is_not_cached(disk: Disk) -> Problems:
    """A vDPA disk requires ``cache='none'`` or ``cache='directsync'``."""
    if disk.image.type == "vhostvdpa" and disk.cache not in {"none", "directsync"}:
        yield problem(
            "<disk type='vhostvdpa'> requires cache='none' or cache='directsync'",
            disk,
            "driver/@cache",
            accepted=("none", "directsync"),
        )
