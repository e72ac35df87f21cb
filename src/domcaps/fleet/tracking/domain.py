"""A domain of which each read is noted when a rule makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.fleet.tracking import reads
from domcaps.language.domain import Domain
from domcaps.language.part import Part
from domcaps.validate.memo.tracked import NotVisible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lxml.etree import _Element as Node

    from domcaps.fleet.tracking.reads import DocumentReads, Operation
    from domcaps.fleet.tracking.recorder import Recorder
    from domcaps.language.world import World

P = TypeVar("P", bound=Part)
T = TypeVar("T")


class WatchedView:
    """A document that notes in the open frame what is asked of it."""

    def __init__(self, document: DocumentReads, recorder: Recorder) -> None:
        self._document, self._recorder = document, recorder
        self._made: dict[Node, WatchedNode] = {}

    def at(self, node: Node) -> WatchedNode:
        """Give the watched element of an element: always the same."""
        made = self._made.get(node)
        if made is None:
            made = self._made[node] = WatchedNode(self, node)
        return made

    def ask(self, operation: Operation, node: Node | None = None, argument: Any = None) -> Any:
        """Make an operation, and note it."""
        self._recorder.asked(operation, node, argument)
        return operation.ask(self._document, node, argument)

    def one(self, found: Node | None) -> WatchedNode | None:
        """Give the watched element of an answer."""
        return None if found is None else self.at(found)

    def several(self, found: Iterable[Node]) -> list[WatchedNode]:
        """Give the watched elements of an answer."""
        return [self.at(node) for node in found]


class WatchedNode:
    """An element in lxml's form; each look at it is noted. What it does not have is hidden."""

    def __init__(self, view: WatchedView, node: Node) -> None:
        self._view = view
        self.node = node

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    @property
    def tag(self) -> Any:
        """The element's name."""
        return self._view.ask(reads.NAME, self.node)

    @property
    def prefix(self) -> str | None:
        """The prefix of its name."""
        prefix: str | None = self._view.ask(reads.PREFIX, self.node)
        return prefix

    @property
    def text(self) -> str | None:
        """The text before the first element inside."""
        text: str | None = self._view.ask(reads.TEXT, self.node)
        return text

    def told(self, tell: Callable[[str], T]) -> T:
        """Give what a function makes of the text: only that is noted."""
        found: T = self._view.ask(reads.TOLD, self.node, tell)
        return found

    def told_by(self, name: str, tell: Callable[[str], T]) -> T:
        """Give what a function makes of an attribute: only that is noted."""
        found: T = self._view.ask(reads.TOLD_BY, self.node, (name, tell))
        return found

    @property
    def sourceline(self) -> int | None:
        """The line."""
        line: int | None = self._view.ask(reads.LINE, self.node)
        return line

    @property
    def attrib(self) -> dict[str, str | None]:
        """All attributes."""
        return {name: self.get(name) for name in self.keys()}

    def keys(self) -> list[str]:
        """Give the names of the attributes."""
        return list(self._view.ask(reads.NAMES, self.node))

    def items(self) -> list[tuple[str, str | None]]:
        """Give all attributes."""
        return list(self.attrib.items())

    def get(self, name: str, default: Any = None) -> Any:
        """Give an attribute."""
        text = self._view.ask(reads.ATTRIBUTE, self.node, name)
        return default if text is None else text

    def itertext(self) -> Iterator[str]:
        """Give all texts inside."""
        return iter(self._view.ask(reads.TEXTS, self.node))

    def getparent(self) -> WatchedNode | None:
        """Give the element around it."""
        return self._view.one(self._view.ask(reads.PARENT, self.node))

    def iterancestors(self) -> Iterator[WatchedNode]:
        """Give the elements around it, the innermost first."""
        node = self.getparent()
        while node is not None:
            yield node
            node = node.getparent()

    def itersiblings(
        self, tag: str | None = None, *, preceding: bool = False
    ) -> Iterator[WatchedNode]:
        """Give the elements beside it."""
        found = self._view.ask(reads.SIBLINGS, self.node, (tag, preceding))
        return iter(self._view.several(found))

    def find(self, path: str) -> WatchedNode | None:
        """Give the first element at a path."""
        return self._view.one(self._view.ask(reads.FIND, self.node, path))

    def findall(self, path: str) -> list[WatchedNode]:
        """Give all elements at a path."""
        return self._view.several(self._view.ask(reads.FIND_ALL, self.node, path))

    def findtext(self, path: str, default: str | None = None) -> str | None:
        """Give the text of the first element at a path."""
        found = self.find(path)
        return default if found is None else found.text or ""

    def iterfind(self, path: str) -> Iterator[WatchedNode]:
        """Give all elements at a path."""
        return iter(self.findall(path))

    def iterchildren(self, tag: str = "*") -> Iterator[WatchedNode]:
        """Give what is inside, of that name."""
        return self.iterfind(tag) if tag != "*" else iter(self)

    def __iter__(self) -> Iterator[WatchedNode]:
        """Give what is inside."""
        return iter(self._view.several(self._view.ask(reads.CHILDREN, self.node)))

    def __len__(self) -> int:
        """Count what is inside."""
        count: int = self._view.ask(reads.COUNT, self.node)
        return count


