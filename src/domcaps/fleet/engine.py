"""Verdicts on domains for all hosts of a fleet, one for all hosts that are read alike."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from domcaps.facts.arch import ARCHITECTURES
from domcaps.fleet.answering import (
    Answering,
    VerdictPlan,
    host_sets,
    placed,
    plan_of,
    without_consequences,
)
from domcaps.fleet.answers import DomainAnswer, HostSet
from domcaps.fleet.common import CommonCheck, TooManyFindings, WholeCheck
from domcaps.fleet.forms import split_document
from domcaps.fleet.hosts import Resolution, WantedTarget, lowest
from domcaps.fleet.judging import Judge, Looks, TooLong, trace_of
from domcaps.fleet.partitions import Partitions, merged
from domcaps.fleet.reused_walk import ReusedWalk
from domcaps.fleet.roles import role_of
from domcaps.fleet.skeletons import OpenDocument, Skeleton, Skeletons
from domcaps.fleet.tracking.domain import KeepingDomain
from domcaps.fleet.tracking.proxies import WatchedWorld
from domcaps.fleet.tracking.recorder import Recorder
from domcaps.fleet.units import NOWHERE, OF_ALL, FleetDocument, UnitFinding, UnitOutcome
from domcaps.language.dialect import check_dialect
from domcaps.language.domain import Domain
from domcaps.language.finding import Severity
from domcaps.validate.check import MAX_FINDINGS, MAX_SECONDS, STOPPED
from domcaps.validate.document.parse import Source, Unreadable, read
from domcaps.validate.target import TargetNotFound, require_domain, wanted_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from domcaps.fleet.forms import DocumentForm, SplitDocument
    from domcaps.fleet.hosts import AsNear, FleetHosts, WorldTable
    from domcaps.fleet.partitions import Sets
    from domcaps.fleet.units import UnitTrace

ROOT = OF_ALL
"""The number of the document's element."""


