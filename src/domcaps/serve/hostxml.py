"""The host part of ``<capabilities>``: what the machine is, apart from its guests.

Source of the form: libvirt's document *Driver capabilities* (``formatcaps``). What nobody looked
at is left out. What libvirt prints of every host (``<migration_features>``) is printed here, too,
since clients may rely on its being there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from domcaps.cpu.processor import processor
from domcaps.facts.arch import X86
from domcaps.serve.nodeinfo import node_info

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Node

    from domcaps.api import Host
    from domcaps.facts.node import Cache, NodeCell, NodeCpu
    from domcaps.facts.node import Node as Hardware
    from domcaps.facts.record import HostRecord, NumaCell

_PAGE_KIB = 4
_TRANSPORTS = ("tcp", "rdma")
_CACHE_TYPES = {"Unified": "both", "Instruction": "code", "Data": "data"}


def E(tag: str, *content: Node | str, **attributes: str) -> Node:  # noqa: N802 - as lxml has it
    """Make an element of text and elements."""
    made = etree.Element(tag, attributes)
    for item in content:
        if isinstance(item, str):
            made.text = item
        else:
            made.append(item)
    return made


def host_part(host: Host, dialect: tuple[int, int]) -> Node:
    """Describe the host in the words of a release."""
    record, node = host.facts.record, host.node
    found: Node = E("host")
    if node is not None and node.uuid:
        found.append(E("uuid", node.uuid))
    found.append(_cpu(record, node, dialect))
    found.append(E("power_management"))
    found.append(E("iommu", support="yes" if record.vfio.usable else "no"))
    transports = (E("uri_transport", name) for name in _TRANSPORTS)
    found.append(E("migration_features", E("live"), E("uri_transports", *transports)))
    cells = _cells(record, node)
    if cells:
        found.append(E("topology", E("cells", *cells, num=str(len(cells)))))
    if node is not None and node.caches:
        found.append(E("cache", *map(_cache, node.caches)))
    found.extend(_security(record, node))
    return found


def _security(record: HostRecord, node: Hardware | None) -> list[Node]:
    """List the security models: files have owners wherever somebody may change them."""
    found = [E("secmodel", E("model", "none"), E("doi", "0"))]
    if record.privileged and node is not None:
        owner = f"+{node.uid}:+{node.gid}"
        labels = (E("baselabel", owner, type=kind) for kind in ("kvm", "qemu"))
        found.append(E("secmodel", E("model", "dac"), E("doi", "0"), *labels))
    return found


def _cpu(record: HostRecord, node: Hardware | None, dialect: tuple[int, int]) -> Node:
    cpu = record.cpu
    known = processor(node, record.arch, cpu, dialect)
    found: Node = E("cpu", E("arch", record.arch))
    if known is not None:
        found.append(E("model", known.model))
        if known.vendor:
            found.append(E("vendor", known.vendor))
    if record.arch in X86:
        found.extend(_processor(record, node))
    info = node_info(record, node)
    found.append(
        E(
            "topology",
            sockets=str(info.sockets),
            dies="1",
            clusters="1",
            cores=str(info.cores),
            threads=str(info.threads),
        )
    )
    if cpu.phys_addr_bits:
        found.append(E("maxphysaddr", mode="emulate", bits=str(cpu.phys_addr_bits)))
    found.extend(E("feature", name=feature.name) for feature in (known.features if known else ()))
    for size in sorted({_PAGE_KIB, *record.hugepage_sizes_kib, *_page_sizes(node)}):
        found.append(E("pages", unit="KiB", size=str(size)))
    return found


def _page_sizes(node: Hardware | None) -> set[int]:
    return {size for cell in (node.cells if node else ()) for size, _ in cell.pages}


def _processor(record: HostRecord, node: Hardware | None) -> list[Node]:
    found = []
    if record.cpu.microcode:
        found.append(E("microcode", version=str(record.cpu.microcode)))
    if record.cpu.signature:
        family, model, stepping = map(str, record.cpu.signature)
        found.append(E("signature", family=family, model=model, stepping=stepping))
    if node is not None and node.tsc_hz:
        scaling = "yes" if node.tsc_scaling else "no"
        found.append(E("counter", name="tsc", frequency=str(node.tsc_hz), scaling=scaling))
    return found


def _cells(record: HostRecord, node: Hardware | None) -> list[Node]:
    if node is not None and node.cells:
        return [_cell(cell) for cell in node.cells]
    return [_plain_cell(cell) for cell in record.numa]


def _cell(cell: NodeCell) -> Node:
    found: Node = E("cell", id=str(cell.id))
    if cell.memory_kib:
        found.append(E("memory", str(cell.memory_kib), unit="KiB"))
    for size, count in cell.pages:
        found.append(E("pages", str(count), unit="KiB", size=str(size)))
    if cell.distances:
        siblings = (E("sibling", id=str(other), value=str(cost)) for other, cost in cell.distances)
        found.append(E("distances", *siblings))
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
        siblings=_ranges(cpu.siblings),
    )


def _cache(cache: Cache) -> Node:
    size, unit = _shortest(cache.size_kib)
    return E(
        "bank",
        id=str(cache.id),
        level=str(cache.level),
        type=_CACHE_TYPES.get(cache.type, "both"),
        size=str(size),
        unit=unit,
        cpus=_ranges(cache.cpus),
    )


def _shortest(kib: int) -> tuple[int, str]:
    """Give a size in the largest unit that leaves it whole."""
    for unit in ("KiB", "MiB", "GiB"):
        if kib % 1024:
            return kib, unit
        kib //= 1024
    return kib, "TiB"


def _ranges(numbers: Iterable[int]) -> str:
    """Write numbers as ``0-3,8``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
