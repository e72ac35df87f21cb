"""How hosts differ: sets of hosts on which a unit read the same, and so found the same."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

from domcaps.fleet.hosts import lowest
from domcaps.fleet.units import SILENT, UnitOutcome, UnitTrace
from domcaps.validate.consequences import CONSEQUENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from domcaps.fleet.hosts import Resolution, WorldTable

    Sets = tuple[tuple[int, UnitOutcome], ...]
    """Sets of hosts, as numbers, with what is found on them; together all hosts of a table."""

    Reason = tuple[str, str]
    """Code and message of an error."""

    Splits = tuple[tuple[int, tuple[int, ...]], ...]

_MOST = 200_000
_MOST_ANSWERS = 20_000
_NUMBERS = itertools.count()


class HostTable(Protocol):
    """For one named target: which hosts give a world for it, and what they lack of it."""

    number: int
    with_world: int

    @property
    def resolutions(self) -> Mapping[Resolution, int]:
        """What came of the target, with the hosts."""

    @property
    def fitting(self) -> int:
        """The hosts that have all of the target."""


class Partition:
    """What one check finds, by hosts; equal ones are one object.

    `handles` are those of the elements that any of its findings is about. `reads_hosts` tells that
    other hosts may find something else. `reasons` are the errors with the hosts that find them,
    `refusing` all these hosts. `is_own` tells that it is of one document, and finds nothing: what
    it leaves undecided is a part of the document's plan (`answering.plan_of`).
    `couplings` are those of all that is found: what else is found may depend on them.
    """

    __slots__ = (
        "couplings", "handles", "has_findings", "is_own", "is_silent", "number", "reads_hosts",
        "reasons", "refusing", "sets", "traces",
    )  # fmt: skip

    def __init__(self, sets: Sets, traces: tuple[UnitTrace, ...]) -> None:
        self.number = next(_NUMBERS)
        self.sets = sets
        self.traces = traces
        found = [one.element for _, outcome in sets for one in outcome.found]
        self.handles = tuple(dict.fromkeys(found))
        self.has_findings = bool(found)
        self.reads_hosts = any(trace.reads for trace in traces)
        self.is_silent = len(sets) == 1 and not any(sets[0][1])
        self.refusing = 0
        self.reasons: dict[Reason, int] = {}
        for hosts, outcome in sets:
            for one in outcome.errors:
                self.refusing |= hosts
                reason = one.code, one.message
                self.reasons[reason] = self.reasons.get(reason, 0) | hosts
        self.is_own = False
        self.couplings = frozenset[str]().union(*[couplings(outcome) for _, outcome in sets])


_SHADOWS = ""
"""Stands for a value of the wrong form, which hides what later rules find at its place."""

_COUPLED = frozenset(itertools.chain(CONSEQUENCES, (cause for cause, _ in CONSEQUENCES.values())))


def couplings(outcome: UnitOutcome) -> frozenset[str]:
    """Give the codes of findings that may leave out others, or be left out, beside another one."""
    if not outcome.found:
        return frozenset()
    malformed = {_SHADOWS} if any(one.malformed for one in outcome.found) else set()
    return _COUPLED.intersection(one.code for one in outcome.found) | malformed


def are_coupled(codes: frozenset[str]) -> bool:
    """Tell whether, of all couplings in a document, any leaves out a finding."""
    return bool(codes) and (
        _SHADOWS in codes
        or any(one in codes and cause in codes for one, (cause, _) in CONSEQUENCES.items())
    )


class Partitions:
    """The partitions of an engine, by what they are made of."""

    def __init__(self) -> None:
        self._known: dict[Any, Partition] = {}
        self._traces: dict[UnitTrace, UnitTrace] = {}
        self._splits: dict[tuple[int, ...], Splits] = {}

    def covering(
        self, table: WorldTable, traces: list[UnitTrace], ask: Callable[[int], UnitTrace]
    ) -> Partition:
        """Give what a unit finds on all hosts of a table; ask only where no trace says so.

        `traces` are those that are known, and get what is learned.
        """
        left, used = table.with_world, []
        found: dict[UnitOutcome, int] = {}
        waiting = iter(list(traces))
        while left:
            trace = next(waiting, None)
            asked = 0
            if trace is None:
                asked = 1 << lowest(left)
                trace = ask(lowest(left))
                trace = self._traces.setdefault(trace, trace)
                traces.append(trace)
            same = (left & selected(table, trace)) | asked
            if same:
                found[trace.outcome] = found.get(trace.outcome, 0) | same
                used.append(trace)
                left &= ~same
        sets = tuple((hosts, outcome) for outcome, hosts in found.items())
        key = table.number, frozenset(used)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[key] = Partition(sets, tuple(used))
        return known

    def alone(self, table: WorldTable, ask: Callable[[int], UnitTrace]) -> Partition:
        """Do the same for one document: what finds nothing is kept nowhere."""
        left = table.with_world
        traces: list[UnitTrace] = []
        while left:
            host = lowest(left)
            trace = ask(host)
            if trace.outcome.found or trace.outcome != (traces or [trace])[0].outcome:
                return self.covering(table, [*traces, trace], ask)
            traces.append(trace)
            left &= ~(selected(table, trace, is_kept=False) | 1 << host)
        return _own(table, traces)

    def silent(self, table: WorldTable, traces: list[UnitTrace]) -> Partition:
        """Give what a unit that finds nothing leaves undecided, by traces for all hosts."""
        outcome = traces[0].outcome
        is_same = all(trace.outcome == outcome for trace in traces)
        of_facts = any(key[0] == "host" for trace in traces for key, _ in trace.reads)
        if is_same and (of_facts or outcome.unknown):
            return _own(table, traces)
        return self.covering(table, traces, _asks_nothing)

    def split(self, table: HostTable, kinds: tuple[Partition, ...]) -> Splits:
        """Give the sets of hosts that partitions make, each with its number in every partition."""
        key = table.number, *[one.number for one in kinds]
        known = self._splits.get(key)
        if known is None:
            if len(self._splits) >= _MOST_ANSWERS:
                self._splits.clear()
            known = self._splits[key] = tuple(self._finer(table, kinds))
        return known

    def _finer(
        self, table: HostTable, kinds: tuple[Partition, ...]
    ) -> Iterator[tuple[int, tuple[int, ...]]]:
        if not kinds:
            yield table.with_world, ()
            return
        for hosts, numbers in self.split(table, kinds[:-1]):
            for number, (more, _) in enumerate(kinds[-1].sets):
                same = hosts & more
                if same:
                    yield same, (*numbers, number)


def _own(table: WorldTable, traces: list[UnitTrace]) -> Partition:
    """Give what is found in one document alone: nothing, or the same is undecided on all hosts."""
    found = Partition(((table.with_world, traces[0].outcome),), tuple(traces))
    found.is_own = found.is_silent = True
    return found


def _asks_nothing(_: int) -> UnitTrace:
    raise LookupError("traces tell all")


def held(table: WorldTable, traces: Iterable[UnitTrace]) -> Partition:
    """Give what traces say of the hosts of a table; of the others they say nothing."""
    left, used = table.with_world, []
    found: dict[UnitOutcome, int] = {}
    for trace in traces:
        same = left & selected(table, trace)
        if same:
            found[trace.outcome] = found.get(trace.outcome, 0) | same
            used.append(trace)
            left &= ~same
    sets = tuple((hosts, outcome) for outcome, hosts in found.items())
    return Partition(sets, tuple(used))


def selected(table: WorldTable, trace: UnitTrace, *, is_kept: bool = True) -> int:
    """Give the hosts on which all reads of a trace find the same."""
    same = table.with_world
    for key, value in trace.reads:
        same &= table.select(key, value, is_kept=is_kept)
        if not same:
            break
    return same


def merged(sets: Iterable[tuple[int, UnitOutcome]]) -> Sets:
    """Join sets of hosts on which the same is found."""
    found: dict[UnitOutcome, int] = {}
    for hosts, outcome in sets:
        found[outcome] = found.get(outcome, 0) | hosts
    return tuple((hosts, outcome) for outcome, hosts in found.items())


def joined(outcomes: Iterable[UnitOutcome]) -> UnitOutcome:
    """Put together what several units found."""
    speaking = [one for one in outcomes if any(one)]
    if not speaking:
        return SILENT
    if len(speaking) == 1:
        return speaking[0]
    return UnitOutcome(
        tuple(f for one in speaking for f in one.found),
        tuple(sorted({u for one in speaking for u in one.unknown})),
    )
