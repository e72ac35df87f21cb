"""What the checks of a document find on all hosts: each is looked up by what it reads."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.hosts import lowest
from domcaps.fleet.partitions import Partition
from domcaps.fleet.plain import FoundSomething, PlainLook, TouchedHost
from domcaps.fleet.traces import Handles, TraceTree, with_handles
from domcaps.fleet.tracking.reads import DocumentReads
from domcaps.fleet.units import (
    SILENT,
    CheckUnit,
    FleetDocument,
    Hidden,
    Look,
    UnitOutcome,
    UnitTrace,
    checks_of_part,
)
from domcaps.language.domain import Domain
from domcaps.language.value_types import fits
from domcaps.validate.check import MAX_SECONDS
from domcaps.validate.document.shape_ids import NO_SHAPE
from domcaps.validate.document.walk import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.fleet.hosts import WorldTable
    from domcaps.fleet.partitions import Partitions
    from domcaps.fleet.tracking.recorder import Asked, ReadFrame
    from domcaps.language.part import Field
    from domcaps.validate.checks import FieldCheck, PartChecks

_MOST_NODES = 2_000_000
"""Nodes of all trees; about 500 bytes each."""

_MOST_SHAPES = 50_000

_MANY = 32
"""Documents after which it is known whether traces of a check are of use for others."""


class TooLong(Exception):  # noqa: N818 - ends a look
    """A document takes more time than any that is meant."""


class CheckResult(NamedTuple):
    """What one check of a document finds; `elements` are its elements by handle.

    Without them its findings have the numbers of elements already. `order` is the place of the
    check among those of the document.
    """

    partition: Partition
    order: int
    elements: list[Node | None] | None


class Looks:
    """The looks at one document, by host: made when the first check needs one."""

    def __init__(self, document: FleetDocument, table: WorldTable) -> None:
        self.document, self.table = document, table
        world = table.world(lowest(table.with_world))
        domain = Domain(document.source.root, world, new=document.new)
        self.reads = DocumentReads(domain, document.walk)
        self._deadline = time.monotonic() + MAX_SECONDS
        self._most_work = 0.0
        self._made: dict[tuple[int, bool], Look] = {}

    def _be_in_time(self) -> None:
        """Count work only from here on: a busy machine says nothing about the document."""
        work = time.thread_time()
        self._most_work = self._most_work or work + MAX_SECONDS
        if work > self._most_work:
            raise TooLong

    @cached_property
    def plain(self) -> PlainLook:
        """Give the look without a host."""
        return PlainLook(self.document, self.table)

    def at(self, host: int, *, seen: bool) -> Look:
        """Give the look in the world of a host; raises `TooLong`."""
        if time.monotonic() > self._deadline:
            self._be_in_time()
        world = self.table.world(host)
        key = id(world), seen
        if key not in self._made:
            self._made[key] = Look(self.document, self.reads, world, seen=seen)
        return self._made[key]


def trace_of(frame: ReadFrame, outcome: UnitOutcome) -> UnitTrace:
    """Give what was read of a host with what it came to."""
    return UnitTrace(tuple(frame.host.items()), outcome if any(outcome) else SILENT)


class PartCheck:
    """One check of the parts of a class, with its traces.

    `parses` tells that a field's text need only be of the right form, `sees_hosts` that it was seen
    to look at the host. `hits` and `misses` count the documents whose answers were met before, and
    those whose answers were not.
    """

    __slots__ = ("declared", "hits", "is_rule", "misses", "parses", "sees_hosts", "tree", "unit")

    def __init__(self, unit: CheckUnit) -> None:
        self.unit = unit
        self.tree = TraceTree()
        check: Any = unit.check
        self.is_rule = not hasattr(check, "declared")
        self.sees_hosts = False
        self.hits = self.misses = 0
        self.declared = None if self.is_rule or unit.required else check.declared
        self.parses = self.declared is not None and _only_parses(check)

    @property
    def is_of_one(self) -> bool:
        """Tell whether what it finds in a document is seldom of use for another one.

        Such a check reads all devices, or all controllers: it is sooner made than looked up.
        """
        return self.misses >= _MANY and self.hits * 2 < self.misses

    def is_absent(self, node: Node) -> bool:
        """Tell whether the shape of an element says that a field is not there."""
        declared = self.declared
        return declared is not None and _stands_in_shape(declared) and declared.text(node) is None

    def is_decided(self, node: Node) -> bool:
        """Tell whether the check finds nothing, whatever the texts in an element are."""
        needed: Any = self.unit.check if self.unit.required else None
        if needed is not None:
            declared = needed.declared
            return _stands_in_shape(declared) and declared.text(node) is not None
        return self.is_absent(node)

    def holder(self, node: Node) -> Node | None:
        """Give the element with the text of which the form alone counts, None for other checks."""
        if self.declared is None or not self.parses or not _stands_in_shape(self.declared):
            return None
        holder: Node | None = self.declared.holder(node)
        return holder

    def is_silent(self, node: Node) -> bool:
        """Tell whether a look at a field's text is enough to find nothing."""
        if self.declared is None:
            return self.unit.required and self.is_decided(node)
        text = self.declared.text(node)
        if text is None:
            return True
        return self.parses and fits(self.declared.kind, text)


