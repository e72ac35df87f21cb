"""The sum of a host's CPUs and memory, as libvirt counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from domcaps.facts.node import Node, NodeCell
    from domcaps.facts.record import HostRecord


_UNKNOWN_KIB = 64 * 1024 * 1024


class NodeInfo(NamedTuple):
    """``virNodeInfo``: of a cell how many sockets, of a socket how many cores, and so on.

    Memory is in KiB, the frequency in MHz, 0 where it is not known. Memory that is not known is
    taken to be 64 GiB: no libvirt gives 0, and clients divide by it.
    """

    memory: int
    cpus: int
    mhz: int
    nodes: int
    sockets: int
    cores: int
    threads: int


def node_info(record: HostRecord, node: Node | None) -> NodeInfo:
    """Sum up a host, by what its facts tell if it was not probed at its hardware."""
    if node is not None and any(cell.cpus for cell in node.cells):
        return _of_cells(node)
    cpu, cells = record.cpu, record.numa
    nodes = max(1, len(cells))
    return NodeInfo(
        (node.memory_kib if node else 0) or sum(cell.memory_kib for cell in cells) or _UNKNOWN_KIB,
        sum(len(cell.cpus) for cell in cells) or cpu.sockets * cpu.cores * cpu.threads,
        node.mhz if node else 0,
        nodes,
        max(1, cpu.sockets // nodes),
        cpu.cores,
        cpu.threads,
    )


def _of_cells(node: Node) -> NodeInfo:
    """Take the largest number of each kind; where they do not multiply, call every CPU a core."""
    cpus = sum(len(cell.cpus) for cell in node.cells)
    nodes = len(node.cells)
    sockets = max(len({cpu.socket for cpu in cell.cpus}) for cell in node.cells)
    cores = max(max(_cores(cell), default=0) for cell in node.cells)
    threads = max(len(cpu.siblings) for cell in node.cells for cpu in cell.cpus)
    if nodes * sockets * cores * threads != cpus:
        nodes, sockets, cores, threads = 1, 1, cpus, 1
    return NodeInfo(node.memory_kib, cpus, node.mhz, nodes, sockets, cores, threads)


def _cores(cell: NodeCell) -> list[int]:
    """Count the cores of each socket."""
    found: dict[int, set[int]] = {}
    for cpu in cell.cpus:
        found.setdefault(cpu.socket, set()).add(cpu.core)
    return [len(cores) for cores in found.values()]
