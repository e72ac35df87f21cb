"""Reads of a document as operations: what a check looks at, in an order that can be repeated.

An operation asks one thing of one element: its name, an attribute, what stands inside. It is made
on the document itself, by the same function whether a check is watched or its trace is followed on
another document. The answer of most is a text; of others, elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.node_path import plain_path_of
from domcaps.patterns import late_pattern
from domcaps.validate.document.shape_ids import TELLING
from domcaps.validate.document.walk import NO_VALUES, placed_kinds, position_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.fleet.reused_walk import ReusedWalk
    from domcaps.language.domain import Domain
    from domcaps.language.part import Part
    from domcaps.validate.document.walk import DocumentWalk

PLAIN, ONE, SEVERAL = range(3)
"""What an operation answers with: a value, an element or None, or elements."""


class Operation:
    """One thing that can be asked: `ask` gets the document, an element and an argument."""

    __slots__ = ("answers", "ask", "name")

    def __init__(self, name: str, answers: int, ask: Callable[[Any, Any, Any], Any]) -> None:
        self.name, self.answers, self.ask = name, answers, ask

    def __repr__(self) -> str:
        """Give its name."""
        return self.name


class DocumentReads:
    """A document that operations are made on."""

    def __init__(self, domain: Domain, walk: DocumentWalk | ReusedWalk) -> None:
        self.walk = walk
        self.root: Node = domain.root
        self.domain = domain
        for part_checks, nodes in walk.nodes.items():
            domain.place(part_checks.kind, nodes)
        domain.nothing_of(placed_kinds())
        self._nodes: dict[type[Part], tuple[Node, ...]] = {}

    def all(self, kind: type[Part]) -> tuple[Node, ...]:
        """Give the elements of the parts of a class."""
        known = self._nodes.get(kind)
        if known is None:
            known = self._nodes[kind] = tuple([part.node for part in self.domain.all(kind)])
        return known


_OF_SHAPE = late_pattern(r"[\w-]+(?:/[\w-]+)*")
"""Paths of which the shape of an element tells what is there."""


def is_in_shape(operation: Operation, node: Node | None, argument: Any, inside: Node) -> bool:
    """Tell whether the shape of an element decides what an operation answers.

    It has the names of all that is inside, and the values that are among a few.
    """
    if node is None or (node is not inside and inside not in node.iterancestors()):
        return False
    if operation in {NAME, NAMES, COUNT, CHILDREN}:
        return True
    if operation is PREFIX:
        return not str(node.tag).startswith("{")
    if operation in {FIND, FIND_ALL}:
        return _OF_SHAPE.fullmatch(argument) is not None
    if operation not in {ATTRIBUTE, TEXT}:
        return False
    value = node.get(argument) if operation is ATTRIBUTE else node.text
    if not value or (operation is ATTRIBUTE and argument in TELLING):
        return value != "" or operation is TEXT
    position = position_of(node)
    if position is None:
        return False
    few = position.values.get(argument, NO_VALUES) if operation is ATTRIBUTE else position.texts
    return value in few


def _within(document: DocumentReads, node: Node, kind: type[Part]) -> Node | None:
    part = document.domain.within(kind, node)
    return None if part is None else part.node


def _first(document: DocumentReads, _: None, kind: type[Part]) -> Node | None:
    nodes = document.all(kind)
    return nodes[0] if nodes else None


def _siblings(_: Any, node: Node, how: tuple[str | None, bool]) -> tuple[Node, ...]:
    return tuple(node.itersiblings(how[0], preceding=how[1]))


NAME = Operation("name", PLAIN, lambda _, node, __: node.tag)
PREFIX = Operation("prefix", PLAIN, lambda _, node, __: node.prefix)
TEXT = Operation("text", PLAIN, lambda _, node, __: node.text)
TOLD = Operation("told", PLAIN, lambda _, node, tell: tell(node.text or ""))
TOLD_BY = Operation("told by", PLAIN, lambda _, node, how: how[1](node.get(how[0]) or ""))
ATTRIBUTE = Operation("attribute", PLAIN, lambda _, node, name: node.get(name))
NAMES = Operation("names", PLAIN, lambda _, node, __: tuple(node.keys()))
COUNT = Operation("count", PLAIN, lambda _, node, __: len(node))
LINE = Operation("line", PLAIN, lambda _, node, __: node.sourceline)
TEXTS = Operation("texts", PLAIN, lambda _, node, __: tuple(node.itertext()))
PATH = Operation("path", PLAIN, lambda _, node, __: plain_path_of(node))
PARENT = Operation("parent", ONE, lambda _, node, __: node.getparent())
FIND = Operation("find", ONE, lambda _, node, path: node.find(path))
FIND_ALL = Operation("find all", SEVERAL, lambda _, node, path: tuple(node.findall(path)))
CHILDREN = Operation("children", SEVERAL, lambda _, node, __: tuple(node))
SIBLINGS = Operation("siblings", SEVERAL, _siblings)
PARTS = Operation("parts", SEVERAL, lambda document, _, kind: document.all(kind))
FIRST = Operation("first", ONE, _first)
WITHIN = Operation("within", ONE, _within)
AT_PATH = Operation("at path", SEVERAL, lambda d, _, path: tuple(d.domain.find(path)))
TAGS_IN = Operation("tags in", PLAIN, lambda d, _, path: tuple(d.domain.inside(path)))
INSIDE = Operation("inside", SEVERAL, lambda d, _, at: tuple(d.domain.inside(at[0]).get(at[1], ())))

_DOWNWARD = frozenset({
    NAME, PREFIX, TEXT, TOLD, TOLD_BY, ATTRIBUTE, NAMES, COUNT, TEXTS, PATH, FIND, FIND_ALL,
    CHILDREN,
})  # fmt: skip


def is_downward(operation: Operation, argument: Any) -> bool:
    """Tell whether an operation reads an element, what is inside, and its path, and no more."""
    if operation is FIND or operation is FIND_ALL:
        return ".." not in argument
    return operation in _DOWNWARD
