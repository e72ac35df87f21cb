"""What remains to be looked at in documents that are built alike, learned from one of them.

Shapes (`memo.shapes`) settle the rules that look at one part alone. Many look further:
whether every device finds a slot is decided by all devices and their addresses. Programs that make
domains make many with the same *skeleton*: the same elements and attributes in the same places,
with other names, numbers and paths. So each rule is tried on a view of the whole document, and
the texts that it looks at are written down: together they are a *trace*, in the sense of
`domcaps.fresh`. In the next document of that skeleton the texts are compared first; where they are
the same, every rule that ended without a finding would do so again, and is not asked; what others
found is found again without them (see `memo.replays`).

Texts that differ from document to document (names, MAC addresses, paths) are hidden from the next
trial: rules that want to see them are asked about every document, and all others are settled
without them. A trial takes longer than a document: it is made for the second one of its kind.

Skeletons that were met last are kept, of all worlds together, within `MOST_BYTES`. What is equal in
two worlds takes memory once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.language.domain import Domain
from domcaps.named_tuples import NamedTuple
from domcaps.recent import Recent, shared
from domcaps.validate.document.parse import read
from domcaps.validate.document.repeated import take_repeated_away
from domcaps.validate.document.shape_ids import LONGEST_NAME, NO_SHAPE, names_of
from domcaps.validate.document.walk import DocumentWalk
from domcaps.validate.memo.guards import contents
from domcaps.validate.memo.replays import size_of
from domcaps.validate.memo.shapes import remaining_of
from domcaps.validate.memo.tracked import DocumentView, NotVisible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.world import World
    from domcaps.validate.checks import Checks, PartChecks
    from domcaps.validate.memo.guards import DomainGuards
    from domcaps.validate.memo.shapes import ShapeMemo
    from domcaps.validate.memo.tracked import Place

MOST_BYTES = 64 << 20
"""Memory for skeletons, by estimate: enough for more than 10,000 of usual domains."""

_MOST_ELEMENTS = 1000
ENOUGH = 1
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


class KnownSkeleton(NamedTuple):
    """A skeleton that was seen; `hidden` are the places whose texts are not the same in all.

    `first` is the first document of the skeleton, until the second one is compared with it.
    """

    trace: Trace | None = None
    hidden: frozenset[Place] = frozenset()
    trials: int = 0
    first: bytes = b""


UNTRIED = KnownSkeleton()
"""What is known of a skeleton at first."""

_Key = tuple[object, bool, tuple[str | int, ...]]
"""The world's identity, whether the domain is new, and the skeleton."""

skeletons: Recent[_Key, KnownSkeleton] = Recent(MOST_BYTES)
"""What is known of skeletons, in all worlds."""


class TraceMemo:
    """The skeletons that were seen in one world."""

    def __init__(self, world: World, shapes: ShapeMemo, guards: DomainGuards) -> None:
        self._world = world
        self._shapes = shapes
        self._guards = guards
        self._identity = object()

    def remaining(self, walk: DocumentWalk, *, new: bool) -> tuple[RemainingCheck, ...] | None:
        """Say what must be looked at in a document; None for all, where nothing is known of it."""
        key = self._identity, new, tuple(walk.skeleton)
        known = skeletons.get(key)
        if known is None:
            self._record(key, walk)
            return None
        hidden = known.hidden
        if known.trace is not None:
            differs = known.trace.differs(walk.order)
            if not differs:
                return known.trace.remaining
            hidden |= differs
        elif known.first:
            hidden |= _differing(known.first, walk)
        if known.trials >= _MOST_TRIALS:
            return None
        trace = self._try(walk, hidden, new=new)
        known = KnownSkeleton(trace, hidden, known.trials + 1)
        skeletons.put(_shared_key(key), known, _size(key, known))
        return trace.remaining

    def _record(self, key: _Key, walk: DocumentWalk) -> None:
        """Remember a skeleton that is met for the first time, of which everything is looked at."""
        skeleton = walk.skeleton
        if len(walk.order) > _MOST_ELEMENTS or NO_SHAPE in skeleton:
            return
        names = [item for item in skeleton if item.__class__ is str]
        if max(map(len, names), default=0) <= LONGEST_NAME:
            seen = KnownSkeleton(first=walk.data) if walk.data else UNTRIED
            skeletons.put(_shared_key(key), seen, _size(key, seen))

    def _try(self, walk: DocumentWalk, hidden: frozenset[Place], *, new: bool) -> Trace:
        shown = DocumentView(walk.order, hidden)
        remaining = tuple(self._remaining(walk, shown, new=new))
        reads = shown.reads.items()
        attributes = tuple([_same((*place, text)) for place, text in reads if place[1]])
        texts = tuple([_same((number, text)) for (number, name), text in reads if not name])
        return Trace(attributes, texts, shared(remaining))

    def _remaining(
        self, walk: DocumentWalk, shown: DocumentView, *, new: bool
    ) -> Iterator[RemainingCheck]:
        world = self._world.again()
        root: Any = shown.root
        domain = Domain(root, world, new=new)
        there = contents(walk.order[0], (part_checks.kind for part_checks in walk.nodes))
        for part_checks in walk.part_checks(world.target.dialect):
            try:
                parts = domain.all(part_checks.kind)
            except NotVisible:
                yield RemainingCheck(part_checks, None, part_checks.checks)
                continue
            for index, part in enumerate(parts):
                stand: Any = part.node
                if part_checks.kind.path:
                    known = self._shapes.at_first(stand.node, part_checks, walk)
                else:
                    known = self._guards.remaining(part_checks, there)
                checks = remaining_of(known, part, world, shown.numbers)
                if checks.fields or checks.required or checks.rules:
                    yield RemainingCheck(part_checks, index, checks)


def _differing(first: bytes, walk: DocumentWalk) -> frozenset[Place]:
    """Give the places whose texts are others in the first document of a skeleton.

    They are hidden from the first trial, which would be made again otherwise.
    """
    root = read(first).root
    take_repeated_away(root)
    order = DocumentWalk(root).order
    if len(order) != len(walk.order):
        return frozenset()
    places: list[Place] = []
    for number, (one, other) in enumerate(zip(order, walk.order, strict=True)):
        places += [(number, name) for name in names_of(one) if one.get(name) != other.get(name)]
        if one.text != other.text:
            places.append((number, ""))
    return frozenset(places)


_Read = TypeVar("_Read", tuple[int, str], tuple[int, str, str])


def _same(read: _Read) -> _Read:
    """Share what was read where it is short: long texts are few, and seldom equal."""
    return shared(read) if len(read[-1]) <= LONGEST_NAME else read


def _shared_key(key: _Key) -> _Key:
    """Give a key whose skeleton takes memory once, whatever worlds it is known in."""
    identity, new, skeleton = key
    return identity, new, shared(skeleton)


def _size(key: _Key, known: KnownSkeleton) -> int:
    """Estimate the bytes that a skeleton takes, as if nothing of it were shared."""
    size = 400 + 16 * len(key[2]) + 100 * len(known.hidden) + len(known.first)
    if known.trace is not None:
        size += sum([150 + len(text) for _, _, text in known.trace.attributes])
        size += sum([150 + len(text) for _, text in known.trace.texts])
        size += sum([100 + size_of(one.checks.rules) for one in known.trace.remaining])
    return size
