"""What remains to be looked at in documents that are built alike, learned from one of them.

Shapes (`memo.shapes`) settle the rules that look at one part alone. Many look further:
whether every device finds a slot is decided by all devices and their addresses. Programs that make
domains make many with the same *skeleton*: the same elements and attributes in the same places,
with other names, numbers and paths. So each rule is tried on a view of the whole document, and
the texts that it looks at are written down: together they are a *trace*, in the sense of
`domcaps.fresh`. In the next document of that skeleton the texts are compared first; where they are
the same, every rule that ended without a finding would do so again, and is not asked.

Texts that differ from document to document (names, MAC addresses, paths) are hidden from the next
trial: rules that want to see them are asked about every document, and all others are settled
without them. A trial takes as long as a few documents: it is made when some of its kind were seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.language.domain import Domain
from domcaps.validate.document.shape_ids import LONGEST_NAME, NO_SHAPE
from domcaps.validate.memo.shapes import remaining_of
from domcaps.validate.memo.tracked import DocumentView, NotVisible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.world import World
    from domcaps.validate.checks import Checks, PartChecks
    from domcaps.validate.document.walk import DocumentWalk
    from domcaps.validate.memo.shapes import ShapeMemo
    from domcaps.validate.memo.tracked import Place

_MOST_SKELETONS = 500
_MOST_ELEMENTS = 1000
ENOUGH = 2
"""So many documents of a skeleton come before a trial."""

_MOST_TRIALS = 10
"""Documents of a skeleton that may hide more texts; then it is what it is."""


class RemainingCheck(NamedTuple):
    """Checks of one part, or of all parts of a class where `which` is None."""

    part_checks: PartChecks
    which: int | None
    checks: Checks


class Trace(NamedTuple):
    """The texts that decided, by the numbers of their elements, and what they left to look at."""

    attributes: tuple[tuple[int, str, str], ...]
    texts: tuple[tuple[int, str], ...]
    remaining: tuple[RemainingCheck, ...]

    def differs(self, order: list[Node]) -> frozenset[Place]:
        """Give the places whose text is another one in a document of the same skeleton."""
        walk: list[Place] = [
            (number, name) for number, name, text in self.attributes
            if order[number].get(name) != text
        ]  # fmt: skip
        walk += [(number, "") for number, text in self.texts if order[number].text != text]
        return frozenset(walk)


class _Known(NamedTuple):
    """A skeleton that was seen; `hidden` are the places whose texts are not the same in all."""

    seen: int = 1
    trace: Trace | None = None
    hidden: frozenset[Place] = frozenset()
    trials: int = 0


class TraceMemo:
    """The skeletons that were seen in one world."""

    def __init__(self, world: World, shapes: ShapeMemo) -> None:
        self._world = world
        self._shapes = shapes
        self._known: dict[tuple[str | int, ...], _Known] = {}

    def remaining(self, walk: DocumentWalk, *, new: bool) -> tuple[RemainingCheck, ...] | None:
        """Say what must be looked at in a document; None for all, where nothing is known of it."""
        key = (new, *walk.skeleton)
        known = self._known.get(key)
        if known is None or known.seen < ENOUGH:
            return None
        hidden = known.hidden
        if known.trace is not None:
            differs = known.trace.differs(walk.order)
            if not differs:
                return known.trace.remaining
            hidden |= differs
        if known.trials >= _MOST_TRIALS:
            return None
        trace = self._try(walk, hidden, new=new)
        self._known[key] = _Known(ENOUGH, trace, hidden, known.trials + 1)
        return trace.remaining

    def record(self, walk: DocumentWalk, *, new: bool) -> None:
        """Remember a skeleton, of which everything was looked at: when some came, it is tried."""
        skeleton = walk.skeleton
        key = (new, *skeleton)
        known = self._known.get(key)
        if known is not None:
            self._known[key] = known._replace(seen=min(known.seen + 1, ENOUGH))
            return
        names = (item for item in skeleton if isinstance(item, str))
        if len(walk.order) > _MOST_ELEMENTS or NO_SHAPE in skeleton:
            return
        if all(len(name) <= LONGEST_NAME for name in names):
            if len(self._known) >= _MOST_SKELETONS:
                self._known.clear()
            self._known[key] = _Known()

    def _try(self, walk: DocumentWalk, hidden: frozenset[Place], *, new: bool) -> Trace:
        shown = DocumentView(walk.order, hidden)
        remaining = tuple(self._remaining(walk, shown, new=new))
        attributes = ((*place, text) for place, text in shown.reads.items() if place[1])
        texts = ((number, text) for (number, name), text in shown.reads.items() if not name)
        return Trace(tuple(attributes), tuple(texts), remaining)

    def _remaining(
        self, walk: DocumentWalk, shown: DocumentView, *, new: bool
    ) -> Iterator[RemainingCheck]:
        world = self._world.again()
        root: Any = shown.root
        domain = Domain(root, world, new=new)
        for part_checks in walk.part_checks(world.target.dialect):
            try:
                parts = domain.all(part_checks.kind)
            except NotVisible:
                yield RemainingCheck(part_checks, None, part_checks.checks)
                continue
            for index, part in enumerate(parts):
                stand: Any = part.node
                known = self._shapes.remaining(stand.node, part_checks, walk.shape_of(stand.node))
                checks = remaining_of(known, part, world)
                if checks.fields or checks.required or checks.rules:
                    yield RemainingCheck(part_checks, index, checks)
