"""``<disk device='lun'>``: units of SCSI storage whose commands the guest gives itself.

::

    <disk type='block' device='lun' rawio='yes' sgio='filtered'>
      <source dev='/dev/mapper/mpatha'>
        <reservations managed='yes'/>
      </source>
      <target dev='sda' bus='scsi'/>
    </disk>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.kind_of_source import of_source
from domcaps.language.attributes import Attributes
from domcaps.language.changes.hostdevs import UNFILTERED_DROPPED
from domcaps.language.changes.storage import DISK_LUN_BLOCKS, DISK_RESERVATIONS_MIGRATE
from domcaps.language.finding import Stage
from domcaps.language.observed import device, device_property, qom_type
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import YES_NO

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

SCSI_BLOCK = device("scsi-block")
VIRTIO_SCSI = device_property("virtio-blk-pci", "scsi") | device_property("virtio-blk-ccw", "scsi")
RESERVATIONS = qom_type("pr-manager-helper")

_MANAGED = Attributes({"managed": YES_NO}, required=("managed",))
_MIGRATION = Attributes({"migration": YES_NO})

_DISK = (
    "<disk type='{}' device='{}'{}><driver name='qemu' type='{}'/><source {}>{}</source>"
    "<target dev='{}'/></disk>"
)


def _lun(
    inside: str = "", *, kind: str = "block", device: str = "lun", attributes: str = "",
    form: str = "raw", source: str = "dev='/dev/sdb'", name: str = "sda",
) -> str:  # fmt: skip
    return _DISK.format(kind, device, attributes, form, source, inside, name)


_GOOD = _lun()


@rule("disk-lun-source-unsupported", Disk, bad=_lun(kind="file", source="file='/a'"), good=_GOOD)
def lun_is_a_device(disk: Disk) -> Problems:
    """``<disk device='lun'>`` requires a block device, a volume or an iSCSI target."""
    if disk.device != "lun":
        return
    image = disk.image
    if image.type == "network":
        if image.protocol != "iscsi":
            yield problem(
                f"device='lun' does not support the protocol {image.protocol!r}; use 'iscsi'",
                disk,
                "source/@protocol",
                accepted=("iscsi",),
            )
    elif image.type not in {"block", "volume"}:
        yield problem(
            "device='lun' requires a block device, a volume or an iSCSI target; use one of these, "
            "or device='disk'",
            disk,
            "@type",
            accepted=("block", "volume"),
            fix=of_source(disk, "@type"),
        )


@rule("disk-lun-source-missing", Disk, bad=_lun(source=""), good=_GOOD, stage=Stage.START)
def lun_is_not_empty(disk: Disk) -> Problems:
    """``<disk device='lun'>`` needs the path of a block device in its ``<source>`` at start."""
    if disk.device == "lun" and disk.image.type == "block" and not disk.image.path:
        yield problem(
            "<source> needs the attribute 'dev', such as dev='/dev/sdb'",
            disk,
            "source/@dev",
            fix=of_source(disk),
        )


@rule("disk-lun-image-unsupported", Disk, bad=_lun(form="qcow2"), good=_GOOD)
def lun_is_raw(disk: Disk) -> Problems:
    """``<disk device='lun'>`` requires a raw image, without ``<slices>`` and without
    ``<encryption>``.
    """
    if disk.device != "lun":
        return
    image = disk.image
    if image.format not in {"", "raw"}:
        yield problem(
            "device='lun' requires <driver type='raw'>", disk, "driver/@type", accepted=("raw",)
        )
    if image.source is not None and image.source.find("slices/slice[@type='storage']") is not None:
        yield problem("device='lun' cannot have <slices>; remove them", disk, "source/slices")
    encryption = image.child("encryption")
    if encryption is not None and encryption.get("format") != "default":
        yield problem("device='lun' cannot be encrypted; remove <encryption>", encryption)


@rule("disk-lun-bus-unsupported", Disk, bad=_lun(name="hda"), good=_GOOD)
def lun_is_on_scsi(disk: Disk) -> Problems:
    """``<disk device='lun'>`` requires ``<target bus='scsi'>``; QEMU before 9.1 also allows
    ``virtio``.
    """
    if disk.device != "lun":
        return
    if disk.bus == "scsi":
        yield from needs(
            disk, SCSI_BLOCK, "this QEMU does not support device='lun'; use 'disk'", "@device"
        )
    elif disk.bus == "virtio":
        yield from needs(
            disk,
            VIRTIO_SCSI,
            "this QEMU does not support device='lun' on virtio; use bus='scsi'",
            "target/@bus",
            accepted=("scsi",),
        )
    else:
        yield problem("device='lun' requires bus='scsi'", disk, "target/@bus", accepted=("scsi",))


@rule(
    "disk-lun-option-unsupported",
    Disk,
    bad=_lun(device="disk", attributes=" rawio='yes'"),
    good=_lun(attributes=" rawio='yes'"),
)
def options_need_a_lun(disk: Disk) -> Problems:
    """Attributes ``rawio`` and ``sgio`` and element ``<reservations>`` require
    ``<disk device='lun'>``.

    ``sgio='unfiltered'`` is not supported by libvirt versions that dropped it.
    """
    if disk.sgio == "unfiltered" and libvirt_reads(disk, UNFILTERED_DROPPED):
        yield problem(
            "libvirt no longer supports sgio='unfiltered'; remove sgio",
            disk,
            "@sgio",
            accepted=("filtered",),
        )
    if disk.device == "lun":
        return
    for name in ("rawio", "sgio"):
        if getattr(disk, name) is not None:
            yield problem(
                f"attribute {name!r} of <disk> requires device='lun'; remove it", disk, f"@{name}"
            )
    if disk.find("source/reservations") is not None:
        yield problem(
            "<reservations> requires <disk device='lun'>; remove it", disk, "source/reservations"
        )


_BLOCKS = (
    "<disk type='block' device='{}'><source dev='/dev/sdb'/><target dev='sda' bus='scsi'/>"
    "<blockio logical_block_size='512'/></disk>"
)


@rule(
    "disk-lun-blockio-unsupported",
    Disk,
    bad=_BLOCKS.format("lun"),
    good=_BLOCKS.format("disk"),
    since=DISK_LUN_BLOCKS,
)
def luns_have_their_own_blocks(disk: Disk) -> Problems:
    """``<blockio>`` is not valid for ``<disk device='lun'>`` (in some libvirt versions)."""
    if disk.device != "lun":
        return
    if disk.logical_block_size or disk.physical_block_size or disk.discard_granularity:
        yield problem("device='lun' cannot have <blockio>; remove it", disk, "blockio")


@rule(
    "disk-reservations-invalid",
    Disk,
    bad=_lun("<reservations managed='no'/>"),
    good=_lun(
        "<reservations managed='no'><source type='unix' path='/s' mode='client'/></reservations>"
    ),
)
def reservations_are_complete(disk: Disk) -> Problems:
    """``<reservations managed='no'>`` needs a ``<source>`` with the path of the helper's socket."""
    for image in disk.images:
        found = None if image.source is None else image.source.find("reservations")
        if found is not None:
            yield from _reservations(found, migrates=libvirt_reads(disk, DISK_RESERVATIONS_MIGRATE))


