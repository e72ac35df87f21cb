"""The NUMA cells of a host, as ``<topology>`` of ``<capabilities>`` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.facts.node import NodeCpu
from domcaps.language.quantities import number_set
from domcaps.serve.node_info import node_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.facts.node import Link, NodeCell, SideCache
    from domcaps.facts.node import Node as Hardware
    from domcaps.facts.record import HostRecord, NumaCell

_CPUS_MOST = 8192
"""That are listed of a host whose recording only counts them: the kernel's own limit."""
_INDEXING = {0: "direct", 1: "full"}
_POLICIES = {0: "writeback", 1: "writethrough"}


def E(tag: str, *content: Node | str, **attributes: str) -> Node:  # noqa: N802 - as lxml has it
    """Make an element of text and elements."""
    made = etree.Element(tag, attributes)
    for item in content:
        if isinstance(item, str):
            made.text = item
        else:
            made.append(item)
    return made


def topology(record: HostRecord, node: Hardware | None) -> Node:
    """Describe the cells and what connects them."""
    cells = _cells(record, node)
    found: Node = E("topology", E("cells", *cells, num=str(len(cells))))
    if node is not None and node.links:
        found.append(E("interconnects", *_links(node.links)))
    return found


def _cells(record: HostRecord, node: Hardware | None) -> list[Node]:
    if node is not None and node.cells:
        return [_cell(cell) for cell in node.cells]
    if record.numa:
        return [_plain_cell(cell) for cell in record.numa]
    return [_only_cell(record, node)]


def _only_cell(record: HostRecord, node: Hardware | None) -> Node:
    """Describe a host of which no cells are known as one, as libvirt does: clients look for it."""
    info = node_info(record, node)
    found: Node = E("cell", id="0")
    if info.memory:
        found.append(E("memory", str(info.memory), unit="KiB"))
    threads = info.threads
    count = min(info.sockets * info.cores * threads, _CPUS_MOST)
    cpus = [
        NodeCpu(
            first + thread,
            socket=first // threads // info.cores,
            core=first // threads % info.cores,
            siblings=tuple(range(first, first + threads)),
        )
        for first in range(0, count, threads)
        for thread in range(threads)
    ]
    found.append(E("cpus", *map(_node_cpu, cpus), num=str(len(cpus))))
    return found


def _cell(cell: NodeCell) -> Node:
    found: Node = E("cell", id=str(cell.id))
    if cell.memory_kib:
        found.append(E("memory", str(cell.memory_kib), unit="KiB"))
    for size, count in cell.pages:
        found.append(E("pages", str(count), unit="KiB", size=str(size)))
    if cell.distances:
        siblings = (E("sibling", id=str(other), value=str(cost)) for other, cost in cell.distances)
        found.append(E("distances", *siblings))
    found.extend(map(_side_cache, cell.side_caches))
    found.append(E("cpus", *map(_node_cpu, cell.cpus), num=str(len(cell.cpus))))
    return found


def _plain_cell(cell: NumaCell) -> Node:
    found: Node = E("cell", id=str(cell.id))
    if cell.memory_kib:
        found.append(E("memory", str(cell.memory_kib), unit="KiB"))
    cpus = [E("cpu", id=str(number)) for number in cell.cpus]
    found.append(E("cpus", *cpus, num=str(len(cpus))))
    return found


def _node_cpu(cpu: NodeCpu) -> Node:
    return E(
        "cpu",
        id=str(cpu.id),
        socket_id=str(cpu.socket),
        die_id=str(cpu.die),
        cluster_id=str(cpu.cluster),
        core_id=str(cpu.core),
        siblings=number_set(cpu.siblings),
    )


def _side_cache(cache: SideCache) -> Node:
    found: Node = E(
        "cache",
        E("size", value=str(cache.size_kib), unit="KiB"),
        level=str(cache.level),
        associativity=_INDEXING.get(cache.indexing, "none"),
        policy=_POLICIES.get(cache.policy, "none"),
    )
    if cache.line:
        found.append(E("line", value=str(cache.line), unit="B"))
    return found


def _links(links: Iterable[Link]) -> Iterator[Node]:
    """Write all latencies, then all bandwidths, each from one cell after the other."""
    ordered = sorted(links, key=lambda link: (link.initiator, link.target))
    for link in ordered:
        yield _link("latency", link, "read", link.read_latency)
        yield _link("latency", link, "write", link.write_latency)
    for link in ordered:
        yield _link("bandwidth", link, "read", link.read_kib, unit="KiB")
        yield _link("bandwidth", link, "write", link.write_kib, unit="KiB")


def _link(tag: str, link: Link, kind: str, value: int, **more: str) -> Node:
    ends = {"initiator": str(link.initiator), "target": str(link.target)}
    return E(tag, **ends, type=kind, value=str(value), **more)
