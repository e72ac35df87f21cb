"""``<memtune>`` and ``<blkiotune>``: limits of a guest's memory, and its share of block devices.

::

    <memtune>
      <hard_limit unit='G'>1</hard_limit>
      <swap_hard_limit unit='G'>2</swap_hard_limit>
    </memtune>
    <blkiotune>
      <weight>800</weight>
      <device>
        <path>/dev/sda</path>
        <read_bytes_sec>10000</read_bytes_sec>
      </device>
    </blkiotune>
"""

from __future__ import annotations

from domcaps.language.changes.memory import BLKIO_PATH_FILLED
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.part import Part, field
from domcaps.language.quantities import MAX_BYTES, SIZE, UNIT, OrEmpty, repeated, size_of, too_large
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import WRAPPING, Int

# a negative number is taken for a very large one
_COUNT = OrEmpty(WRAPPING)
_LIMITS = ("hard_limit", "soft_limit", "swap_hard_limit")
_UNLIMITED = 9007199254740991 * 1024
"""In bytes; beyond it libvirt does not count."""


class Memtune(Part):
    """Limits of memory."""

    path = "memtune"

    hard_limit = field("hard_limit", SIZE)
    hard_limit_unit = field("hard_limit/@unit", UNIT, of="hard_limit")
    soft_limit = field("soft_limit", SIZE)
    soft_limit_unit = field("soft_limit/@unit", UNIT, of="soft_limit")
    swap_hard_limit = field("swap_hard_limit", SIZE)
    swap_hard_limit_unit = field("swap_hard_limit/@unit", UNIT, of="swap_hard_limit")
    min_guarantee = field("min_guarantee", SIZE)
    min_guarantee_unit = field("min_guarantee/@unit", UNIT, of="min_guarantee")


class Blkiotune(Part):
    """The share of all block devices; a weight that is no number is ignored."""

    path = "blkiotune"
    knows = ("weight",)


# libvirt reads them with C's strtoull, which takes a negative number for a very large one
_ANY_RATE = Int(-(2**63), 2**64 - 1)


class BlkiotuneDevice(Part):
    """The share of one block device."""

    path = "blkiotune/device"

    device = field(
        "path", required=True, expected="the path of a block device of the host, such as '/dev/sda'"
    )
    weight = field(
        "weight",
        _COUNT,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a whole number, such as '500'",
    )
    read_bytes_sec = field(
        "read_bytes_sec",
        OrEmpty(_ANY_RATE),
        strict=VALUES_STRICT,
        before=_ANY_RATE,
        expected="a number of bytes per second, such as '10485760'",
    )
    write_bytes_sec = field(
        "write_bytes_sec",
        OrEmpty(_ANY_RATE),
        strict=VALUES_STRICT,
        before=_ANY_RATE,
        expected="a number of bytes per second, such as '10485760'",
    )
    read_iops_sec = field(
        "read_iops_sec",
        _COUNT,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a number of requests per second, such as '1000'",
    )
    write_iops_sec = field(
        "write_iops_sec",
        _COUNT,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="a number of requests per second, such as '1000'",
    )


@rule(
    "memtune-too-large",
    Memtune,
    bad="<memtune><hard_limit unit='EiB'>15</hard_limit></memtune>",
    good="<memtune><hard_limit unit='GiB'>15</hard_limit></memtune>",
)
def limits_can_be_counted(memtune: Memtune) -> Problems:
    """``<memtune>`` limits must be below 8 EiB."""
    for tag, most in (*((tag, _UNLIMITED) for tag in _LIMITS), ("min_guarantee", MAX_BYTES)):
        if too_large(memtune.node, tag, f"{tag}/@unit", limit=most):
            yield problem(
                f"<{tag}> must be below 8 EiB; write a smaller number or unit, or remove it",
                memtune,
                tag,
            )


@rule(
    "memtune-min-guarantee-unsupported",
    Memtune,
    bad="<memtune><min_guarantee>1024</min_guarantee></memtune>",
    good="<memtune><soft_limit>1024</soft_limit></memtune>",
)
def nothing_is_guaranteed(memtune: Memtune) -> Problems:
    """``<min_guarantee>`` of ``<memtune>`` is not supported by QEMU."""
    if size_of(memtune.node, "min_guarantee", "min_guarantee/@unit"):
        yield problem("QEMU does not support <min_guarantee>; remove it", memtune, "min_guarantee")


@rule(
    "blkiotune-device-duplicate",
    BlkiotuneDevice,
    bad="<blkiotune><device><path>/dev/sda</path></device>"
    "<device><path>/dev/sda</path></device></blkiotune>",
    good="<blkiotune><device><path>/dev/sda</path></device></blkiotune>",
)
def device_once(device: BlkiotuneDevice) -> Problems:
    """Each ``<device>`` of ``<blkiotune>`` must have a different ``<path>``."""
    for again in repeated(device, lambda d: d.device):
        yield problem(
            f"the path {again.device!r} is in two <device> elements; merge them", again, "path"
        )


@rule(
    "blkiotune-device-empty",
    BlkiotuneDevice,
    bad="<blkiotune><device><path/></device></blkiotune>",
    good="<blkiotune><device><path>/dev/sda</path></device></blkiotune>",
    since=BLKIO_PATH_FILLED,
)
def device_has_a_path(device: BlkiotuneDevice) -> Problems:
    """``<path>`` of a ``<device>`` in ``<blkiotune>`` must not be empty."""
    if device.device == "":
        yield problem("<path> is empty; write the path of a block device", device, "path")
