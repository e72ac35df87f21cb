"""QEMU arguments for memory: how much, what it is made of on the host, and its NUMA cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.memory.numa import Cell
from domcaps.language.command_line import Line, options, untold
from domcaps.language.quantities import MAX_BYTES, MIB, kib, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node


MEMORY = {
    "anonymous": "memory-backend-ram",
    "file": "memory-backend-file",
    "memfd": "memory-backend-memfd",
}
"""What memory can be made of."""
_KIB_OF_MIB = MIB // 1024
_NAME = "memory"


class Backing:
    """What memory is made of: the type of object, and its options."""

    def __init__(self, line: Line, root: Node) -> None:
        self._line = line
        self._node = line.reading.child(root, "memoryBacking")
        self.options: dict[str, object] = {}
        self.kind = MEMORY["anonymous"]
        self.is_said = False
        if self._node is not None:
            self._read(self._node)

    def _read(self, node: Node) -> None:
        reading = self._line.reading
        if reading.child(node, "nosharepages") is not None:
            self._line.machine["mem-merge"] = "off"
        if reading.child(node, "locked") is not None:
            self._line.add("-overcommit", "mem-lock=on")
        source, access = reading.child(node, "source"), reading.child(node, "access")
        kind = None if source is None else reading.get(source, "type", MEMORY)
        discards = reading.child(node, "discard") is not None
        if access is not None:
            shared = reading.get(access, "mode", {"shared", "private"}) == "shared"
            self._set(share=shared)
        allocation = reading.child(node, "allocation")
        if allocation is not None:
            if reading.get(allocation, "mode", {"immediate", "ondemand"}) == "immediate":
                self._set(prealloc=True)
            threads = reading.number(allocation, "threads")
            if threads:
                self._set(**{"prealloc-threads": threads})
        if kind is not None:
            self.kind = MEMORY[kind]
            self.is_said = True
        self._pages(node)
        if discards and self.kind == MEMORY["file"]:
            # what has no file leaves nothing behind in any case
            self._set(**{"discard-data": True})

    def _set(self, **more: object) -> None:
        self.is_said = True
        self.options |= more

    def _pages(self, node: Node) -> None:
        """Take huge pages: as memory without a name, so that no file system of them is needed."""
        reading = self._line.reading
        huge = reading.child(node, "hugepages")
        if huge is None:
            return
        pages = reading.children(huge, "page")
        if len(pages) > 1 or any(page.get("nodeset") for page in pages):
            raise untold(pages[0], "", "pages of a size for some cells only")
        self.kind = MEMORY["memfd"]
        self._set(hugetlb=True, prealloc=True)
        for page in pages:
            reading.set_aside(page, "size", "unit")
            size = size_of(page, "@size", "@unit", limit=MAX_BYTES)
            self._set(hugetlbsize=size)

    def object(self, name: str, size: int, **more: object) -> str:
        """Write an object for so many KiB."""
        if self.kind == MEMORY["file"]:
            more["mem-path"] = self._line.made_up(f"{name}.ram")
        return options(self.kind, id=name, size=f"{size}k", **{**self.options, **more})


def write_memory(line: Line, root: Node) -> list[str]:
    """Tell of the memory."""
    reading = line.reading
    sizes = {}
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
    most = _most(line, root)
    backing = Backing(line, root)
    cells = list(_cells(line, root, backing))
    # with cells it is they who have the memory, whatever the sum says
    size = sum(_rounded(cell.memory_kib) for cell in line.domain.all(Cell))
    size = size or sizes.get("memory", 0)
    if sizes.get("currentMemory", size) < size:
        less = root.find("currentMemory")
        raise untold(root if less is None else less, "", "less memory than there is")
    if not size:
        raise untold(root, "", "a domain without <memory>")
    told = ["-m", options(f"size={_rounded(size)}k", **most)]
    if not cells and backing.is_said:
        line.machine["memory-backend"] = _NAME
        told += ["-object", backing.object(_NAME, _rounded(size))]
    return [*told, *cells]


def _rounded(size: int) -> int:
    return -(-size // _KIB_OF_MIB) * _KIB_OF_MIB


def _most(line: Line, root: Node) -> dict[str, object]:
    """Take what may be plugged in later."""
    node = line.reading.child(root, "maxMemory")
    if node is None:
        return {}
    line.reading.text(node)
    line.reading.set_aside(node, "unit")
    slots = line.reading.number(node, "slots")
    size = kib(size_of(node, limit=MAX_BYTES))
    return {"slots": slots, "maxmem": f"{_rounded(size)}k"}


def _cells(line: Line, root: Node, backing: Backing) -> Iterator[str]:
    reading = line.reading
    node = root.find("cpu/numa")
    if node is None:
        return
    reading.child(node.getparent(), "numa")  # type: ignore[arg-type]
    reading.children(node, "cell")
    cells = line.domain.all(Cell)
    for cell in cells:
        reading.set_aside(cell.node, "id", "cpus", "memory", "unit")
        name = f"{_NAME}{cell.number}"
        more: dict[str, object] = {}
        if (access := reading.get(cell.node, "memAccess", {"shared", "private"})) is not None:
            more["share"] = access == "shared"
        reading.get(cell.node, "discard", {"yes", "no"})
        yield "-object"
        yield backing.object(name, _rounded(cell.memory_kib), **more)
        yield "-numa"
        cpus = "".join(f",cpus={numbers}" for numbers in _ranges(cell.cpus or 0))
        yield f"node,nodeid={cell.number}{cpus},memdev={name}"
    for cell in cells:
        distances = reading.child(cell.node, "distances")
        for sibling in [] if distances is None else reading.children(distances, "sibling"):
            to, cost = reading.number(sibling, "id"), reading.number(sibling, "value")
            yield "-numa"
            yield f"dist,src={cell.number},dst={to},val={cost}"


def _ranges(mask: int) -> Iterator[str]:
    """Write a mask as runs of numbers."""
    number = 0
    while mask:
        low = (mask & -mask).bit_length() - 1
        mask >>= low
        count = (~mask & (mask + 1)).bit_length() - 1
        number += low
        yield str(number) if count == 1 else f"{number}-{number + count - 1}"
        mask >>= count
        number += count