def _reservations(node: Node, *, migrates: bool) -> Problems:
    yield from _MANAGED.problems(node)
    if migrates:
        yield from _MIGRATION.problems(node)
    source = node.find("source")
    given = {name: None if source is None else source.get(name) for name in _CONNECTION}
    if node.get("managed") != "no" and not any(given.values()):
        return
    for name, value in given.items():
        wanted = _CONNECTION[name]
        if not value:
            example = f"{name}={wanted or _SOCKET!r}"
            message = f"<source> of <reservations> needs the attribute {name!r}; add {example}"
            yield problem(message, node, f"source/@{name}")
        elif wanted and value != wanted:
            yield problem(
                f"attribute {name!r} of <reservations> has the invalid value {value!r}",
                node,
                f"source/@{name}",
                accepted=(wanted,),
            )


_SOCKET = "/run/qemu-pr-helper.sock"
_CONNECTION = {"type": "unix", "path": "", "mode": "client"}


@rule(
    "disk-reservations-unsupported",
    Disk,
    bad=_lun("<reservations managed='yes' migration='yes'/>", name="vda"),
    good=_lun("<reservations managed='yes' migration='yes'/>"),
)
def reservations_are_there(disk: Disk) -> Problems:
    """``<reservations>`` requires a QEMU with ``pr-manager-helper``; its attribute ``migration``
    requires a SCSI LUN.
    """
    for image in disk.images:
        found = None if image.source is None else image.source.find("reservations")
        if found is None:
            continue
        yield from needs(
            disk,
            RESERVATIONS,
            "this QEMU does not support <reservations>; remove them",
            "source/reservations",
        )
        if (
            found.get("migration") == "yes"
            and disk.bus != "scsi"
            and libvirt_reads(disk, DISK_RESERVATIONS_MIGRATE)
        ):
            yield problem(
                "attribute 'migration' of <reservations> requires bus='scsi'; use that, or remove "
                "'migration'",
                found,
                "@migration",
            )
