"""Tracked nodes: elements of lxml in form, which give away only what may be looked at.

A rule is tried on them to learn what it looks at: `ShapeView` gives away shapes alone (see
`document.shape_ids`), `DocumentView` the texts of a whole document as well, and notes which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.patterns import late_pattern
from domcaps.validate.document.shape_ids import TELLING, names_of
from domcaps.validate.document.walk import NO_VALUES, domain_position, position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.validate.document.walk import SchemaPosition

T = TypeVar("T")

_STEPS = late_pattern(r"(?:(?:\{[^}]*\})?[\w-]+|\*)(?:/(?:(?:\{[^}]*\})?[\w-]+|\*))*")
"""A path of names and ``*``, as far as tracked nodes can follow it."""
_STEP = late_pattern(r"(?:\{[^}]*\})?[^/{}]+")

Place = tuple[int, str]
"""The number of an element and the name of an attribute, "" for its text."""


class NotVisible(BaseException):
    """A rule wants to see more than it is shown; nothing in it must stop this."""


class ShapeView:
    """One tracked node for each element."""

    def __init__(self) -> None:
        self._made: dict[Node, TrackedNode] = {}

    def at(self, node: Node, position: SchemaPosition | None) -> TrackedNode:
        """Give the tracked node of an element; its position tells which of its values count."""
        made = self._made.get(node)
        if made is None:
            made = self._made[node] = TrackedNode(self, node, position)
        return made

    def above(self, node: Node) -> TrackedNode | None:
        """Give the tracked node of the element around another one, which is not in its shape."""
        raise NotVisible(node.tag)

    def value(self, node: Node, name: str, text: str) -> str:  # noqa: ARG002 - others look
        """Give a text that is not in the shape."""
        raise NotVisible(name)


class DocumentView(ShapeView):
    """A whole document: `reads` are the texts that were given away; those in `hidden` are not.

    Elements have the `numbers` that they have in `order`.
    """

    def __init__(self, order: list[Node], hidden: frozenset[Place]) -> None:
        super().__init__()
        self.reads: dict[Place, str] = {}
        self.numbers = {node: number for number, node in enumerate(order)}
        self._hidden = hidden
        self.root = self.at(order[0], domain_position())

    def above(self, node: Node) -> TrackedNode | None:
        """Give the tracked node of the element around another one."""
        parent = node.getparent()
        return None if parent is None else self.at(parent, position_of(parent))

    def value(self, node: Node, name: str, text: str) -> str:
        """Give a text, and note that it was given."""
        number = self.numbers.get(node)
        if number is None or (number, name) in self._hidden:
            raise NotVisible(name)
        self.reads[number, name] = text
        return text


class TrackedNode:
    """An element as far as it is shown; anything else is hidden.

    `node` is the element itself, for the view that made this node.
    """

    def __init__(self, shown: ShapeView, node: Node, position: SchemaPosition | None) -> None:
        self._shown = shown
        self.node = node
        self._position = position
        self._inside: list[TrackedNode] | None = None

    def __getattr__(self, name: str) -> Any:
        raise NotVisible(name)

    @property
    def tag(self) -> Any:
        """The element's name."""
        return self.node.tag

    @property
    def text(self) -> str | None:
        """The text, where there is none or it counts."""
        text = self.node.text
        if not text or (self._position is not None and text in self._position.texts):
            return text
        return self._shown.value(self.node, "", text)

    def told(self, tell: Callable[[str], T]) -> T:
        """Give what a function makes of the text."""
        return tell(self.text or "")

    def told_by(self, name: str, tell: Callable[[str], T]) -> T:
        """Give what a function makes of an attribute."""
        return tell(self.get(name) or "")

    def keys(self) -> list[str]:
        """Give the names of the attributes."""
        return names_of(self.node)

    def get(self, name: str, default: Any = None) -> Any:
        """Give an attribute, where it is absent or its value counts."""
        text = self.node.get(name)
        if text is None:
            return default
        few = NO_VALUES if self._position is None else self._position.values.get(name, NO_VALUES)
        if name in TELLING or text in few:
            return text
        return self._shown.value(self.node, name, text)

    def getparent(self) -> TrackedNode | None:
        """Give the element around it."""
        return self._shown.above(self.node)

    def find(self, path: str) -> TrackedNode | None:
        """Give the first element at a path."""
        return next(self.iterfind(path), None)

    def findall(self, path: str) -> list[TrackedNode]:
        """Give all elements at a path."""
        return list(self.iterfind(path))

    def findtext(self, path: str, default: str | None = None) -> str | None:
        """Give the text of the first element at a path."""
        found = self.find(path)
        return default if found is None else found.text or ""

    def iterfind(self, path: str) -> Iterator[TrackedNode]:
        """Give all elements at a path."""
        if not _STEPS.fullmatch(path):
            raise NotVisible(path)
        found = [self]
        for step in _STEP.findall(path):
            found = [inner for stand in found for inner in stand.iterchildren(step)]
        return iter(found)

    def iterchildren(self, tag: str = "*") -> Iterator[TrackedNode]:
        """Give what is inside, of that name."""
        inside, position = self._inside, self._position
        if inside is None:
            positions = [
                (n, None if position is None else position.enter(str(n.tag))) for n in self.node
            ]
            inside = self._inside = [self._shown.at(*one) for one in positions]
        return iter(inside if tag == "*" else [one for one in inside if one.node.tag == tag])

    def __iter__(self) -> Iterator[TrackedNode]:
        """Give what is inside."""
        return self.iterchildren()

    def __len__(self) -> int:
        """Count what is inside."""
        return len(self.node)