def _stands_in_shape(declared: Field[Any]) -> bool:
    """Tell whether shapes show that a field is there."""
    return not declared.steps or PLAIN.fullmatch(declared.steps) is not None


def _only_parses(check: FieldCheck) -> bool:
    declared = check.declared
    return declared.choice is declared.at_start is None and check.dated is None


def matters(partition: Partition) -> bool:
    """Tell whether a check finds something or leaves it undecided, or may on other hosts."""
    if partition.reads_hosts or not partition.is_silent:
        return True
    ((_, outcome),) = partition.sets
    return bool(outcome.unknown)


class SettledShape(NamedTuple):
    """What the shape of a part decides, and the checks that read more."""

    partitions: tuple[Partition, ...]
    left: tuple[PartCheck, ...]


_SILENT_ANYWHERE = Partition(((-1, SILENT),), ())
"""What finds nothing on any host."""


class PlacedPart(NamedTuple):
    """A part of a document: which it is of its class, and the place of its checks."""

    part_checks: PartChecks
    which: int
    node: Any
    order: int


class Judge:
    """The checks of documents, with what was learned of those before."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self._checks: dict[PartChecks, tuple[PartCheck, ...]] = {}
        self._shapes: dict[tuple[PartChecks, int, int], SettledShape] = {}
        self.size = 0

    @staticmethod
    def parts(looks: Looks) -> Iterator[PlacedPart]:
        """Give all parts of a document that may be checked."""
        dialect = looks.reads.domain.world.target.dialect
        for number, part_checks in enumerate(looks.document.walk.part_checks(dialect)):
            for which, node in enumerate(looks.reads.all(part_checks.kind)):
                yield PlacedPart(part_checks, which, node, number << 32 | which << 1)

    def judged(self, looks: Looks) -> list[CheckResult]:
        """Give what is found in a document, where anything is or may be on other hosts."""
        return [found for part in self.parts(looks) for found in self._of_part(part, looks)]

    def settled(self, part: PlacedPart, looks: Looks) -> SettledShape:
        """Give what the shape of a part decides."""
        key = self._key(part, looks)
        if key not in self._shapes:
            for _ in self._first_of_shape(key, part, looks):
                pass
        return self._shapes.get(key) or self.unsettled(part)

    def unsettled(self, part: PlacedPart) -> SettledShape:
        """Give all checks of a part."""
        return SettledShape((), self._checks_of(part.part_checks))

    def judge(
        self, check: PartCheck, part: PlacedPart, looks: Looks
    ) -> tuple[CheckResult, list[Asked] | None]:
        """Give what a check finds, and what it was that was asked of the document for that.

        None stands for all of the document.
        """
        if check.is_of_one:
            return self._of_one(check, part, looks)
        before = check.tree.size
        judged, _, trail = self._judged(check, part, looks)
        if check.tree.size == before:
            check.hits += 1
        else:
            check.misses += 1
        return judged, trail

    def _of_one(
        self, check: PartCheck, part: PlacedPart, looks: Looks
    ) -> tuple[CheckResult, list[Asked] | None]:
        """Make a check for documents of one skeleton: nothing is looked up, and no trace kept."""
        asked: dict[Asked, None] = {}

        def ask(host: int) -> UnitTrace:
            frame, outcome, _ = looks.at(host, seen=True).run(check.unit, part.which)
            asked.update(frame.document)
            return trace_of(frame, outcome)

        try:
            partition = self._partitions.covering(looks.table, [], ask)
        except Hidden:
            return self.alone(check, part, looks), None
        return CheckResult(partition, part.order | check.is_rule, None), list(asked)

    @staticmethod
    def _key(part: PlacedPart, looks: Looks) -> tuple[PartChecks, int, int]:
        return part.part_checks, looks.document.walk.shape_of(part.node), looks.table.number

    def _of_part(self, part: PlacedPart, looks: Looks) -> Iterator[CheckResult]:
        key = self._key(part, looks)
        settled = self._shapes.get(key)
        if settled is None:
            yield from self._first_of_shape(key, part, looks)
            return
        for partition in settled.partitions:
            yield CheckResult(partition, part.order, [])
        for check in settled.left:
            if not check.is_silent(part.node):
                judged, _, _ = self._judged(check, part, looks)
                if matters(judged.partition):
                    yield judged

    def _first_of_shape(
        self, key: tuple[PartChecks, int, int], part: PlacedPart, looks: Looks
    ) -> Iterator[CheckResult]:
        """Judge a part of a new shape, and note which checks look at nothing else."""
        partitions: dict[Partition, None] = {}
        left = []
        for check in self._checks_of(key[0]):
            if check.is_silent(part.node):
                if not check.is_decided(part.node):
                    left.append(check)
                continue
            judged, is_settled, _ = self._judged(check, part, looks)
            if matters(judged.partition):
                yield judged
                if is_settled:
                    partitions[judged.partition] = None
            if not is_settled:
                left.append(check)
        if key[1] != NO_SHAPE:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[key] = SettledShape(tuple(partitions), tuple(left))

    def _checks_of(self, part_checks: PartChecks) -> tuple[PartCheck, ...]:
        known = self._checks.get(part_checks)
        if known is None:
            known = self._checks[part_checks] = tuple(map(PartCheck, checks_of_part(part_checks)))
        return known

    def _judged(
        self, check: PartCheck, part: PlacedPart, looks: Looks
    ) -> tuple[CheckResult, bool, list[Asked] | None]:
        """Give what a check finds; tell whether the shape of its part decides it, and by what."""
        order, which, node = part.order | check.is_rule, part.which, part.node
        handles = Handles(looks.reads, node)
        at, partition, can_grow, trail = check.tree.follow(handles, looks.table.number)
        if partition is None and can_grow:
            try:
                partition = self._learned(check, which, node, looks)
            except _Unshared:
                can_grow = False
            else:
                handles = Handles(looks.reads, node)
                at, _, _, trail = check.tree.follow(handles, looks.table.number)
        if partition is None:
            return self.alone(check, part, looks), False, None
        is_settled = not at.beyond and not partition.has_findings
        return CheckResult(partition, order, handles.nodes), is_settled, trail

    def _learned(self, check: PartCheck, which: int, node: Node, looks: Looks) -> Partition:
        """Make a check on all hosts of which no trace says what it finds; raises `_Unshared`."""
        self._make_room()
        before, tree = check.tree.size, check.tree
        traces = [t for at in tree.path(Handles(looks.reads, node)) for t in at.traces]

        def ask(host: int) -> UnitTrace:
            try:
                frame, outcome, nodes = looks.at(host, seen=True).run(check.unit, which)
                return tree.add(
                    Handles(looks.reads, node),
                    frame,
                    lambda handles: trace_of(frame, with_handles(outcome, nodes, handles)),
                )
            except (Hidden, KeyError) as hidden:
                raise _Unshared from hidden

        try:
            partition = self._partitions.covering(looks.table, traces, ask)
        finally:
            self.size += tree.size - before
        where = None
        for at in tree.path(Handles(looks.reads, node)):
            if where is None or any(trace in partition.traces for trace in at.traces):
                where = at
        if where is not None:
            where.found[looks.table.number] = partition
        return partition

    def alone(self, check: PartCheck, part: PlacedPart, looks: Looks) -> CheckResult:
        """Make a check for this document alone."""
        partition = None
        if check.is_rule and not check.sees_hosts:
            partition = self._plain(check, part, looks)
        if partition is None:
            partition = self._alone(check, part.which, looks)
        return CheckResult(partition, part.order | check.is_rule, None)

    def _plain(self, check: PartCheck, part: PlacedPart, looks: Looks) -> Partition | None:
        """Make a check that reads no host, and finds nothing; None where that is not so."""
        rule: Any = check.unit.check
        try:
            traces = looks.plain.traces(rule, part.part_checks.kind, part.which)
        except TouchedHost:
            # a rule about files reads more only of those that are recorded with hosts
            check.sees_hosts = not rule.live
            return None
        except FoundSomething:
            return None
        if not any(any(trace) for trace in traces):
            return _SILENT_ANYWHERE
        return self._partitions.silent(looks.table, traces)

    def _alone(self, check: PartCheck, which: int, looks: Looks) -> Partition:
        """Make a check on each host that can tell, for this document alone."""

        def ask(host: int) -> UnitTrace:
            frame, outcome, _ = looks.at(host, seen=False).run(check.unit, which)
            return trace_of(frame, outcome)

        return self._partitions.alone(looks.table, ask)

    def _make_room(self) -> None:
        if self.size < _MOST_NODES:
            return
        self.size = 0
        for checks in self._checks.values():
            for check in checks:
                check.tree.clear()


class _Unshared(Exception):  # noqa: N818 - a check wants to see what can't be noted
    pass
