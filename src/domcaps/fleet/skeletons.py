"""What checks found in documents of one structure, by the values that they read there.

A *skeleton* is a structure together with its telling values. For each part of it is noted what its
shape decides, and for each check that reads more, a tree of the values that it read. So a document
of a known skeleton is judged by a look at a few of its values, without being parsed. Only a check
that meets a new value is made, or looked up among its traces.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.answering import VerdictPlan, placed
from domcaps.fleet.forms import form_of
from domcaps.fleet.judging import matters
from domcaps.fleet.reused_walk import WalkNumbers
from domcaps.language.value_types import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.fleet.answering import Placed
    from domcaps.fleet.forms import DocumentForm, SplitDocument
    from domcaps.fleet.hosts import WorldTable
    from domcaps.fleet.judging import Judge, Looks, PartCheck, PlacedPart
    from domcaps.fleet.units import UnitOutcome

_MOST_FORMS = 12_000
_MOST_MET = 200_000
_MOST_STATES = 200
_MOST_VALUES = 64
"""Combinations of values that are kept of one check of a part; with others it is made alone."""

_RARELY = 16
"""Where no more are kept, one in so many new ones takes the place of the oldest."""


class OpenDocument(NamedTuple):
    """A document that was parsed, because a check must see it."""

    looks: Looks
    nodes: list[Node]
    numbers: dict[Node, int]

    @classmethod
    def of(cls, looks: Looks) -> OpenDocument:
        """Open the document of some looks."""
        nodes = list(looks.reads.root.iter())
        return cls(looks, nodes, {node: number for number, node in enumerate(nodes)})

    def inside(self, node: Node | None) -> list[int]:
        """Give the numbers of an element and of all in it."""
        return [-1] if node is None else [self.numbers[one] for one in node.iter()]


class _Branch:
    """A value that a check read, and where each of those that were met leads to."""

    __slots__ = ("known", "slot")

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.known: dict[str, Any] = {}


NOTHING = ("nothing",)
"""Stands for a check that finds nothing on any host, whatever it reads of them."""


class CheckMemo:
    """What one check of one part found, by values.

    Where `slot` is one, a value of the right form there is enough to find nothing.
    """

    __slots__ = ("check", "count", "kind", "root", "slot")

    def __init__(self, check: PartCheck, slot: int | None) -> None:
        self.check = check
        self.slot = slot
        declared: Any = check.declared
        self.kind: Any = None if slot is None else declared.kind
        self.root: Any = None
        self.count = 0

    def find(self, values: tuple[str, ...]) -> Any:
        """Give what is known for some values, None where that is nothing."""
        if self.slot is not None and fits(self.kind, values[self.slot]):
            return NOTHING
        at = self.root
        while at.__class__ is _Branch:
            at = at.known.get(values[at.slot])
        return at

    def keep(self, slots: list[int], values: tuple[str, ...], found: Any) -> None:
        """Keep what is found where these slots have these values."""
        self.count += 1
        if not slots:
            self.root = found
            return
        if self.root.__class__ is not _Branch or self.root.slot != slots[0]:
            self.root = _Branch(slots[0])
        at = self.root
        for slot, following in zip(slots, (*slots[1:], None), strict=True):
            value = values[slot]
            inner = at.known.get(value)
            if following is None:
                at.known[value] = found
            elif inner.__class__ is not _Branch or inner.slot != following:
                inner = at.known[value] = _Branch(following)
            at = inner


class _PartState:
    """What is known of a part of one shape."""

    __slots__ = ("fixed", "memos")

    def __init__(self, fixed: tuple[Placed, ...], memos: list[CheckMemo]) -> None:
        self.fixed = fixed
        self.memos = memos

    def settle(self) -> None:
        """Take those checks as done that read no value."""
        done = [memo.root for memo in self.memos if memo.root.__class__ is tuple]
        if done:
            self.fixed += tuple(found for found in done if found is not NOTHING)
            self.memos = [memo for memo in self.memos if memo.root.__class__ is not tuple]


class _PartMemo:
    """One part of a skeleton: `number` is that of its element."""

    __slots__ = ("key", "number", "part", "states")

    def __init__(self, part: PlacedPart, number: int, slots: tuple[int, ...]) -> None:
        self.part = part
        self.number = number
        self.key: Callable[[tuple[str, ...]], Any] = itemgetter(*slots) if slots else _always
        self.states: dict[Any, _PartState] = {}


def _always(_: tuple[str, ...]) -> None:
    return None


class Skeleton:
    """The documents of one structure and telling values; `everywhere` is found on all hosts."""

    def __init__(
        self, form: DocumentForm, table: WorldTable, everywhere: UnitOutcome, judge: Judge,
        opened: OpenDocument,
    ) -> None:  # fmt: skip
        self.table, self.everywhere = table, everywhere
        self._form, self._judge = form, judge
        walk, numbers = opened.looks.document.walk, opened.numbers
        self.walk = WalkNumbers(
            {kind: [numbers[node] for node in nodes] for kind, nodes in walk.nodes.items()},
            [numbers[node] for node in walk.order],
        )
        self._parts = [self._memo_of(part, opened) for part in judge.parts(opened.looks)]

    def _memo_of(self, part: PlacedPart, opened: OpenDocument) -> _PartMemo:
        # what stands for the whole domain has no shape
        is_whole = part.node is opened.looks.reads.root
        slots = () if is_whole else self._form.in_shape(opened.inside(part.node))
        return _PartMemo(part._replace(node=None), opened.numbers[part.node], slots)

    def plan(self, values: tuple[str, ...], parse: Callable[[], OpenDocument]) -> VerdictPlan:
        """Give all that verdicts on the document with these values follow from."""
        return VerdictPlan(self.table.wanted, self.everywhere, self._results(values, parse))

    def _results(
        self, values: tuple[str, ...], parse: Callable[[], OpenDocument]
    ) -> tuple[Placed, ...]:
        """Give what is found, where anything is or may be on other hosts."""
        found: list[Placed] = []
        for memo in self._parts:
            state = memo.states.get(memo.key(values))
            if state is None:
                found += self._new_state(memo, values, parse())
                continue
            found += state.fixed
            for one in state.memos:
                known = one.find(values)
                if known is None:
                    known = self._found(one, memo, values, parse())
                if known is not NOTHING:
                    found.append(known)
        return tuple(found)

    def _new_state(
        self, memo: _PartMemo, values: tuple[str, ...], opened: OpenDocument
    ) -> list[Placed]:
        part = memo.part._replace(node=opened.nodes[memo.number])
        settled = self._judge.settled(part, opened.looks)
        memos = [
            CheckMemo(check, self._slot_of(check, part.node, opened))
            for check in settled.left
            if not check.is_decided(part.node)
        ]
        fixed = tuple((partition, part.order, None) for partition in settled.partitions)
        state = _PartState(fixed, memos)
        found = [self._found(one, memo, values, opened) for one in memos]
        state.settle()
        if len(memo.states) >= _MOST_STATES:
            memo.states.clear()
        memo.states[memo.key(values)] = state
        return [*fixed, *(one for one in found if one is not NOTHING)]

    def _slot_of(self, check: PartCheck, node: Node, opened: OpenDocument) -> int | None:
        """Give the slot of a field of which the form alone counts."""
        holder = check.holder(node)
        if holder is None:
            return None
        declared: Any = check.declared
        return self._form.slots.get((opened.numbers[holder], declared.attribute))

    def _found(
        self, one: CheckMemo, memo: _PartMemo, values: tuple[str, ...], opened: OpenDocument
    ) -> Any:
        """Look a check up among its traces, or make it, and keep what is found by its values."""
        node = opened.nodes[memo.number]
        if one.slot is not None and fits(one.kind, values[one.slot]):
            return NOTHING
        part = memo.part._replace(node=node)
        if one.count >= _MOST_VALUES:
            judged, trail = self._judge.alone(one.check, part, opened.looks), None
        else:
            judged, trail = self._judge.judge(one.check, part, opened.looks)
        known: Any = NOTHING
        if matters(judged.partition):
            known = placed(judged, opened.looks.document)
        slots: dict[int, None] | None = None if trail is None else {}
        for operation, at, argument in trail or ():
            read = self._form.read_by(operation, opened.inside(at), argument)
            if read is None or slots is None:
                slots = None
                break
            slots.update(dict.fromkeys(read))
        if trail is None:
            # what was made alone twice has values that are not worth a look at traces
            one.count += _MOST_VALUES // 2
        elif slots is not None:
            one.keep(list(slots), values, known)
        return known


class Skeletons:
    """The skeletons of an engine, by structure and telling values."""

    def __init__(self) -> None:
        self._forms: dict[tuple[str, ...], tuple[DocumentForm | None, dict[Any, Skeleton]]] = {}
        self._met: set[int] = set()
        self._refused = 0

    def known(self, document: SplitDocument) -> Skeleton | None:
        """Give the skeleton of a document."""
        form, skeletons = self._forms.get(document.structure, (None, {}))
        return None if form is None else skeletons.get(_telling(form, document.values))

    def form(self, document: SplitDocument, root: Node) -> DocumentForm | None:
        """Give the form of a document whose structure was met before."""
        known = self._forms.get(document.structure)
        if known is None:
            if not self._is_met_again(document.structure) or not self._has_room():
                return None
            known = self._forms[document.structure] = (form_of(document, root), {})
        return known[0]

    def add(self, document: SplitDocument, skeleton: Skeleton) -> None:
        """Keep a skeleton."""
        form, skeletons = self._forms[document.structure]
        if form is not None:
            if len(skeletons) >= _MOST_STATES:
                skeletons.pop(next(iter(skeletons)))
            skeletons[_telling(form, document.values)] = skeleton

    def _is_met_again(self, structure: tuple[str, ...]) -> bool:
        number = hash(structure)
        if number in self._met:
            return True
        if len(self._met) >= _MOST_MET:
            self._met.clear()
        self._met.add(number)
        return False

    def _has_room(self) -> bool:
        if len(self._forms) < _MOST_FORMS:
            return True
        self._refused += 1
        if self._refused % _RARELY:
            return False
        self._forms.pop(next(iter(self._forms)))
        return True


def _telling(form: DocumentForm, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([values[slot] for slot in form.telling])
