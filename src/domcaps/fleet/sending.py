"""Answers on their way from a worker: what many domains of a unit share is sent once.

A verdict on 10,000 hosts takes 1,250 bytes for each set of hosts. So no sets of verdicts are sent,
but what checks found, by hosts, and which of that belongs to which domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.answering import Answering, VerdictPlan
from domcaps.fleet.hosts import KnownTable
from domcaps.fleet.partitions import Partition, Partitions
from domcaps.fleet.portable import kept_places, kept_traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fleet.answers import DomainAnswer
    from domcaps.fleet.engine import Engine
    from domcaps.fleet.hosts import Resolution, WantedTarget
    from domcaps.fleet.partitions import Sets
    from domcaps.fleet.units import UnitOutcome

    Numbers = tuple[tuple[int, int], ...] | None
    Result = tuple[DomainAnswer, "KeptPlan | None"]


class SentTable(NamedTuple):
    """What came of a target on all hosts."""

    wanted: WantedTarget
    resolutions: tuple[tuple[Resolution, int], ...]


class SentPartition(NamedTuple):
    """What a check found, by hosts; `traces` as an index keeps them, where they can be kept."""

    sets: Sets
    traces: tuple[bytes, ...] | None = None


class SentAnswer(NamedTuple):
    """What belongs to a domain: `found` are results that say something, with places.

    To be kept it has all results by the numbers of their `partitions`, with `places` as bytes. Of
    results that find nothing, and that no other document has, there are the traces: `own`.
    """

    name: str
    table: int
    everywhere: UnitOutcome
    found: tuple[tuple[int, int, Numbers], ...]
    partitions: tuple[int, ...] | None = None
    places: bytes = b""
    own: tuple[tuple[bytes, ...], ...] = ()


class SentUnit(NamedTuple):
    """The answers of a unit; those that follow from more than checks are sent as they are."""

    tables: list[SentTable]
    partitions: list[SentPartition]
    answers: list[SentAnswer | DomainAnswer]


class KeptPlan(NamedTuple):
    """An answer as an index keeps it, with the unit that has what it names."""

    unit: SentUnit
    answer: SentAnswer


class Sender:
    """Collects the answers of a unit; with `planned` they can be kept in an index."""

    def __init__(self, engine: Engine, *, planned: bool) -> None:
        self.unit = SentUnit([], [], [])
        self._engine, self._planned = engine, planned
        self._tables: dict[WantedTarget, int] = {}
        self._partitions: dict[int, int] = {}
        self._traces: dict[int, bytes] = {}
        self._unportable: set[int] = set()

    def ask(self, name: str, data: bytes) -> None:
        """Ask for a domain, and add the answer."""
        answer, plan = self._engine.planned(name, data)
        if plan is None:
            self.unit.answers.append(answer)
            return
        found = tuple([
            (self._partition(partition), order, numbers)
            for partition, order, numbers in plan.results
            if not partition.is_silent
        ])  # fmt: skip
        sent = SentAnswer(name, self._table(plan.wanted), plan.everywhere, found)
        self.unit.answers.append(self._kept(sent, plan) if self._planned else sent)

    def _kept(self, sent: SentAnswer, plan: VerdictPlan) -> SentAnswer:
        """Add what an index keeps, where all of it has a form in bytes."""
        shared = [one for one in plan.results if not one[0].is_own]
        partitions = tuple([self._partition(partition) for partition, _, _ in shared])
        own = [kept_traces(one[0], {}) for one in plan.results if one[0].is_own]
        portable = tuple([traces for traces in own if traces is not None])
        if len(portable) < len(own) or not self._unportable.isdisjoint(partitions):
            return sent
        places = kept_places([(order, numbers) for _, order, numbers in shared])
        return sent._replace(partitions=partitions, places=places, own=portable)

    def _table(self, wanted: WantedTarget) -> int:
        number = self._tables.get(wanted)
        if number is None:
            table = self._engine.hosts.table(wanted, self._engine.libvirt)
            number = self._tables[wanted] = len(self.unit.tables)
            self.unit.tables.append(SentTable(wanted, tuple(table.resolutions.items())))
        return number

    def _partition(self, partition: Partition) -> int:
        number = self._partitions.get(partition.number)
        if number is None:
            number = self._partitions[partition.number] = len(self.unit.partitions)
            traces = kept_traces(partition, self._traces) if self._planned else None
            if traces is None:
                self._unportable.add(number)
            self.unit.partitions.append(SentPartition(partition.sets, traces))
        return number


class Receiver:
    """Makes answers of what workers sent; equal sets of hosts are one object."""

    def __init__(self) -> None:
        self._answering = Answering(Partitions())
        self._tables: dict[SentTable, KnownTable] = {}
        self._partitions: dict[tuple[int, Sets], Partition] = {}

    def results(self, unit: SentUnit) -> Iterator[Result]:
        """Give the answers of a unit, each with what an index keeps of it."""
        found: dict[int, Partition] = {}
        for sent in unit.answers:
            if not isinstance(sent, SentAnswer):
                yield sent, None
                continue
            table = self._table(unit.tables[sent.table])
            results = tuple([
                (found.get(number) or self._partition(unit, number, table, found), order, numbers)
                for number, order, numbers in sent.found
            ])  # fmt: skip
            plan = VerdictPlan(unit.tables[sent.table].wanted, sent.everywhere, results)
            kept = None if sent.partitions is None else KeptPlan(unit, sent)
            yield self._answering.answer(sent.name, table, plan), kept

    def _table(self, sent: SentTable) -> KnownTable:
        known = self._tables.get(sent)
        if known is None:
            known = self._tables[sent] = KnownTable(dict(sent.resolutions))
        return known

    def _partition(
        self, unit: SentUnit, number: int, table: KnownTable, found: dict[int, Partition]
    ) -> Partition:
        """Give a partition; each belongs to one table."""
        sets = unit.partitions[number].sets
        key = table.number, sets
        here = self._partitions.get(key)
        if here is None:
            here = self._partitions[key] = Partition(sets, ())
        found[number] = here
        return here
