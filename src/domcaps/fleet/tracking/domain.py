"""A domain whose texts are noted when a rule reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.language.domain import Domain
from domcaps.language.part import Part
from domcaps.validate.memo.tracked import DocumentView, TrackedNode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element as Node

    from domcaps.fleet.tracking.recorder import Recorder
    from domcaps.language.world import World

P = TypeVar("P", bound=Part)
T = TypeVar("T")


class WatchedView(DocumentView):
    """A document that notes in the open frame which texts it gives away."""

    def __init__(self, order: list[Node], recorder: Recorder) -> None:
        super().__init__(order, frozenset())
        self._recorder = recorder

    def above(self, node: Node) -> TrackedNode | None:
        """Give the element around another one, and note that it was given."""
        self._recorder.frame.outside = True
        return super().above(node)

    def value(self, node: Node, name: str, text: str) -> str:
        """Give a text, and note that it was given."""
        given = super().value(node, name, text)
        self._recorder.frame.texts[self._numbers[node], name] = text
        return given


class WatchedDomain(Domain):
    """A domain that keeps what it works out with its recorder, so that each user is charged."""

    def __init__(self, root: Any, world: World, recorder: Recorder, *, new: bool) -> None:
        self._recorder = recorder
        super().__init__(root, world, new=new)

    @property
    def root(self) -> Any:
        """The domain's element; who looks at it looks at the whole document."""
        self._recorder.frame.outside = True
        return self._whole

    @root.setter
    def root(self, root: Any) -> None:
        self._whole = root

    def _keep(self, name: Any, compute: Callable[[], T]) -> T:
        self._recorder.frame.outside = True
        kept: T = self._recorder.keep(self, name, compute)
        return kept

    def all(self, kind: type[P]) -> tuple[P, ...]:
        """Give the parts of a class in the order of the document."""
        made: Any = self._keep(("all", kind), lambda: self._made(kind))
        return made  # type: ignore[no-any-return]

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

    def inside(self, path: str) -> dict[str, list[Node]]:
        """Give what stands in all elements at a path, by name."""

        def compute() -> dict[str, list[Node]]:
            known: dict[str, list[Node]] = {}
            for parent in self._parents(path):
                for child in parent:
                    known.setdefault(child.tag, []).append(child)
            return known

        return self._keep(("inside", path), compute)
