"""Checks one by one: each is made once for what it reads of documents and of hosts.

A *unit* is one rule or field of the parts of a class. What it found, with what it read, is a
*trace*. A unit that read nothing of the host has found the same for all hosts; one that read three
things is asked once for each combination that exists of these.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.facts.emulator import Unanswered
from domcaps.fleet.tracking.domain import KeepingDomain, WatchedDomain, WatchedView
from domcaps.fleet.tracking.proxies import WatchedWorld
from domcaps.fleet.tracking.reads import PATH
from domcaps.fleet.tracking.recorder import ReadFrame, Recorder
from domcaps.language.finding import Severity, Stage
from domcaps.language.node_path import with_attribute
from domcaps.validate.check import BROKEN, UNSURE, DocumentCheck, repaired_by
from domcaps.validate.memo.tracked import NotVisible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.fleet.reused_walk import ReusedWalk
    from domcaps.fleet.tracking.reads import DocumentReads
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

    In a trace it is the element's handle (`traces.Handles`).

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

    @property
    def errors(self) -> tuple[UnitFinding, ...]:
        """Give findings for which a domain is refused."""
        return tuple([one for one in self.found if one.severity == Severity.ERROR.value])

    @property
    def refuses(self) -> bool:
        """Tell whether a domain is refused."""
        return any(one.severity == Severity.ERROR.value for one in self.found)


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
    """One check of the parts of a class."""

    part_checks: PartChecks
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
        severity: Severity = Severity.ERROR,
        stage: Stage = Stage.DEFINE,
        fix: Fix | None = None,
        *,
        worded: bool = False,  # noqa: ARG002 - texts of fields and rules are completed later
    ) -> None:
        self.problems.append((code, repaired_by(found, fix), severity, stage))


class FleetDocument:
    """A document that is looked at; `every` are its elements as they were written."""

    def __init__(
        self, source: Source, walk: DocumentWalk | ReusedWalk, every: list[Node], *, new: bool
    ) -> None:
        self.source, self.walk, self.every, self.new = source, walk, every, new

    @cached_property
    def _numbers(self) -> dict[Node, int]:
        found = {node: OF_ALL - number for number, node in enumerate(self.every)}
        found.update((node, number) for number, node in enumerate(self.walk.order))
        return found

    def number_of(self, node: Node) -> int:
        """Give the number of an element."""
        return self._numbers[node]


class Look:
    """One look at a document in the world of one host, which notes what is read.

    With `seen` what is read of the document is noted, too, and checks may fail with `Hidden`;
    without it they see the document itself.
    """

    def __init__(
        self, document: FleetDocument, reads: DocumentReads, world: World, *, seen: bool
    ) -> None:
        source = document.source
        self.recorder = Recorder()
        self._document = document
        self._reads = reads
        self._view = WatchedView(reads, self.recorder) if seen else None
        watched = WatchedWorld(world, self.recorder)
        self.domain: Domain = (
            KeepingDomain(source.root, watched, self.recorder, new=document.new)
            if self._view is None
            else WatchedDomain(self._view, source.root, watched, self.recorder, new=document.new)
        )
        self._check = _Collecting(source, self.domain, frozenset(), math.inf, schema=False)

    def run(self, unit: CheckUnit, number: int) -> tuple[ReadFrame, UnitOutcome, list[Node]]:
        """Make a check of a part, given by its number among those of its class.

        Gives what was read, what was found, and the elements of the findings. Raises `Hidden`.
        """
        self._check.problems = []
        self._check.malformed.clear()
        # which parts there are is decided by the document
        with self.recorder.recording():
            part = self.domain.all(unit.part_checks.kind)[number]
        with self.recorder.recording() as frame:
            try:
                self._do(unit, part)
                found = [self._found(problem) for problem in self._check.problems]
            except NotVisible as wanted:
                raise Hidden from wanted
            unknown = tuple(sorted(frame.unknown))
            outcome = UnitOutcome(tuple([one for one, _ in found]), unknown)
            return frame, outcome, [node for _, node in found]

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
                whole = repaired_by(found, rule.fix)
                self._check.problems.append((rule.code, whole, rule.severity, stage))
            if unknown and self._is_unsure():
                unknown.add(f"{rule.code}: {UNSURE}")
        except Unanswered as unanswered:
            self._is_unsure()
            unknown.add(f"{rule.code}: {unanswered.question} has no answer")
        except Exception as error:
            if self._view is not None:
                raise Hidden from error
            unknown.add(f"{rule.code}: {BROKEN} ({type(error).__name__}: {error})")

    def _is_unsure(self) -> bool:
        """Drop what was found where something is unknown, if only libvirt was asked; see `check`.

        Called for a rule that met an unknown fact; tells whether something was found.
        """
        problems = self._check.problems
        if not problems or not self.domain.world.emulator.is_partial:
            return False
        problems.clear()
        return True

    def _found(self, problem: tuple[str, Problem, Severity, Stage]) -> tuple[UnitFinding, Node]:
        code, found, severity, stage = problem
        at: Any = found.node
        if self._view is None:
            node, path = at, self._check.source.path(at, found.attribute)
        else:
            node = at.node
            path = with_attribute(self._view.ask(PATH, node), found.attribute)
        told = self._check.worded(found, path)
        finding = UnitFinding(
            code, told.message, severity.value, stage.value, self._document.number_of(node),
            told.attribute, told.accepted,
            malformed=(found.node, found.attribute) in self._check.malformed,
        )  # fmt: skip
        return finding, node


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


def checks_of_part(part_checks: PartChecks) -> Iterator[CheckUnit]:
    """Give all that is checked of parts of a class."""
    checks = part_checks.checks
    yield from (CheckUnit(part_checks, check) for check in checks.fields)
    yield from (CheckUnit(part_checks, check, required=True) for check in checks.required)
    yield from (CheckUnit(part_checks, rule) for rule in checks.rules)
