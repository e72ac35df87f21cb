"""What repairs the NUMA cells of a domain: ids that count, CPUs that are there, and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.quantities import kib, number_set, numbers, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.part import Part

_NAMED = (
    ("numatune/memnode", "cellid"),
    ("cpu/numa/cell/distances/sibling", "id"),
    ("devices/memory/target/node", ""),
)
"""Where else the id of a cell stands, below the domain."""


def with_cpus(mask: int) -> Iterator[Fix]:
    """Give a cell the CPUs of a set; nothing where that is empty."""
    if mask:
        yield set_value(number_set(numbers(mask)), "@cpus")


def counted(domain: Domain) -> Iterator[Fix]:
    """Count the cells from 0 in the order in which they stand, and all that names them."""
    cells = list(domain.root.iterfind("cpu/numa/cell"))
    new = {cell.get("id"): str(number) for number, cell in enumerate(cells)}
    values = [(path_of(cell, "id"), str(number)) for number, cell in enumerate(cells)]
    if len(new) == len(cells):
        values += _where_named(domain, new)
    yield Fix(values=tuple(values))


def _where_named(domain: Domain, new: dict[str | None, str]) -> Iterator[tuple[str, str]]:
    for path, attribute in _NAMED:
        for node in domain.root.iterfind(path):
            old = node.get(attribute) if attribute else (node.text or "").strip()
            if old in new:
                yield path_of(node, attribute), new[old]


def share_of_memory(cell: Part) -> Iterator[Fix]:
    """Give each cell that names no memory an equal share of what the others leave."""
    cells = list(cell.domain.root.iterfind("cpu/numa/cell"))
    open_cells = [one for one in cells if one.get("memory") is None]
    named = sum(kib(size_of(one, "@memory")) for one in cells)
    share = (_memory_kib(cell.domain.root) - named) // max(len(open_cells), 1)
    if share > 0:
        paths = [path_of(one) for one in open_cells]
        values = tuple((f"{path}/@memory", str(share)) for path in paths)
        yield Fix(values=values, without=tuple(f"{path}/@unit" for path in paths))


def _memory_kib(root: Node) -> int:
    memory = root.find("memory")
    return 0 if memory is None else kib(size_of(memory))
