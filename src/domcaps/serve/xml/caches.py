"""A host's caches in ``<capabilities>``, and how they and memory's bandwidth can be shared out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.quantities import number_set
from domcaps.serve.xml.topology import E

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.facts.node import (
        Allocation,
        Cache,
        MemoryBandwidthControl,
        Resctrl,
        ResourceMonitor,
    )

_CACHE_TYPES = {"Unified": "both", "Instruction": "code", "Data": "data"}
_SCOPES = {"": "both", "code": "code", "data": "data"}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_OF_CACHES, _OF_MEMORY = "llc_", "mbm_"
_WATCHED = "3"
"""The level of the caches that can be watched: the kernel knows no other."""


def shared(caches: Sequence[Cache], resctrl: Resctrl | None) -> Iterator[Node]:
    """Write ``<cache>`` and ``<memory_bandwidth>``, each where there is something to say."""
    allocations = resctrl.allocations if resctrl else ()
    monitor = resctrl.monitor if resctrl else None
    banks = [_bank(cache, allocations) for cache in caches]
    if banks or monitor:
        yield E("cache", *banks, *_watching(monitor, _OF_CACHES))
    bandwidth = resctrl.bandwidth if resctrl else None
    nodes = [_node(cache, bandwidth) for cache in _last(caches)] if bandwidth else []
    if nodes or monitor:
        yield E("memory_bandwidth", *nodes, *_watching(monitor, _OF_MEMORY))


def _bank(cache: Cache, allocations: Sequence[Allocation]) -> Node:
    size, unit = _shortest(cache.size_kib * 1024)
    controls = (_control(cache, one) for one in allocations if one.level == cache.level)
    return E(
        "bank",
        *controls,
        id=str(cache.id),
        level=str(cache.level),
        type=_CACHE_TYPES.get(cache.type, "both"),
        size=str(size),
        unit=_UNITS[unit],
        cpus=number_set(cache.cpus),
    )


def _control(cache: Cache, allocation: Allocation) -> Node:
    step = cache.size_kib * 1024 // allocation.bits
    # one part needs no word
    least = step * allocation.least_bits if allocation.least_bits != 1 else 0
    unit = min(_shortest(size)[1] for size in (step, least or step))
    sizes = {"granularity": str(step // 1024**unit)}
    if least:
        sizes["min"] = str(least // 1024**unit)
    return E(
        "control",
        **sizes,
        unit=_UNITS[unit],
        type=_SCOPES[allocation.scope],
        maxAllocs=str(allocation.groups),
    )


def _last(caches: Sequence[Cache]) -> list[Cache]:
    """Give the caches before memory: bandwidth is shared out by them."""
    level = max((cache.level for cache in caches), default=0)
    return [cache for cache in caches if cache.level == level]


def _node(cache: Cache, bandwidth: MemoryBandwidthControl) -> Node:
    control = E(
        "control",
        granularity=str(bandwidth.step),
        min=str(bandwidth.least),
        maxAllocs=str(bandwidth.groups),
    )
    return E("node", control, id=str(cache.id), cpus=number_set(cache.cpus))


def _watching(monitor: ResourceMonitor | None, kind: str) -> list[Node]:
    features = [name for name in monitor.features if name.startswith(kind)] if monitor else []
    if monitor is None or not features:
        return []
    about = {"level": _WATCHED, "reuseThreshold": str(monitor.threshold)}
    more = about if kind == _OF_CACHES else {}
    found: Node = E("monitor", **more, maxMonitors=str(monitor.groups))
    found.extend(E("feature", name=name) for name in features)
    return [found]


def _shortest(size: int) -> tuple[int, int]:
    """Give bytes in the largest unit that leaves them whole, by its number."""
    for unit in range(len(_UNITS) - 1):
        if not size or size % 1024:
            return size, unit
        size //= 1024
    return size, len(_UNITS) - 1
