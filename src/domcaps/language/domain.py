"""A domain: its XML, its target, and its parts by class."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.language.part import Part
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element as Node

    from domcaps.language.world import World

P = TypeVar("P", bound=Part)
T = TypeVar("T")


class Path(NamedTuple):
    """A path as it is looked up: the last step, what is above it, and what must be true there."""

    above: str
    tag: str
    attribute: str = ""
    value: str = ""


# names and * all the way, and a condition on the last
_SIMPLE = late_pattern(
    r"(?:(?P<above>[\w:*-]+(?:/[\w:*-]+)*)/)?(?P<tag>[\w:-]+)"
    r"(?:\[@(?P<attribute>[\w:-]+)='(?P<value>[^']*)'\])?"
)


@functools.cache
def split_path(text: str) -> Path | None:
    """Take a path apart, None where it is not a simple one."""
    found = _SIMPLE.fullmatch(text)
    return None if found is None else Path(*(part or "" for part in found.groups()))


class OfTarget:
    """What a domain says of its target, real or absent ones alike."""

    world: World

    @property
    def arch(self) -> str:
        """The guest's architecture."""
        return self.world.target.arch

    @property
    def machine(self) -> str:
        """The machine type, by its canonical name."""
        return self.world.target.machine

    @property
    def virttype(self) -> str:
        """The virtualization type."""
        return self.world.target.virttype


class Domain(OfTarget):
    """A definition that is looked at, for the target that it names on a host.

    `new` tells that it is to be defined now: libvirt overlooks some mistakes in an
    already-defined one, so that no domain disappears when libvirt is upgraded. `order` has the
    elements by number, where one who has looked at the whole document numbered them.
    """

    def __init__(self, root: Node, world: World, *, new: bool = True) -> None:
        self.root = root
        self.world = world
        self.new = new
        self.order: list[Node] = []
        self._parts: dict[type[Part], tuple[Part, ...]] = {}
        self._nodes: dict[type[Part], list[Node]] = {}
        self._children: dict[str, dict[str, list[Node]]] = {}
        self._within: dict[type[Part], dict[Node, Part]] = {}
        self._firsts: dict[tuple[type[Part], str], dict[Any, Part]] = {}
        self._once: dict[Callable[[Domain], Any], Any] = {}
        self._searched: frozenset[type[Part]] = frozenset()

    def all(self, kind: type[P]) -> tuple[P, ...]:
        """Give the parts of a class in the order of the document."""
        known = self._parts.get(kind)
        if known is None:
            known = self._parts[kind] = self._made(kind)
        return known  # type: ignore[return-value]

    def _made(self, kind: type[Part]) -> tuple[Part, ...]:
        nodes = self._nodes.get(kind)
        if nodes is None:
            if kind.path is None:
                raise TypeError(f"{kind.__name__} has no path of its own")
            if kind in self._searched:
                return ()
            nodes = self.find(kind.path)
        if kind.unread:
            nodes = [n for n in nodes if kind.is_read(n.getparent())]  # type: ignore[arg-type]
        return tuple([kind(node, self) for node in nodes])

    def place(self, kind: type[Part], nodes: list[Node]) -> None:
        """Say where all parts of a class stand, for one who has looked at the whole document."""
        self._nodes[kind] = nodes

    def nothing_of(self, kinds: frozenset[type[Part]]) -> None:
        """Say that of these classes there is nothing but what `place` told."""
        self._searched = kinds

    def within(self, kind: type[P], node: Node) -> P | None:
        """Give the first part of a class that stands right inside an element, None for none."""
        known = self._within.get(kind)
        if known is None:
            known = {}
            for part in reversed(self.all(kind)):
                parent = part.node.getparent()
                if parent is not None:
                    known[parent] = part
            self._within[kind] = known
        return known.get(node)  # type: ignore[return-value]

    def firsts(self, kind: type[P], attribute: str) -> Mapping[Any, P]:
        """Give the first part of a class for each value of one of its Python attributes.

        A rule that compares a part with all others of its class asks here: the parts are looked
        through once for all of them, not once for each.
        """
        known = self._firsts.get((kind, attribute))
        if known is None:
            known = {}
            for part in self.all(kind):
                known.setdefault(getattr(part, attribute), part)
            self._firsts[kind, attribute] = known
        return known  # type: ignore[return-value]

    def once(self, make: Callable[[Domain], T]) -> T:
        """Give what a function makes of the domain; it is called once, the caller."""
        if make not in self._once:
            self._once[make] = make(self)
        made: T = self._once[make]
        return made

    def find(self, path: str) -> list[Node]:
        """Give the elements at a path below ``<domain>``, which itself is at ""."""
        if not path:
            return [self.root]
        simple = split_path(path)
        if simple is None:
            return self.root.findall(path)
        nodes = self.inside(simple.above).get(simple.tag, [])
        if simple.attribute and nodes:
            return [node for node in nodes if node.get(simple.attribute) == simple.value]
        return nodes

    def inside(self, path: str) -> dict[str, list[Node]]:
        """Give what stands in all elements at a path of names and ``*``, by name.

        It is one look for all that ask.
        """
        known = self._children.get(path)
        if known is None:
            known = {}
            for parent in self._parents(path):
                for child in parent:
                    known.setdefault(child.tag, []).append(child)
            self._children[path] = known
        return known

    def _parents(self, path: str) -> list[Node]:
        above, _, tag = path.rpartition("/")
        if tag != "*":
            return self.find(path)
        return [child for parent in self._parents(above) for child in parent]

    def first(self, kind: type[P]) -> P | None:
        """Give the first part of a class, None where there is none."""
        parts = self.all(kind)
        return parts[0] if parts else None