class Engine:
    """The verdicts of some hosts; what was learned of a document helps with the next."""

    def __init__(self, hosts: FleetHosts, libvirt: str, *, new: bool = True) -> None:
        """Judge for one libvirt; raises `UnknownDialectError`, which no host is asked for."""
        check_dialect(libvirt)
        self.hosts = hosts
        self.libvirt = libvirt
        self.new = new
        self._partitions = Partitions()
        self._judge = Judge(self._partitions)
        self._answering = Answering(self._partitions)
        self._skeletons = Skeletons()

    @property
    def remembered(self) -> int:
        """How much of earlier documents is kept, counted in what was read of them."""
        return self._judge.size

    def ask(self, name: str, data: bytes) -> DomainAnswer:
        """Give the verdicts of all hosts on a domain."""
        return self.planned(name, data)[0]

    def planned(self, name: str, data: bytes) -> tuple[DomainAnswer, VerdictPlan | None]:
        """Give the verdicts, and what they follow from, if that is all that was read of hosts."""
        split = split_document(data)
        skeleton = None if split is None else self._skeletons.known(split)
        try:
            if split is not None and skeleton is not None:
                opening = functools.cache(lambda: self._opened(data, skeleton))
                plan = skeleton.plan(split.values, opening)
                return self._answering.answer(name, skeleton.table, plan), plan
            return self._read(name, data, split)
        except TooLong:
            text = f"not finished after {MAX_SECONDS:g} seconds of work; there is no result for it"
            return self._same_for_all(name, STOPPED, text), None
        except TooManyFindings:
            text = f"more than {MAX_FINDINGS} findings; there is no result for it"
            return self._same_for_all(name, STOPPED, text), None

    def _read(
        self, name: str, data: bytes, split: SplitDocument | None
    ) -> tuple[DomainAnswer, VerdictPlan | None]:
        """Judge a document of which no skeleton is known."""
        try:
            source = read(data)
            require_domain(source)
        except Unreadable as stopped:
            return self._same_for_all(name, stopped.finding.code, stopped.finding.message), None
        except TargetNotFound as missing:
            found = missing.finding
            return self._same_for_all(name, found.code, found.message, ROOT), None
        form = None if split is None else self._skeletons.form(split, source.root)
        table = self._table(source)
        if table.has_others:
            near = host_sets(table, self._sets(source, table))
            sets = tuple(map(without_consequences, self._of_other_types(data, near)))
            return DomainAnswer(name, sets), None
        found_sets, plan = self._on_worlds(source, table, split, form)
        if plan is None:
            sets = tuple(map(without_consequences, host_sets(table, found_sets)))
            return DomainAnswer(name, sets), None
        return self._answering.answer(name, table, plan), plan

    def _opened(self, data: bytes, skeleton: Skeleton) -> OpenDocument:
        """Parse a document of a known skeleton."""
        source = read(data)
        _name_emulator(source, skeleton.table.wanted.emulator)
        every = list(source.root.iter())
        walk = ReusedWalk(source.root, skeleton.walk)
        document = FleetDocument(source, walk, every, new=self.new)
        return OpenDocument.of(Looks(document, skeleton.table))

    def _same_for_all(
        self, name: str, code: str, message: str, element: int = NOWHERE
    ) -> DomainAnswer:
        found = UnitFinding(code, message, "error", "define", element, "", ())
        return DomainAnswer(name, (HostSet(self.hosts.every, Resolution(), UnitOutcome((found,))),))

    def _of_other_types(self, data: bytes, sets: Iterable[HostSet]) -> Iterator[HostSet]:
        """Add what is found only if the domain is of another type, which is as near.

        Of an architecture that is missing, leave out what follows from its board.
        """
        for one in sets:
            known: Sets = ((one.hosts, one.outcome),)
            for near in one.faults.others:
                add = functools.partial(_with_others, near=near)
                known = self._put_together(known, data, near.wanted, add)
            for board in one.faults.boards:
                known = self._put_together(known, data, board, _also_in)
            yield from (HostSet(hosts, one.faults, outcome) for hosts, outcome in known)

    def _put_together(
        self,
        known: Sets,
        data: bytes,
        wanted: WantedTarget,
        combine: Callable[[UnitOutcome, UnitOutcome], UnitOutcome],
    ) -> Sets:
        """Combine what is found for each host with what is found for another target there."""
        source = read(data)
        self._table(source)
        other = self._sets(source, self.hosts.table(wanted, self.libvirt))
        return merged(
            (hosts & same, combine(outcome, more))
            for hosts, outcome in known
            for same, more in other
            if hosts & same
        )

    def _table(self, source: Source) -> WorldTable:
        named = wanted_of(source.root)
        has_type = source.root.find("os/type") is not None
        controllers = source.root.iterfind("devices/controller")
        has_pcie = any(node.get("model", "").startswith("pcie-") for node in controllers)
        wanted = WantedTarget(**named, has_type=has_type, has_pcie=has_pcie)
        if wanted.emulator:
            arch = wanted.arch if wanted.arch in ARCHITECTURES else self._arch
            wanted = wanted._replace(emulator=role_of(wanted.emulator, arch or ""))
            _name_emulator(source, wanted.emulator)
        return self.hosts.table(wanted, self.libvirt)

    @property
    def _arch(self) -> str:
        return self.hosts.facts(0).host.arch if self.hosts.names else ""

    def _sets(self, source: Source, table: WorldTable) -> Sets:
        """Give what is found on the hosts of a table."""
        found, plan = self._on_worlds(source, table)
        if plan is None:
            return found
        return self._answering.sets(table, plan.everywhere, plan.results)

    def _on_worlds(
        self,
        source: Source,
        table: WorldTable,
        split: SplitDocument | None = None,
        form: DocumentForm | None = None,
    ) -> tuple[Sets, VerdictPlan | None]:
        """Give what is found on the hosts of a table, or else the plan that it follows from."""
        if not table.with_world:
            return (), None
        world = table.world(lowest(table.with_world)).again()
        domain = Domain(source.root, world, new=self.new)
        common = CommonCheck(source, domain, frozenset(), math.inf, schema=False)
        if common.suppressing:
            return self._as_a_whole(source.data, table), None
        walk = common.walk()
        looks = Looks(FleetDocument(source, walk, common.every, new=self.new), table)
        everywhere = common.outcome()
        is_known = table.wanted.arch is None or table.wanted.arch in ARCHITECTURES
        if split is None or form is None or not is_known or common.took_away:
            judged = self._judge.judged(looks)
            results = tuple([placed(one, looks.document) for one in judged])
            plan = plan_of(table.wanted, everywhere, results)
            if is_known:
                return (), plan
            return self._answering.sets(table, plan.everywhere, results), None
        opened = OpenDocument.of(looks)
        shared = self._skeletons.shared
        skeleton = Skeleton(form, table, everywhere, self._judge, opened, shared)
        plan = skeleton.plan(split.values, lambda: opened)
        self._skeletons.add(split, skeleton)
        return (), plan

    def _as_a_whole(self, data: bytes, table: WorldTable) -> Sets:
        """Check a document on each host that can tell; what is read of hosts says which can't."""

        def ask(host: int) -> UnitTrace:
            recorder, source = Recorder(), read(data)
            self._table(source)
            world = WatchedWorld(table.world(host), recorder)
            with recorder.recording() as frame:
                domain = KeepingDomain(source.root, world, recorder, new=self.new)
                check = WholeCheck(source, domain, frozenset(), MAX_SECONDS, schema=False)
                return trace_of(frame, check.outcome())

        return self._partitions.covering(table, [], ask).sets


def _with_others(outcome: UnitOutcome, other: UnitOutcome, near: AsNear) -> UnitOutcome:
    """Add findings of another target at places where none of their code is, one for each place."""
    known = {(one.code, one.element, one.attribute) for one in outcome.found}
    added = []
    # of several at one place a check of one host keeps the first
    for one in sorted(other.found, key=lambda found: found.order):
        place = one.code, one.element, one.attribute
        if place not in known:
            known.add(place)
            severity = Severity.NOTICE.value if near.is_rare else one.severity
            added.append(one._replace(as_if=near.as_if, severity=severity))
    return UnitOutcome((*outcome.found, *added), outcome.unknown)


def _also_in(outcome: UnitOutcome, other: UnitOutcome) -> UnitOutcome:
    """Keep the findings that are those of another target, too."""
    known = {(one.code, one.element, one.attribute) for one in other.found}
    kept = [one for one in outcome.found if (one.code, one.element, one.attribute) in known]
    return UnitOutcome(tuple(kept), outcome.unknown)


def _name_emulator(source: Source, path: str | None) -> None:
    binary = source.root.find("devices/emulator") if path else None
    if binary is not None and len(binary) == 0:
        binary.text = path
