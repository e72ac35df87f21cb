"""Checks one by one: each is asked once for each text and each facet of a host that it reads.

A *unit* is one rule or field of one part in documents of one skeleton. What it found, with what it
read of host and document, is a *trace*. A unit that read nothing of the host has found the same for
all hosts; one that read three things is asked once for each combination that exists of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.facts.emulator import Unanswered
from domcaps.fleet.tracking.domain import WatchedDomain, WatchedView
from domcaps.fleet.tracking.proxies import WatchedWorld
from domcaps.fleet.tracking.recorder import ReadFrame, Recorder
from domcaps.language.finding import Severity, SeverityWord, Stage, StageWord
from domcaps.validate.check import BROKEN, DocumentCheck
from domcaps.validate.memo.tracked import NotVisible, TrackedNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.fleet.tracking.recorder import ReadKey
    from domcaps.language.domain import Domain
    from domcaps.language.fix import Fix
    from domcaps.language.part import Part
    from domcaps.language.rule import Problem, Rule
    from domcaps.language.world import World
    from domcaps.validate.checks import FieldCheck, PartChecks
    from domcaps.validate.document.parse import Source
    from domcaps.validate.document.walk import DocumentWalk

    Doing = Callable[["Look", Part], None]


class UnitFinding(NamedTuple):
    """A finding whose place is a number: that of its element in the walk over the document.

    `order` is the place of its unit among those of the document. `malformed` tells that a field has
    a value of the wrong form: what later rules find at its place is not told. `as_if` is set where
    it is found only of another target than the one that a host's other findings are of.
    """

    code: str
    message: str
    severity: str
    stage: str
    element: int
    attribute: str
    accepted: tuple[str, ...] = ()
    order: int = 0
    malformed: bool = False
    as_if: str = ""


class UnitOutcome(NamedTuple):
    """What a unit came to: findings, and statements that could not be decided."""

    found: tuple[UnitFinding, ...] = ()
    unknown: tuple[str, ...] = ()


SILENT = UnitOutcome()

NOWHERE = -1
"""The number of an element where a finding has no place."""

OF_ALL = -2
"""From here down: elements by their number in the whole document, and not in the walk over it."""


class UnitTrace(NamedTuple):
    """What a unit read of a host, and what it came to."""

    reads: tuple[tuple[ReadKey, Any], ...]
    outcome: UnitOutcome


class CheckUnit(NamedTuple):
    """One check of one part: `number` is that of the part among those of its class."""

    part_checks: PartChecks
    number: int
    check: FieldCheck | Rule
    required: bool = False


class Hidden(Exception):  # noqa: N818 - says that a unit wants to see the document itself
    """A unit looked at something that can't be noted."""


class _Collecting(DocumentCheck):
    """A check that keeps problems with their elements."""

    problems: list[tuple[str, Problem, Severity, Stage]]

    def _add(
        self,
        code: str,
        found: Problem,
        severity: SeverityWord = Severity.ERROR,
        stage: StageWord = Stage.DEFINE,
        fix: Fix | None = None,  # noqa: ARG002 - a verdict carries no repairs
        *,
        worded: bool = False,  # noqa: ARG002 - texts of fields and rules are completed later
    ) -> None:
        self.problems.append((code, found, severity, stage))


class FleetDocument(NamedTuple):
    """A document that is looked at; `every` are its elements as they were written."""

    source: Source
    walk: DocumentWalk
    every: list[Node]
    new: bool


