"""Limits in ``<iotune>`` and ``<throttlegroup>`` that only QEMU compares with each other.

libvirt sets them when the domain is started: "bps_max/iops_max cannot be lower than bps/iops".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.disk_iotune import LIMITS, limit
from domcaps.elements.storage.throttle_groups import ThrottleGroup
from domcaps.language.finding import Stage
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Problems

_MAX, _LENGTH, _SIZE = "_max", "_max_length", "size_iops_sec"
_LARGEST = 10**15
_AVERAGES = tuple(name for name in LIMITS if not name.endswith((_MAX, _LENGTH)) and name != _SIZE)
_IOPS = tuple(name for name in _AVERAGES if name.endswith("iops_sec"))

_BASE = "<total_bytes_sec>1000</total_bytes_sec>"
_BURST = _BASE + "<total_bytes_sec_max>{}</total_bytes_sec_max>"
_DISK = "<disk type='file'><source file='/a'/><target dev='vda'/><iotune>{}</iotune></disk>"
_GROUP = (
    "<throttlegroups><throttlegroup><group_name>slow</group_name>{}</throttlegroup>"
    "</throttlegroups>"
)


def _unfit(part: Part, node: Node | None) -> Problems:
    """Report limits of bursts that do not fit the limits that they exceed for a while."""
    if node is None:
        return
    for name in _AVERAGES:
        most, length = limit(node, name + _MAX), limit(node, name + _LENGTH)
        if most and not limit(node, name):
            yield problem(f"<{name}{_MAX}> requires <{name}>", part)
        elif most and most < limit(node, name):
            yield problem(f"<{name}{_MAX}> must not be lower than <{name}>", part)
        elif most and length > _LARGEST // most:
            yield problem(
                f"<{name}{_LENGTH}> is too long: multiplied by <{name}{_MAX}> it may be at most "
                f"{_LARGEST}",
                part,
            )
        elif length > 1 and not most:
            yield problem(f"<{name}{_LENGTH}> requires <{name}{_MAX}>", part)
    if limit(node, _SIZE) and not any(limit(node, name) for name in _IOPS):
        yield problem(f"<{_SIZE}> requires a limit of operations, such as <total_iops_sec>", part)


@rule(
    "disk-iotune-fails-at-start",
    Disk,
    bad=_DISK.format(_BURST.format(500)),
    good=_DISK.format(_BURST.format(2000)),
    stage=Stage.START,
)
def bursts_of_disks_fit(disk: Disk) -> Problems:
    """Each ``…_max`` of ``<iotune>`` requires the limit without ``_max``, and must not be
    lower than it.

    Its length requires it, and ``<size_iops_sec>`` requires a limit of operations.
    """
    limits = disk.find("iotune")
    if limits is not None and not disk.image.is_empty:
        yield from _unfit(disk, limits)


@rule(
    "throttlegroups-throttlegroup-fails-at-start",
    ThrottleGroup,
    bad=_GROUP.format(_BURST.format(500)),
    good=_GROUP.format(_BURST.format(2000)),
    stage=Stage.START,
)
def bursts_of_groups_fit(group: ThrottleGroup) -> Problems:
    """Each ``…_max`` of ``<throttlegroup>`` requires the limit without ``_max``, and is not lower.

    Its length requires it, and ``<size_iops_sec>`` requires a limit of operations.
    """
    yield from _unfit(group, group.node)
