"""``<iotune>``: limits of what a disk reads and writes per second, alone or with others of a group.

::

    <iotune>
      <total_bytes_sec>10000000</total_bytes_sec>
      <read_iops_sec>400000</read_iops_sec>
      <group_name>slow</group_name>
    </iotune>

Groups of limits for many disks are in `storage.throttle_groups`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.disk import Disk
from domcaps.language.changes.storage import DISK_SD_LIMITS
from domcaps.language.fix import Fix, set_value
from domcaps.language.quantities import plain_bytes
from domcaps.language.rule import Problems, problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part

_WHAT = ("bytes_sec", "iops_sec")
_WHO = ("total", "read", "write")
_BASIC = tuple(f"{who}_{what}" for what in _WHAT for who in _WHO)
_MOST = tuple(f"{name}_max" for name in _BASIC)
_LENGTHS = tuple(f"{name}_max_length" for name in _BASIC)
LIMITS = (*_BASIC, *_MOST, "size_iops_sec", *_LENGTHS)
"""All limits that libvirt knows."""

_LARGEST = 10**15
_LARGEST_NUMBER = 2**64 - 1
_DIGITS = 20

_DISK = "<disk type='file'><source file='/a'/><target dev='{}'/><iotune>{}</iotune></disk>"
_TOTAL = "<total_bytes_sec>{}</total_bytes_sec>"
_GOOD = _DISK.format("vda", _TOTAL.format(1000))
_GROUP = _TOTAL + "<group_name>slow</group_name>"


def limit(node: Node | None, name: str) -> int:
    """Give a limit, 0 where there is none."""
    return _number(None if node is None else node.findtext(name)) or 0


def _number(text: str | None) -> int | None:
    """Read a number as libvirt does here, without blanks around it; 0 where there is no text."""
    if not text:
        return 0
    # as C reads it: white space and a sign may stand before a number
    text = text.lstrip().removeprefix("+")
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        return None
    value = int(text)
    return value if value <= _LARGEST_NUMBER else None


def malformed(node: Node | None) -> Problems:
    """Report limits that are no numbers."""
    for child in () if node is None else node:
        if child.tag in LIMITS and _number(child.text) is None:
            message = f"<{child.tag}> must be a whole number, without a space after it"
            yield problem(message, child, fix=_in_bytes(child))


def _in_bytes(limit: Node) -> Iterator[Fix]:
    """Write a limit such as 10M, of bytes in each second, in bytes."""
    number = plain_bytes(limit.text or "") if "bytes" in str(limit.tag) else ""
    if number:
        yield set_value(number)


def contradictions(part: Part, node: Node | None) -> Problems:
    """Report limits of the total that stand beside one of reading or writing."""
    if node is None:
        return
    for what in _WHAT:
        for end in ("", "_max"):
            separate = limit(node, f"read_{what}{end}") or limit(node, f"write_{what}{end}")
            if limit(node, f"total_{what}{end}") and separate:
                yield problem(
                    f"<total_{what}{end}> cannot be combined with <read_{what}{end}> or "
                    f"<write_{what}{end}>; remove the one or the others",
                    part,
                )


@rule(
    "disk-iotune-invalid",
    Disk,
    bad=_DISK.format("vda", _TOTAL.format("fast")),
    good=_GOOD,
)
def limits_are_numbers(disk: Disk) -> Problems:
    """Limits in ``<iotune>`` must be whole numbers up to 10^15, without spaces."""
    tune = disk.find("iotune")
    yield from malformed(tune)
    for name in (*_BASIC, *_MOST, "size_iops_sec") if tune is not None else ():
        if limit(tune, name) > _LARGEST:
            yield problem(f"<{name}> must be at most {_LARGEST}", disk, f"iotune/{name}")


@rule(
    "disk-iotune-conflict",
    Disk,
    bad=_DISK.format("vda", _TOTAL.format(1000) + "<read_bytes_sec>500</read_bytes_sec>"),
    good=_GOOD,
)
def total_or_separate(disk: Disk) -> Problems:
    """``<iotune>`` must not mix ``total_…`` limits with ``read_…`` and ``write_…`` limits."""
    yield from contradictions(disk, disk.find("iotune"))


def _limits(node: Node | None) -> tuple[int, ...]:
    return tuple(limit(node, name) for name in LIMITS)


def _group(disk: Disk) -> str:
    return disk.node.findtext("iotune/group_name") or ""


@rule(
    "disk-iotune-group-invalid",
    Disk,
    bad=_DISK.format("vda", "<group_name>slow</group_name>"),
    good=_DISK.format("vda", _GROUP.format(1000)),
)
def groups_agree(disk: Disk) -> Problems:
    """Disks with the same ``<group_name>`` must have the same limits.

    A disk that gives no limits takes those of its group.
    """
    group = _group(disk)
    if not group:
        return
    own = _limits(disk.find("iotune"))
    others = [
        _limits(other.find("iotune"))
        for other in disk.domain.all(Disk)
        if other.node is not disk.node and _group(other) == group
    ]
    if not any(own):
        if not any(map(any, others)):
            message = (
                f"no disk sets limits for the group {group!r}; set them in the <iotune> of one "
                "disk of this group"
            )
            yield problem(message, disk, "iotune")
    elif any(any(limits) and limits != own for limits in others):
        yield problem(
            f"another disk of the group {group!r} has different limits; make them equal",
            disk,
            "iotune/group_name",
        )


@rule(
    "disk-iotune-unsupported",
    Disk,
    bad=_DISK.format("sda' bus='sd", _TOTAL.format(1000)),
    good=_GOOD,
    since=DISK_SD_LIMITS,
)
def sd_has_no_limits(disk: Disk) -> Problems:
    """``<iotune>`` is not supported for SD cards."""
    if not disk.on.throttled and (_group(disk) or any(_limits(disk.find("iotune")))):
        yield problem("an SD card cannot have <iotune>; remove it", disk, "iotune")
