"""``<backingStore>``: which images may lie above other ones.

::

    <disk type='file'>
      <driver name='qemu' type='vdi'/>
      <source file='/a'/>
      <backingStore type='file'><format type='raw'/><source file='/b'/></backingStore>
"""

from __future__ import annotations

from itertools import pairwise

from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.images import WITHOUT_BACKING
from domcaps.language.changes.storage import DISK_RAW_WITHOUT_LAYER
from domcaps.language.finding import Stage
from domcaps.language.observed import qapi
from domcaps.language.require import lacks, libvirt_reads
from domcaps.language.rule import Problems, problem, rule

_MASK = qapi("block-commit/arg/backing-mask-protocol")
"""Where QEMU has it, libvirt leaves the layer ``raw`` out."""
_WITH_BACKING = ("qcow2", "qcow", "qed", "vmdk")
_DISK = (
    "<disk type='file'><driver name='qemu' type='{}'/><source file='/a'/><target dev='vda'/>"
    "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore></disk>"
)


@rule(
    "disk-backingstore-format-unsupported",
    Disk,
    bad=_DISK.format("vdi"),
    good=_DISK.format("qcow2"),
    stage=Stage.START,
)
def images_can_lie_above(disk: Disk) -> Problems:
    """An image with another one in ``<backingStore>`` must have a format that supports it, such as
    ``qcow2``.
    """
    if disk.bus == "sd" or disk.type == "vhostuser" or disk.images[0].is_empty:
        return
    plain = libvirt_reads(disk, DISK_RAW_WITHOUT_LAYER) and not lacks(disk, _MASK)
    for image, _ in pairwise(disk.images):
        if image.format not in WITHOUT_BACKING or (plain and image.format == "raw"):
            continue
        at = "driver/@type" if image.disk is not None else "format/@type"
        message = (
            f"an image of the format {image.format!r} cannot have another one in <backingStore>; "
            "remove that <backingStore>, or use another format, such as qcow2"
        )
        yield problem(message, image.node, at, accepted=_WITH_BACKING)