class WatchedInside:
    """What stands in the elements at a path, by name: each name that is looked up is noted."""

    def __init__(self, view: WatchedView, path: str) -> None:
        self._view, self._path = view, path

    def get(self, tag: str, default: Any = None) -> Any:
        """Give the elements of one name."""
        found = self._view.ask(reads.INSIDE, None, (self._path, tag))
        return self._view.several(found) or default

    def __contains__(self, tag: str) -> bool:
        return bool(self.get(tag))

    def __getitem__(self, tag: str) -> list[WatchedNode]:
        found: list[WatchedNode] | None = self.get(tag)
        if found is None:
            raise KeyError(tag)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._view.ask(reads.TAGS_IN, None, self._path))

    def keys(self) -> list[str]:
        """Give all names."""
        return list(self)

    def values(self) -> list[list[WatchedNode]]:
        """Give the elements of each name."""
        return [self[tag] for tag in self]

    def items(self) -> list[tuple[str, list[WatchedNode]]]:
        """Give the names, each with its elements."""
        return [(tag, self[tag]) for tag in self]


class KeepingDomain(Domain):
    """A domain that keeps what it works out with its recorder, so that each user is charged."""

    def __init__(self, root: Any, world: World, recorder: Recorder, *, new: bool) -> None:
        self._recorder = recorder
        super().__init__(root, world, new=new)

    def _keep(self, name: Any, compute: Callable[[], T]) -> T:
        kept: T = self._recorder.keep(self, name, compute)
        return kept

    def within(self, kind: type[P], node: Node) -> P | None:
        """Give the first part of a class that stands right inside an element."""
        known = self._keep(("within", kind), lambda: self._first_within(kind))
        return known.get(node)

    def _first_within(self, kind: type[P]) -> dict[Node, P]:
        known: dict[Node, P] = {}
        for part in reversed(self.all(kind)):
            parent = part.node.getparent()
            if parent is not None:
                known[parent] = part
        return known

    def firsts(self, kind: type[P], attribute: str) -> Mapping[Any, P]:
        """Give the first part of a class for each value of one of its attributes."""

        def compute() -> dict[Any, P]:
            known: dict[Any, P] = {}
            for part in self.all(kind):
                known.setdefault(getattr(part, attribute), part)
            return known

        return self._keep(("firsts", kind, attribute), compute)

    def once(self, make: Callable[[Domain], T]) -> T:
        """Give what a function makes of the domain."""
        return self._keep(("once", make), lambda: make(self))


class WatchedDomain(KeepingDomain):
    """A domain of which each look is noted."""

    def __init__(self, view: WatchedView, root: Node, world: World, recorder: Recorder, *,
                 new: bool) -> None:  # fmt: skip
        self._view = view
        self._by_node: dict[type[Part], dict[Node, Part]] = {}
        super().__init__(view.at(root), world, recorder, new=new)

    def part(self, kind: type[P], node: Node) -> P:
        """Give the part of a class at an element: always the same."""
        known: Any = self._by_node.setdefault(kind, {})
        if node not in known:
            watched: Any = self._view.at(node)
            known[node] = kind(watched, self)
        part: P = known[node]
        return part

    def all(self, kind: type[P]) -> tuple[P, ...]:
        """Give the parts of a class in the order of the document."""
        return tuple([self.part(kind, node) for node in self._view.ask(reads.PARTS, None, kind)])

    def first(self, kind: type[P]) -> P | None:
        """Give the first part of a class."""
        node = self._view.ask(reads.FIRST, None, kind)
        return None if node is None else self.part(kind, node)

    def within(self, kind: type[P], node: Any) -> P | None:
        """Give the first part of a class that stands right inside an element."""
        found = self._view.ask(reads.WITHIN, node.node, kind)
        return None if found is None else self.part(kind, found)

    def find(self, path: str) -> list[Any]:
        """Give the elements at a path."""
        return self._view.several(self._view.ask(reads.AT_PATH, None, path))

    def inside(self, path: str) -> Any:
        """Give what stands in all elements at a path, by name."""
        return WatchedInside(self._view, path)