class Look:
    """One look at a document in the world of one host, which notes what is read.

    With `seen` the texts of the document are noted, too, and units may fail with `Hidden`; without
    it they see the document itself.
    """

    def __init__(self, document: FleetDocument, world: World, *, seen: bool) -> None:
        source, walk = document.source, document.walk
        self.recorder = Recorder()
        self._every = document.every
        self._numbers = {node: number for number, node in enumerate(walk.order)}
        self._seen = seen
        classes = walk.part_checks(world.target.dialect)
        self._classes = {part_checks: number for number, part_checks in enumerate(classes)}
        watched = WatchedWorld(world, self.recorder)
        root: Any = WatchedView(walk.order, self.recorder).root if seen else source.root
        domain: Domain = WatchedDomain(root, watched, self.recorder, new=document.new)
        self.domain = domain
        self._check = _Collecting(source, domain, frozenset(), 1e9, schema=False)

    def parts(self, part_checks: PartChecks) -> tuple[Part, ...]:
        """Give the parts of a class; raises `Hidden` where the view does not show which."""
        with self.recorder.recording():
            try:
                return self.domain.all(part_checks.kind)
            except NotVisible as wanted:
                raise Hidden from wanted

    def node_of(self, unit: CheckUnit) -> Node:
        """Give the element of the part of a unit."""
        at: Any = self.parts(unit.part_checks)[unit.number].node
        node: Node = at.node if isinstance(at, TrackedNode) else at
        return node

    def number_of(self, node: Node) -> int:
        """Give the number of an element in the walk."""
        return self._numbers[node]

    def run(self, unit: CheckUnit) -> tuple[ReadFrame, UnitOutcome]:
        """Run a unit; raises `Hidden`."""
        self._check.problems = []
        self._check.malformed.clear()
        # which parts there are is decided by the skeleton
        part = self.parts(unit.part_checks)[unit.number]
        with self.recorder.recording() as frame:
            try:
                self._do(unit, part)
            except NotVisible as wanted:
                raise Hidden from wanted
            unknown = tuple(sorted(frame.unknown))
            order = self._order(unit)
            found = tuple([self._found(problem, order) for problem in self._check.problems])
            return frame, UnitOutcome(found, unknown)

    def _order(self, unit: CheckUnit) -> int:
        """Number units as a check comes to them: fields of a part before its rules."""
        is_rule = not hasattr(unit.check, "declared")
        return self._classes.get(unit.part_checks, 0) << 32 | unit.number << 1 | is_rule

    def _do(self, unit: CheckUnit, part: Part) -> None:
        check: Any = unit.check
        if unit.required:
            self._check.miss(part, check)
        elif hasattr(check, "declared"):
            text = check.declared.text(part.node)
            # what the check remembers of a field must not be found by others without a trace
            if text is not None:
                self._check.field(type(part)(part.node, self.domain), check, text)
        else:
            self._rule(check, part)

    def _rule(self, rule: Rule, part: Part) -> None:
        unknown = self.domain.world.unknown
        try:
            for found in rule.check(part):
                stage = rule.stage_in(self.domain.world.target.dialect)
                self._check.problems.append((rule.code, found, rule.severity, stage))
        except Unanswered as unanswered:
            unknown.add(f"{rule.code}: {unanswered.question} has no answer")
        except Exception as error:
            if self._seen:
                raise Hidden from error
            unknown.add(f"{rule.code}: {BROKEN} ({type(error).__name__}: {error})")

    def _found(self, problem: tuple[str, Problem, Severity, Stage], order: int) -> UnitFinding:
        code, found, severity, stage = problem
        at: Any = found.node
        node: Node = at.node if isinstance(at, TrackedNode) else at
        number = self._numbers.get(node)
        if number is None:
            if self._seen:
                raise Hidden
            number = OF_ALL - next(n for n, one in enumerate(self._every) if one is node)
        found = self._check.worded(found, self._check.source.path(node, found.attribute))
        return UnitFinding(
            code, found.message, severity.value, stage.value, number,
            found.attribute, found.accepted, order,
            (found.node, found.attribute) in self._check.malformed,
        )  # fmt: skip


def without_shadowed(outcome: UnitOutcome) -> UnitOutcome:
    """Leave out what rules find where a field of the wrong form was found before."""
    if not any(found.malformed for found in outcome.found):
        return outcome
    before: dict[tuple[int, str], int] = {}
    for found in outcome.found:
        if found.malformed:
            place = found.element, found.attribute
            before[place] = min(found.order, before.get(place, found.order))
    kept = tuple(
        found
        for found in outcome.found
        if found.order <= before.get((found.element, found.attribute), found.order)
        or not found.order & 1
    )
    return UnitOutcome(kept, outcome.unknown)


def units_of(look: Look, walk: DocumentWalk) -> Iterator[CheckUnit | PartChecks]:
    """Give all units of a document; a class of which the parts are not shown as a whole."""
    for part_checks in walk.part_checks(look.domain.world.target.dialect):
        try:
            parts = look.parts(part_checks)
        except Hidden:
            yield part_checks
            continue
        for number in range(len(parts)):
            yield from units_of_part(part_checks, number)


def units_of_part(part_checks: PartChecks, number: int) -> Iterator[CheckUnit]:
    """Give the units of one part."""
    checks = part_checks.checks
    yield from (CheckUnit(part_checks, number, check) for check in checks.fields)
    yield from (CheckUnit(part_checks, number, check, required=True) for check in checks.required)
    yield from (CheckUnit(part_checks, number, rule) for rule in checks.rules)
