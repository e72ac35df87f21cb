"""QEMU arguments for memory: how much, and its NUMA cells."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import PPC64, machine_type
from domcaps.elements.memory.backing_command_line import Backing, runs
from domcaps.elements.memory.memory_device import MODULE, MemoryDevice
from domcaps.elements.memory.numa import Cell, cell_count, cpus_of
from domcaps.elements.processor.vcpu_count import max_vcpus
from domcaps.language.command_line import Line, options, untold
from domcaps.language.quantities import MAX_BYTES, MIB, kib, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

_KIB_OF_MIB = MIB // 1024
_ENCLAVES = "sgx-epc"


_NEAR, _FAR = 10, 20
"""The distances of a cell to itself, and to another one."""


def write_memory(line: Line, root: Node) -> list[str]:
    """Write the memory."""
    size = _size(line, root)
    most = _most(line, root)
    line.backing = backing = Backing(line, root)
    cells = list(_cells(line, backing, size))
    told = ["-m", options(None, size=f"{_rounded(line, size)}k", **most)]
    name = _usual_name(line)
    if not cells and (backing.is_said or backing.is_tuned or name):
        line.machine["memory-backend"] = name or "memory"
        told += ["-object", backing.object(name or "memory", _rounded(line, size))]
    return [*told, *cells]


def _usual_name(line: Line) -> str:
    """Give QEMU's name of a machine type's memory, by which its state is migrated."""
    machine = machine_type(line.domain.world)
    return "" if machine is None else machine.default_ram_id


def _size(line: Line, root: Node) -> int:
    """Take how much memory there is at first, without what is in devices."""
    reading, sizes = line.reading, dict[str, int]()
    for tag in ("memory", "currentMemory"):
        node = reading.child(root, tag)
        if node is not None:
            reading.text(node)
            reading.set_aside(node, "unit")
            dumped = reading.get(node, "dumpCore", {"on", "off"})
            if dumped is not None:
                line.machine["dump-guest-core"] = dumped
            size = size_of(node, limit=MAX_BYTES)
            if size is None:
                raise untold(node, "", "a size that is none")
            sizes[tag] = kib(size)
    # with cells it is they who have the memory, whatever the sum says
    size = sum(_rounded(line, cell.memory_kib) for cell in line.domain.all(Cell))
    devices = sum(d.size_kib for d in line.domain.all(MemoryDevice) if d.model != _ENCLAVES)
    size = size or sizes.get("memory", 0) - devices
    less = root.find("currentMemory")
    if less is not None and sizes["currentMemory"] < size + devices:
        reading.besides[less] = "libvirt takes memory back by the balloon"
    if size <= 0:
        raise untold(root, "", "a domain without <memory>")
    return size


def _rounded(line: Line, size: int) -> int:
    """Give a size as libvirt starts it: a multiple of 1 MiB, on POWER of 256 MiB."""
    step = MODULE if line.holds(PPC64) else _KIB_OF_MIB
    return -(-size // step) * step


def _most(line: Line, root: Node) -> dict[str, object]:
    """Take what may be plugged in later."""
    node = line.reading.child(root, "maxMemory")
    if node is None:
        return {}
    line.reading.text(node)
    line.reading.set_aside(node, "unit")
    slots = line.reading.number(node, "slots")
    size = kib(size_of(node, limit=MAX_BYTES))
    return {"slots": slots or None, "maxmem": f"{_rounded(line, size)}k"} if size else {}


def _cells(line: Line, backing: Backing, size: int) -> Iterator[str]:
    cells = line.domain.all(Cell)
    if not cells and cell_count(line.domain):
        # libvirt adds one where memory is to be plugged in
        yield "-object"
        yield backing.object("ram-node0", _rounded(line, size), 0)
        yield "-numa"
        yield _node(0, range(max_vcpus(line.domain)), "ram-node0")
    if not cells:
        return
    numa = cells[0].node.getparent()
    line.reading.child(numa.getparent(), "numa")  # type: ignore[union-attr, arg-type]
    ways = line.reading.child(numa, "interconnects")  # type: ignore[arg-type]
    has_ways = ways is not None or any(cell.has("cache") for cell in cells)
    if has_ways:
        line.machine["hmat"] = "on"
    cpus = cpus_of(line.domain)
    for cell in cells:
        yield from _cell(line, backing, cell, cpus.get(cell.number, 0), ways, has_ways=has_ways)
    yield from _distances(line, cells)
    if ways is not None:
        yield from _ways(line, ways)
    for cell in cells:
        yield from _caches(line, cell)


def _node(number: int, cpus: range | list[int], memory: str | None, **more: object) -> str:
    told = "".join(f",cpus={part}" for part in runs(cpus))
    rest = "".join(f",{name}={value}" for name, value in more.items() if value is not None)
    return f"node,nodeid={number}{told}{rest}" + (f",memdev={memory}" if memory else "")


def _cell(
    line: Line, backing: Backing, cell: Cell, mask: int, ways: Node | None, *, has_ways: bool
) -> Iterator[str]:
    reading, number = line.reading, cell.number
    reading.children(cell.node.getparent(), "cell")  # type: ignore[arg-type]
    reading.set_aside(cell.node, "id", "cpus", "memory", "unit")
    if cell.cpus is None and cell.node.get("cpus"):
        raise untold(cell.node, "cpus")
    more: dict[str, object] = {}
    if (access := reading.get(cell.node, "memAccess", {"shared", "private"})) is not None:
        more["share"] = access == "shared"
    dropped = reading.get(cell.node, "discard", {"yes", "no"})
    name = f"ram-node{number}" if cell.memory_kib else None
    if name:
        discard = None if dropped is None else dropped == "yes"
        yield "-object"
        yield backing.object(name, _rounded(line, cell.memory_kib), number, discard=discard, **more)
    yield "-numa"
    cpus = [place for place in range(mask.bit_length()) if mask >> place & 1]
    initiator = (number if cpus else _initiator(ways, number)) if has_ways else None
    yield _node(number, cpus, name, initiator=initiator)


def _initiator(ways: Node | None, target: int) -> int:
    """Give the cell whose processors are nearest to memory that has none."""
    fastest: dict[str, tuple[int, int]] = {}
    for way in ways if ways is not None else ():
        if way.get("target") == str(target) and not int(way.get("cache") or 0):
            value, initiator = int(way.get("value") or 0), int(way.get("initiator") or 0)
            order = value if way.tag == "latency" else -value
            fastest[str(way.tag)] = min(fastest.get(str(way.tag), (order, initiator)),
                                        (order, initiator))  # fmt: skip
    best = fastest.get("bandwidth") or fastest.get("latency")
    return best[1] if best else 0


def _distances(line: Line, cells: Sequence[Cell]) -> Iterator[str]:
    """Write the distances between all cells if one is given; what is missing has a default."""
    given: dict[tuple[int, int | None], int | None] = {}
    for cell in cells:
        distances = line.reading.child(cell.node, "distances")
        for sibling in [] if distances is None else line.reading.children(distances, "sibling"):
            to, cost = line.reading.number(sibling, "id"), line.reading.number(sibling, "value")
            given[cell.number, to] = cost
    numbers = [cell.number for cell in cells] if given else []
    for one, other in itertools.product(numbers, numbers):
        usual = _NEAR if one == other else _FAR
        cost = given.get((one, other)) or given.get((other, one)) or usual
        yield "-numa"
        yield f"dist,src={one},dst={other},val={cost}"


def _ways(line: Line, ways: Node) -> Iterator[str]:
    """Take how fast the ways between cells are."""
    reading = line.reading
    for tag in ("latency", "bandwidth"):
        for way in reading.children(ways, tag):
            numbers = [reading.number(way, name) or 0 for name in ("initiator", "target", "cache")]
            kind = reading.get(way, "type", {"access", "read", "write"})
            shown = str(reading.number(way, "value") or 0)
            if tag == "bandwidth":
                reading.set_aside(way, "unit")
                shown = f"{(size_of(way, '@value') or 0) >> 10}K"
            level = "memory" if not numbers[2] else _LEVELS.get(numbers[2], "memory")
            yield "-numa"
            yield (
                f"hmat-lb,initiator={numbers[0]},target={numbers[1]},hierarchy={level},"
                f"data-type={kind}-{tag},{tag}={shown}"
            )


_LEVELS = {1: "first-level", 2: "second-level", 3: "third-level"}
_WRITES = {"none": "none", "writeback": "write-back", "writethrough": "write-through"}
_KINDS = {"none": "none", "direct": "direct", "full": "complex"}


def _caches(line: Line, cell: Cell) -> Iterator[str]:
    """Take the caches in front of a cell's memory."""
    reading = line.reading
    for cache in reading.children(cell.node, "cache"):
        level = reading.number(cache, "level")
        kind = _KINDS[reading.get(cache, "associativity", _KINDS) or "none"]
        policy = _WRITES[reading.get(cache, "policy", _WRITES) or "none"]
        size, width = reading.child(cache, "size"), reading.child(cache, "line")
        for node in (size, width):
            if node is None:
                raise untold(cache)
            reading.set_aside(node, "value", "unit")
        bytes_, step = (0 if n is None else size_of(n, "@value") or 0 for n in (size, width))
        yield "-numa"
        yield (
            f"hmat-cache,node-id={cell.number},size={bytes_ >> 10}K,level={level},"
            f"associativity={kind},policy={policy},line={step}"
        )
