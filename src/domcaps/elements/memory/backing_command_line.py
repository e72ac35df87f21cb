"""QEMU arguments for what memory is made of on the host: objects ``memory-backend-…``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import MEMORY_MODE
from domcaps.elements.memory.numatune import Memnode, Numatune
from domcaps.language.command_line import Line, options
from domcaps.language.quantities import MAX_BYTES, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Node

MEMORY = {
    "anonymous": "memory-backend-ram",
    "file": "memory-backend-file",
    "memfd": "memory-backend-memfd",
}
"""What memory can be made of."""
_POLICIES = {"strict": "bind", "preferred": "preferred", "interleave": "interleave"}
_BY_GROUPS = "restrictive"
_USUAL_PAGE = 4096


class Backing:
    """What memory is made of: the type of object, and its options."""

    def __init__(self, line: Line, root: Node) -> None:
        self._line = line
        self._node = line.reading.child(root, "memoryBacking")
        self.options: dict[str, object] = {}
        self.kind = MEMORY["anonymous"]
        self.is_said = False
        self._pages: list[tuple[int | None, frozenset[int] | None]] = []
        self._discards = False
        if self._node is not None:
            self._read(self._node)
        self._tuned = self._nodes(root)

    def _read(self, node: Node) -> None:
        reading = self._line.reading
        if reading.child(node, "nosharepages") is not None:
            self._line.machine["mem-merge"] = "off"
        if reading.child(node, "locked") is not None:
            self._line.add("-overcommit", "mem-lock=on")
        source, access = reading.child(node, "source"), reading.child(node, "access")
        kind = None if source is None else reading.get(source, "type", MEMORY)
        self._discards = reading.child(node, "discard") is not None
        if access is not None:
            shared = reading.get(access, "mode", {"shared", "private"}) == "shared"
            self._set(share=shared)
        allocation = reading.child(node, "allocation")
        if allocation is not None:
            if reading.get(allocation, "mode", {"immediate", "ondemand"}) == "immediate":
                self._set(prealloc=True)
            threads = reading.positive(allocation, "threads")
            if threads:
                self._set(**{"prealloc-threads": threads})
        if kind is not None:
            self.kind = MEMORY[kind]
            self.is_said = True
        self._huge(node)

    def _set(self, **more: object) -> None:
        self.is_said = True
        self.options |= more

    def _huge(self, node: Node) -> None:
        """Take huge pages: as memory without a name, so that no file system of them is needed."""
        reading = self._line.reading
        huge = reading.child(node, "hugepages")
        if huge is None:
            return
        for page in reading.children(huge, "page"):
            reading.set_aside(page, "size", "unit")
            size = size_of(page, "@size", "@unit", limit=MAX_BYTES)
            nodes = reading.get(page, "nodeset")
            self._pages.append((size, None if nodes is None else frozenset(numbers_of(nodes))))
        self._pages = self._pages or [(None, None)]
        self.is_said = True

    def _page(self, cell: int) -> tuple[bool, int | None]:
        """Tell whether a cell has huge pages, and give their size where it is said."""
        own = [size for size, nodes in self._pages if nodes is not None and cell in nodes]
        usual = [size for size, nodes in self._pages if nodes is None]
        for size in (*own, *usual):
            return size != _USUAL_PAGE, size
        return False, None

    def _nodes(self, root: Node) -> dict[int, tuple[str, list[int]]]:
        """Take from which nodes of the host memory comes, by cell; -1 is for all."""
        reading, found = self._line.reading, dict[int, tuple[str, list[int]]]()
        tune = reading.child(root, "numatune")
        if tune is None:
            return found
        for node in (*reading.children(tune, "memory"), *reading.children(tune, "memnode")):
            reading.set_aside(node, "mode", "nodeset", "placement", "cellid")
        whole = self._line.domain.first(Numatune)
        if whole is not None and whole.chosen == "static" and whole.node.find("memory") is not None:
            nodes = numbers_of(whole.node.find("memory").get("nodeset") or "")  # type: ignore[union-attr]
            found[-1] = (whole.mode or MEMORY_MODE, nodes)
        elif whole is not None and whole.chosen == "auto":
            reading.besides[tune] = "libvirt lets numad choose nodes of the host"
        for part in self._line.domain.all(Memnode):
            text = part.node.get("nodeset") or ""
            found[int(part.node.get("cellid") or 0)] = (
                part.node.get("mode") or MEMORY_MODE,
                numbers_of(text),
            )
        for mode, _ in found.values():
            if mode == _BY_GROUPS:
                reading.besides[tune] = "libvirt restricts memory by control groups"
        return found

    def _policy(self, cell: int) -> dict[str, object]:
        mode, nodes = self._tuned.get(cell, self._tuned.get(-1, ("", [])))
        if mode not in _POLICIES or not nodes:
            return {}
        return {"host-nodes": nodes, "policy": _POLICIES[mode]}

    @property
    def is_huge(self) -> bool:
        """Whether memory is made of huge pages."""
        return bool(self._pages)

    @property
    def is_tuned(self) -> bool:
        """Whether memory comes from some nodes of the host only."""
        return any(self._policy(cell) for cell in (-1, *self._tuned))

    def object(
        self, name: str, size: int, cell: int = -1, *, discard: bool | None = None, **more: object
    ) -> str:
        """Write an object for so many KiB, of which the memory of a cell is made."""
        kind, told = self.kind, dict(self.options)
        is_huge, page = self._page(cell)
        if is_huge:
            kind = MEMORY["memfd"]
            told |= {"hugetlb": True, "hugetlbsize": page, "prealloc": True}
        elif kind == MEMORY["file"]:
            told["mem-path"] = self._line.made_up(f"{name}.ram")
            # what has no file leaves nothing behind in any case
            wanted = self._discards if discard is None else discard
            told["discard-data"] = True if wanted else None
        return object_words(kind, name, **(told | self._policy(cell) | {"size": size << 10} | more))


def object_words(kind: str, name: str, **more: object) -> str:
    """Write an object, in JSON where an option is a list."""
    told = {option: value for option, value in more.items() if value is not None}
    if any(isinstance(value, list) for value in told.values()):
        return json.dumps({"qom-type": kind, "id": name, **told}, separators=(",", ":"))
    return options(kind, id=name, **told)


def numbers_of(text: str) -> list[int]:
    """Read a set of numbers such as ``1-4,^3``."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _, last = part.removeprefix("^").partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            continue
        numbers = set(range(int(first), min(int(last or first), int(first) + 4096) + 1))
        found = found - numbers if part.startswith("^") else found | numbers
    return sorted(found)


def runs(numbers: Iterable[int]) -> list[str]:
    """Write numbers as runs: 0, 1, 2 and 5 are ``0-2`` and ``5``."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]
