"""One walk over a domain: which parts stand where, what they look like, which names it is unknown.

A `SchemaPosition` is a place of a domain with all that is known of it: the names that the
vocabulary permits there, the values that they may have, and the checks of the parts there.
Positions are made when a document leads to them, since places may hold themselves: an image may be
backed by an image.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.language.domain import split_path
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern
from domcaps.validate.checks import all_part_checks, values_of
from domcaps.validate.document.shape_ids import (
    APART,
    NO_SHAPE,
    NO_TEXT,
    SOME_TEXT,
    SOME_VALUE,
    TELLING,
    intern_shape,
    names_of,
    outline,
)
from domcaps.validate.schema.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.dialect import Dialect
    from domcaps.language.part import Part
    from domcaps.validate.checks import PartChecks
    from domcaps.validate.schema.names import SchemaPlace


NO_VALUES: frozenset[str] = frozenset()
PLAIN = late_pattern(r"[\w-]+(?:/[\w-]+)*")
"""A path of names alone."""


class PlacedChecks(NamedTuple):
    """Checks of parts; with an attribute, of those that have that value of it."""

    part_checks: PartChecks
    attribute: str
    value: str


class PathTree:
    """What is to be checked at a path and below it; ``*`` stands for any name.

    `values` are those of attributes that have only a few, and under "" those of the text.
    """

    def __init__(self) -> None:
        self.placed: list[PlacedChecks] = []
        self.values: dict[str, frozenset[str]] = {}
        self.trees: dict[str, PathTree] = {}

    def at(self, path: str) -> PathTree:
        """Give the tree at a path, made where it is new."""
        tree = self
        for name in filter(None, path.split("/")):
            tree = tree.trees.setdefault(name, PathTree())
        return tree

    def below(self, name: str) -> Iterator[PathTree]:
        """Give what there is for a name."""
        for step in (name, "*"):
            if step in self.trees:
                yield self.trees[step]


class SchemaPosition:
    """One place of a domain; `place` is None where the vocabulary knows nothing of it.

    `values` has the attributes that may stand there, `texts` the values of the text. `inside` tells
    that it is part of something of which others may look the same.
    """

    __slots__ = (
        "_elsewhere",
        "_trees",
        "inside",
        "place",
        "placed",
        "positions",
        "texts",
        "values",
    )

    def __init__(
        self, place: SchemaPlace | None, trees: tuple[PathTree, ...], *, inside: bool = False
    ) -> None:
        self.place = place
        self.placed = tuple(placed for tree in trees for placed in tree.placed)
        self.inside = inside or any(not placed.part_checks.whole for placed in self.placed)
        self.values = dict.fromkeys(() if place is None else place.attributes, NO_VALUES)
        for tree in trees:
            for name, values in tree.values.items():
                self.values[name] = self.values.get(name, NO_VALUES) | values
        self.texts = self.values.pop("", NO_VALUES)
        self.positions: dict[str, SchemaPosition | None] = {}
        self._trees = trees
        self._elsewhere: SchemaPosition | None = None

    def enter(self, name: str) -> SchemaPosition | None:
        """Give the position of an element inside, None where nothing is known of it or below it."""
        place = None
        if self.place is not None:
            place = self.place.children.get(name) or self.place.children.get("*")
        named = any(name in tree.trees for tree in self._trees)
        if place is None and not named:
            # names are the document's: none is remembered that only one document may have
            return self._others()
        position = self._position(place, tuple(b for tree in self._trees for b in tree.below(name)))
        if named or (self.place is not None and name in self.place.children):
            self.positions[name] = position
        return position

    @property
    def leads_on(self) -> bool:
        """Whether parts can stand here or below."""
        return bool(self.placed or self._trees)

    def _others(self) -> SchemaPosition | None:
        if self._elsewhere is None:
            trees = tuple(b for tree in self._trees for b in tree.below("*"))
            self._elsewhere = self._position(None, trees)
        return self._elsewhere if self._elsewhere.leads_on else None

    def _position(self, place: SchemaPlace | None, trees: tuple[PathTree, ...]) -> SchemaPosition:
        key = id(place), tuple(map(id, trees)), self.inside
        found = _POSITIONS.get(key)
        if found is None:
            found = _POSITIONS[key] = SchemaPosition(place, trees, inside=self.inside)
        return found


_POSITIONS: dict[tuple[int, tuple[int, ...], bool], SchemaPosition] = {}


@functools.cache
def domain_position() -> SchemaPosition:
    """Give the position of ``<domain>`` itself."""
    _POSITIONS.clear()
    root = PathTree()
    for part_checks in all_part_checks():
        text = part_checks.kind.path or ""
        path = split_path(text)
        if path is None and text:
            continue
        here = root.at(f"{path.above}/{path.tag}" if path else "")
        if path is not None:
            here.placed.append(PlacedChecks(part_checks, path.attribute, path.value))
        for field_check in part_checks.checks.fields:
            declared = field_check.declared
            if PLAIN.fullmatch(declared.steps or "plain"):
                there = here.at(declared.steps).values
                name = declared.attribute
                there[name] = there.get(name, NO_VALUES) | values_of(declared)
    return SchemaPosition(vocabulary(), (root,))


def position_of(node: Node) -> SchemaPosition | None:
    """Give the position of an element, None where nothing is known of it."""
    above = [*node.iterancestors()]
    position: SchemaPosition | None = domain_position()
    for step in (*reversed(above[:-1]), node) if above else ():
        position = None if position is None else position.enter(str(step.tag))
    return position


@functools.cache
def other_part_checks() -> tuple[PartChecks, ...]:
    """Give the checks of the domain itself, and of parts whose path is more than names."""
    return tuple(
        part_checks
        for part_checks in all_part_checks()
        if split_path(part_checks.kind.path or "") is None
    )


@functools.cache
def placed_kinds() -> frozenset[type[Part]]:
    """Give the classes of parts that a walk finds."""
    return frozenset(p.kind for p in all_part_checks() if split_path(p.kind.path or "") is not None)


class DocumentWalk:
    """What a walk found.

    `nodes` are the elements by the checks of their parts, in document order, `shapes` the
    shapes of those that have one; `unknown` are the elements that the vocabulary does not have, and
    attributes with their elements. `order` are all elements of which something is known, `skeleton`
    is what they look like together: the shapes of those that stand in no part, innermost first.
    `data` is the document's text, b"" where only the tree is known.
    """

    __slots__ = ("_positions", "data", "nodes", "order", "shapes", "skeleton", "unknown")

    def __init__(self, root: Node, data: bytes = b"") -> None:
        self.data = data
        self.nodes: dict[PartChecks, list[Node]] = {}
        self.shapes: dict[Node, int] = {}
        self._positions: dict[Node, SchemaPosition] = {}
        self.unknown: list[tuple[Node, str, SchemaPlace]] = []
        self.order: list[Node] = []
        self.skeleton: list[str | int] = []
        self._visit(root, domain_position())

    def shape_of(self, node: Node) -> int:
        """Give the shape of an element in which a part stands."""
        return self.shapes.get(node, NO_SHAPE)

    def position_of(self, node: Node) -> SchemaPosition | None:
        """Give the position of an element in which a part stands, None where that is not known."""
        return self._positions.get(node)

    def part_checks(self, dialect: Dialect) -> Iterator[PartChecks]:
        """Give the checks of all parts that may be there and that a dialect knows."""
        for part_checks in (*other_part_checks(), *self.nodes):
            if dialect.has_between(part_checks.kind.since, part_checks.kind.until):
                yield part_checks

    def _visit(self, node: Node, position: SchemaPosition) -> int:
        self.order.append(node)
        if position.placed:
            self._parts(node, position)
        place, positions = position.place, position.positions
        shape = self._start(node, position)
        for child in node:
            tag: str = child.tag
            inner = positions.get(tag) or position.enter(tag)
            if inner is None:
                shape.append(outline(child))
                if place is not None and tag[0] != "{":
                    self.unknown.append((child, "", place))
                continue
            if inner.place is None and place is not None and tag[0] != "{":
                self.unknown.append((child, "", place))
            shape.append(self._visit(child, inner))
        if not position.inside:
            self.skeleton += (len(shape), *shape)
            return APART
        number = intern_shape(shape)
        if position.placed:
            self.shapes[node] = number
            self._positions[node] = position
        return number

    def _start(self, node: Node, position: SchemaPosition) -> list[str | int]:
        """Begin the shape of an element: all but the elements inside."""
        values = position.values
        shape: list[str | int] = [node.tag]
        for name in names_of(node):
            few = values.get(name)
            if few is None:
                few = NO_VALUES
                # those of another namespace are somebody else's
                if position.place is not None and name[0] != "{" and "*" not in values:
                    self.unknown.append((node, name, position.place))
            if few or name in TELLING:
                value = node.get(name, "")
                shape += name, value if name in TELLING or value in few else SOME_VALUE
            else:
                shape += name, SOME_VALUE
        text = node.text
        shape.append(NO_TEXT if not text else text if text in position.texts else SOME_TEXT)
        return shape

    def _parts(self, node: Node, position: SchemaPosition) -> None:
        for part_checks, attribute, value in position.placed:
            if not attribute or node.get(attribute) == value:
                known = self.nodes.get(part_checks)
                if known is None:
                    self.nodes[part_checks] = [node]
                else:
                    known.append(node)
