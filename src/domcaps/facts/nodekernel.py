"""What a host's kernel can do with the hardware: sleep, share caches out, tell how far memory is.

Sources: the kernel's ``Documentation/filesystems/resctrl.rst``, ``admin-guide/mm/numaperf.rst`` and
``admin-guide/pm/sleep-states.rst``; for what systemd makes of the last ``systemd-sleep.conf(5)``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.facts.node import (
    Allocation,
    Link,
    MemoryBandwidthControl,
    Resctrl,
    ResourceMonitor,
    SideCache,
)

if TYPE_CHECKING:
    from domcaps.facts.hostfiles import HostFiles

_RESCTRL = "/sys/fs/resctrl/info"
_NODES = "/sys/devices/system/node"
_LOGIND = "/run/systemd/seats"
_TO_MEMORY = frozenset({"mem", "standby", "freeze"})
_TO_DISK = frozenset({"platform", "shutdown"})
_KIB = 1024
_USED_SWAP = 0.98
"""Of the free swap no more than this may be needed to sleep."""


def number(files: HostFiles, path: str) -> int:
    """Read a number; 0 where there is none, or one that stands for none."""
    text = files.text(path)
    return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else 0


def numbered(files: HostFiles, folder: str, pattern: str) -> list[int]:
    """Give the numbers in the names of a folder that are like a pattern, in their order."""
    found = (re.fullmatch(pattern, name, re.ASCII) for name in files.names_or_none(folder))
    return sorted(int(match[1]) for match in found if match)


# -- sleep -----------------------------------------------------------------------------------------


def suspends(files: HostFiles) -> tuple[str, ...]:
    """Name the ways in which the host can be put to sleep: ``mem``, ``disk``, ``hybrid``.

    libvirt asks logind, which looks at what is looked at here; a host without logind has none.
    """
    if not files.exists(_LOGIND):
        return ()
    states = set(files.text("/sys/power/state").split())
    # the one that is chosen stands in brackets
    ways = {way.strip("[]") for way in files.text("/sys/power/disk").split()}
    to_memory = bool(states & _TO_MEMORY)
    has_room = "disk" in states and _has_room(files)
    found = {
        "mem": to_memory,
        "disk": has_room and bool(ways & _TO_DISK),
        "hybrid": has_room and to_memory and "suspend" in ways,
    }
    return tuple(name for name, can in found.items() if can)


def _has_room(files: HostFiles) -> bool:
    """Tell whether what is in memory fits into the swap that is free."""
    sizes = re.findall(r"\s(\d{1,15})\s+(\d{1,15})\s+-?\d+$", files.text("/proc/swaps"), re.M)
    free = sum(int(size) - int(used) for size, used in sizes)
    found = re.search(r"Active\(anon\):\s*(\d{1,15}) kB", files.text("/proc/meminfo"))
    return found is not None and free > 0 and int(found[1]) <= free * _USED_SWAP


# -- caches and memory bandwidth that can be shared out --------------------------------------------


def resctrl(files: HostFiles) -> Resctrl | None:
    """Read what can be shared out and watched, None where the kernel offers nothing of it."""
    names = files.names_or_none(_RESCTRL)
    if not names:
        return None
    matches = (re.fullmatch(r"L(\d{1,3})(|CODE|DATA)", name, re.ASCII) for name in names)
    found = [_allocation(files, match[0], int(match[1]), match[2]) for match in matches if match]
    return Resctrl(
        tuple(sorted((one for one in found if one.bits), key=lambda one: (one.level, one.scope))),
        _bandwidth(files),
        _monitor(files),
    )


def _allocation(files: HostFiles, name: str, level: int, scope: str) -> Allocation:
    mask = files.text(f"{_RESCTRL}/{name}/cbm_mask")
    is_mask = re.fullmatch(r"[0-9a-fA-F]{1,32}", mask, re.ASCII)
    return Allocation(
        level,
        scope.lower(),
        int(mask, 16).bit_count() if is_mask else 0,
        number(files, f"{_RESCTRL}/{name}/min_cbm_bits"),
        number(files, f"{_RESCTRL}/{name}/num_closids"),
    )


def _bandwidth(files: HostFiles) -> MemoryBandwidthControl | None:
    folder = f"{_RESCTRL}/MB"
    if not files.exists(f"{folder}/bandwidth_gran"):
        return None
    return MemoryBandwidthControl(
        number(files, f"{folder}/bandwidth_gran"),
        number(files, f"{folder}/min_bandwidth"),
        number(files, f"{folder}/num_closids"),
    )


def _monitor(files: HostFiles) -> ResourceMonitor | None:
    folder = f"{_RESCTRL}/L3_MON"
    if not files.exists(f"{folder}/num_rmids"):
        return None
    return ResourceMonitor(
        tuple(files.text(f"{folder}/mon_features").split()),
        number(files, f"{folder}/num_rmids"),
        number(files, f"{folder}/max_threshold_occupancy"),
    )


# -- how far memory is -----------------------------------------------------------------------------


def side_caches(files: HostFiles, cell: int) -> tuple[SideCache, ...]:
    """List the caches between a cell's memory and all that uses it."""
    folder = f"{_NODES}/node{cell}/memory_side_cache"
    return tuple(
        SideCache(
            level,
            number(files, f"{folder}/index{level}/size") // _KIB,
            number(files, f"{folder}/index{level}/line_size"),
            number(files, f"{folder}/index{level}/indexing"),
            number(files, f"{folder}/index{level}/write_policy"),
        )
        for level in numbered(files, folder, r"index(\d{1,4})")
    )


def links(files: HostFiles, cells: list[int]) -> tuple[Link, ...]:
    """Tell how fast the processors that are nearest to a cell reach its memory."""
    found: list[Link] = []
    for cell in cells:
        folder = f"{_NODES}/node{cell}/access1/initiators"
        told = [
            number(files, f"{folder}/{name}")
            for name in ("read_bandwidth", "write_bandwidth", "read_latency", "write_latency")
        ]
        # the kernel tells MiB
        bandwidths = told[0] * _KIB, told[1] * _KIB
        found += [
            Link(initiator, cell, *bandwidths, told[2], told[3])
            for initiator in numbered(files, folder, r"node(\d{1,6})")
        ]
    return tuple(found)
