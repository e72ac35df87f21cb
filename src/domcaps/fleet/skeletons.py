"""What checks found in documents of one structure, by the values that they read there.

A *skeleton* is a structure together with its telling values. For each part of it is noted what its
shape decides, and for each check that reads more, a tree of the values that it read. So a document
of a known skeleton is judged by a look at a few of its values, without being parsed. Only a check
that meets a new value is made, or looked up among its traces.

What a check found that reads nothing outside of its part is shared by all parts that look alike, in
documents of any skeleton.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.answering import placed, plan_of
from domcaps.fleet.check_memos import NOTHING, CheckMemo
from domcaps.fleet.forms import form_of
from domcaps.fleet.judging import matters
from domcaps.fleet.reused_walk import WalkNumbers
from domcaps.fleet.tracking.reads import is_downward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.fleet.answering import Placed, VerdictPlan
    from domcaps.fleet.forms import DocumentForm, Read, SplitDocument
    from domcaps.fleet.hosts import WorldTable
    from domcaps.fleet.judging import CheckResult, Judge, Looks, PartCheck, PlacedPart
    from domcaps.fleet.tracking.recorder import Asked
    from domcaps.fleet.units import UnitOutcome

    Values = tuple[str, ...]

_MOST_FORMS = 12_000
_MOST_MET = 200_000
_MOST_STATES = 200
_MOST_SHARED = 50_000

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


class SharedPart:
    """What is known of parts that look alike: `memos` have slots and elements of the part alone."""

    __slots__ = ("memos", "partitions")

    def __init__(self, partitions: tuple[Any, ...], memos: list[CheckMemo]) -> None:
        self.partitions = partitions
        self.memos = memos


class _PartState:
    """What is known of a part of one shape.

    `fixed` is found whatever the values are, `inside` are checks that read the part alone, and are
    shared, `others` those that read more.
    """

    __slots__ = ("fixed", "inside", "others")

    def __init__(
        self, fixed: tuple[Placed, ...], inside: Iterable[CheckMemo], others: Iterable[CheckMemo]
    ) -> None:
        self.fixed = fixed
        self.inside, self.others = tuple(inside), tuple(others)

    def settle(self) -> None:
        """Take those checks as done that read no value."""
        done = [found for one in self.others if (found := one.settled) is not None]
        if done:
            self.fixed += tuple(found for found in done if found is not NOTHING)
            self.others = tuple(one for one in self.others if one.settled is None)


class _PartMemo:
    """One part of a skeleton: `number` is that of its element, `alike` names parts that look alike.

    `first` and `end` are the slots of its values; None stands for a part that shares nothing.
    """

    __slots__ = ("alike", "end", "first", "key", "number", "part", "states")

    def __init__(self, part: PlacedPart, number: int, shape: tuple[int, ...]) -> None:
        self.part = part
        self.number = number
        self.key: Callable[[Values], Any] = itemgetter(*shape) if shape else _always
        self.states: dict[Any, _PartState] = {}
        self.alike: Any = None
        self.first = self.end = 0


def _always(_: Values) -> None:
    return None


class Skeleton:
    """The documents of one structure and telling values; `everywhere` is found on all hosts."""

    def __init__(
        self, form: DocumentForm, table: WorldTable, everywhere: UnitOutcome, judge: Judge,
        opened: OpenDocument, shared: dict[Any, SharedPart],
    ) -> None:  # fmt: skip
        self.table, self.everywhere = table, everywhere
        self._form, self._judge, self._shared = form, judge, shared
        walk, numbers = opened.looks.document.walk, opened.numbers
        self.walk = WalkNumbers(
            {kind: [numbers[node] for node in nodes] for kind, nodes in walk.nodes.items()},
            [numbers[node] for node in walk.order],
        )
        # the numbers that findings have, by those of elements
        self._places = [opened.looks.document.number_of(node) for node in opened.nodes]
        self._parts = [self._memo_of(part, opened) for part in judge.parts(opened.looks)]

    def _memo_of(self, part: PlacedPart, opened: OpenDocument) -> _PartMemo:
        number = opened.numbers[part.node]
        # what stands for the whole domain has no shape
        is_whole = part.node is opened.looks.reads.root
        shape = () if is_whole else self._form.in_shape(number)
        memo = _PartMemo(part._replace(node=None), number, shape)
        if not is_whole:
            alike = self._form.alike(number)
            memo.alike = None if alike is None else (part.part_checks, self.table.number, alike)
            memo.first, memo.end = self._form.slots_in(number)
        return memo

    def plan(self, values: Values, parse: Callable[[], OpenDocument]) -> VerdictPlan:
        """Give all that verdicts on the document with these values follow from."""
        return plan_of(self.table.wanted, self.everywhere, self._results(values, parse))

    def _results(self, values: Values, parse: Callable[[], OpenDocument]) -> tuple[Placed, ...]:
        """Give what is found, where anything is or may be on other hosts."""
        found: list[Placed] = []
        for memo in self._parts:
            state = memo.states.get(memo.key(values))
            if state is None:
                state = self._new_state(memo, values, parse())
                found += self._of_state(state, memo, values, parse)
                state.settle()
            else:
                found += self._of_state(state, memo, values, parse)
        return tuple(found)

    def _of_state(
        self, state: _PartState, memo: _PartMemo, values: Values,
        parse: Callable[[], OpenDocument],
    ) -> list[Placed]:  # fmt: skip
        found = [*state.fixed]
        # what turns out to read more than its part goes from one to the other
        inside, others = state.inside, state.others
        if inside:
            own = values[memo.first : memo.end]
            for one in inside:
                known = one.find(own)
                if known is None:
                    known = self._found_inside(one, state, memo, values, parse())
                elif known is not NOTHING:
                    known = self._placed(known, memo)
                if known is not NOTHING:
                    found.append(known)
        for one in others:
            known = one.find(values)
            if known is None:
                known = self._found(one, memo, values, parse())
            if known is not NOTHING:
                found.append(known)
        return found

    def _new_state(self, memo: _PartMemo, values: Values, opened: OpenDocument) -> _PartState:
        shared = self._shared_part(memo, values, opened)
        fixed: list[Placed] = [(one, memo.part.order, None) for one in shared.partitions]
        inside, others = [], []
        node = opened.nodes[memo.number]
        for one in shared.memos:
            if one.settled is not None:
                fixed += [] if one.settled is NOTHING else [self._placed(one.settled, memo)]
            elif one.is_outside or memo.alike is None:
                others.append(CheckMemo(one.check, self._slot_of(one.check, node, opened)))
            else:
                inside.append(one)
        if len(memo.states) >= _MOST_STATES:
            memo.states.clear()
        state = memo.states[memo.key(values)] = _PartState(tuple(fixed), inside, others)
        return state

    def _shared_part(self, memo: _PartMemo, values: Values, opened: OpenDocument) -> SharedPart:
        """Give what parts share that look as this one; those that share nothing have their own."""
        key = None if memo.alike is None else (memo.alike, memo.key(values))
        known = self._shared.get(key)
        if known is None:
            known = self._make_shared(memo, opened)
            if key is not None:
                if len(self._shared) >= _MOST_SHARED:
                    self._shared.clear()
                self._shared[key] = known
        return known

    def _make_shared(self, memo: _PartMemo, opened: OpenDocument) -> SharedPart:
        part = memo.part._replace(node=opened.nodes[memo.number])
        if memo.alike is None:
            # no other skeleton has its shape; what this one decides is settled with its first state
            settled = self._judge.unsettled(part)
        else:
            settled = self._judge.settled(part, opened.looks)
        memos = []
        for check in settled.left:
            if not check.is_decided(part.node):
                slot = self._slot_of(check, part.node, opened)
                memos.append(CheckMemo(check, None if slot is None else slot - memo.first))
        return SharedPart(settled.partitions, memos)

    def _slot_of(self, check: PartCheck, node: Node, opened: OpenDocument) -> int | None:
        """Give the slot of a field of which the form alone counts."""
        holder = check.holder(node)
        if holder is None:
            return None
        declared: Any = check.declared
        return self._form.slots.get((opened.numbers[holder], declared.attribute))

    def _placed(self, found: Placed, memo: _PartMemo) -> Placed:
        """Give a shared result with its place in this document."""
        partition, is_rule, elements = found
        order = memo.part.order | is_rule
        if elements is None:
            return partition, order, None
        first, places = memo.number, self._places
        return partition, order, tuple([(h, places[first + number]) for h, number in elements])

    def _found_inside(
        self, one: CheckMemo, state: _PartState, memo: _PartMemo, values: Values,
        opened: OpenDocument,
    ) -> Any:  # fmt: skip
        """Make a check, or look it up, and keep what is found for all parts that look alike."""
        judged, trail = self._judged(one, memo, opened)
        known = self._known(judged, opened)
        if trail is None:
            return known
        slots = self._read_inside(trail, memo, opened)
        shared = known if known is NOTHING else self._shareable(judged, memo, opened)
        if slots is not None and shared is not None:
            one.keep(slots, values[memo.first : memo.end], shared)
            return known
        one.is_outside = True
        state.inside = tuple(other for other in state.inside if other is not one)
        node = opened.nodes[memo.number]
        moved = CheckMemo(one.check, self._slot_of(one.check, node, opened))
        state.others = (*state.others, moved)
        self._keep(moved, trail, values, known, opened)
        return known

    def _found(self, one: CheckMemo, memo: _PartMemo, values: Values, opened: OpenDocument) -> Any:
        """Make a check, or look it up among its traces, and keep what is found by its values."""
        judged, trail = self._judged(one, memo, opened)
        known = self._known(judged, opened)
        if trail is not None:
            self._keep(one, trail, values, known, opened)
        return known

    def _judged(
        self, one: CheckMemo, memo: _PartMemo, opened: OpenDocument
    ) -> tuple[CheckResult, list[Asked] | None]:
        part = memo.part._replace(node=opened.nodes[memo.number])
        if one.is_full:
            return self._judge.alone(one.check, part, opened.looks), None
        judged, trail = self._judge.judge(one.check, part, opened.looks)
        if trail is None:
            one.forgo()
        return judged, trail

    @staticmethod
    def _known(judged: CheckResult, opened: OpenDocument) -> Any:
        return placed(judged, opened.looks.document) if matters(judged.partition) else NOTHING

    def _keep(
        self, one: CheckMemo, trail: list[Asked], values: Values, known: Any, opened: OpenDocument
    ) -> None:
        slots = list(self._read(trail, opened))
        if None not in slots:
            one.keep(list(dict.fromkeys(slots)), values, known)

    def _read(self, trail: list[Asked], opened: OpenDocument) -> Iterator[Any]:
        """Give the slots that operations read, None for an operation of which that is not known."""
        for operation, at, argument in trail:
            number = -1 if at is None else opened.numbers[at]
            read = self._form.read_by(operation, number, argument)
            yield from (None,) if read is None else read

    def _read_inside(
        self, trail: list[Asked], memo: _PartMemo, opened: OpenDocument
    ) -> list[Read] | None:
        """Give the slots within a part that operations read, None where they read more."""
        elements = self._form.inside(memo.number)
        for operation, at, argument in trail:
            if at is None or opened.numbers[at] not in elements:
                return None
            if not is_downward(operation, argument):
                return None
        found: list[Read] = []
        for read in dict.fromkeys(self._read(trail, opened)):
            slot, tell = read if isinstance(read, tuple) else (read, None)
            if slot is None or not memo.first <= slot < memo.end:
                return None
            own = slot - memo.first
            found.append(own if tell is None else (own, tell))
        return found

    def _shareable(
        self, judged: CheckResult, memo: _PartMemo, opened: OpenDocument
    ) -> Placed | None:
        """Give a result by the elements of its part alone, None where it is about others."""
        partition, order, elements = judged
        is_rule = order & 1
        if not partition.has_findings:
            return partition, is_rule, None
        if elements is None:
            return None
        nodes: Any = elements
        found = [(handle, opened.numbers[nodes[handle]]) for handle in partition.handles]
        inside = self._form.inside(memo.number)
        if not all(number in inside for _, number in found):
            return None
        return partition, is_rule, tuple([(handle, n - memo.number) for handle, n in found])


class Skeletons:
    """The skeletons of an engine, by structure and telling values; `shared` are their parts."""

    def __init__(self) -> None:
        self._forms: dict[tuple[str, ...], tuple[DocumentForm | None, dict[Any, Skeleton]]] = {}
        self._met: set[int] = set()
        self._refused = 0
        self.shared: dict[Any, SharedPart] = {}

    def known(self, document: SplitDocument) -> Skeleton | None:
        """Give the skeleton of a document."""
        form, skeletons = self._forms.get(document.structure, (None, {}))
        return None if form is None else skeletons.get(_telling(form, document.values))

    def form(self, document: SplitDocument, root: Node) -> DocumentForm | None:
        """Give the form of a document, None where no more forms are kept."""
        known = self._forms.get(document.structure)
        if known is None:
            if not self._has_room(document.structure):
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

    def _has_room(self, structure: tuple[str, ...]) -> bool:
        if len(self._forms) < _MOST_FORMS:
            return True
        # an old one makes room for one that was met twice
        if not self._is_met_again(structure):
            return False
        self._refused += 1
        if self._refused % _RARELY:
            return False
        self._forms.pop(next(iter(self._forms)))
        return True


def _telling(form: DocumentForm, values: Values) -> Values:
    return tuple([values[slot] for slot in form.telling])
