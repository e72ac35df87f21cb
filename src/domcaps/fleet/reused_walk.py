"""The walk over a document of a known skeleton: what stands where is known without one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from domcaps.validate.document.walk import DocumentWalk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.dialect import Dialect
    from domcaps.validate.checks import PartChecks


class WalkNumbers(NamedTuple):
    """A walk by the numbers of elements."""

    nodes: dict[PartChecks, list[int]]
    order: list[int]


class ReusedWalk:
    """What a walk over a document finds, by that over another one of the same skeleton."""

    def __init__(self, root: Node, numbers: WalkNumbers) -> None:
        self._root = root
        every = list(root.iter())
        self.nodes = {kind: [every[n] for n in some] for kind, some in numbers.nodes.items()}
        self.order = [every[n] for n in numbers.order]

    @cached_property
    def _walk(self) -> DocumentWalk:
        return DocumentWalk(self._root)

    def part_checks(self, dialect: Dialect) -> Iterator[PartChecks]:
        """Give the checks of all parts that may be there and that a dialect knows."""
        return self._walk.part_checks(dialect)

    def shape_of(self, node: Node) -> int:
        """Give the shape of an element in which a part stands: values may differ."""
        return self._walk.shape_of(node)
