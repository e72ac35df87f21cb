"""Verdicts from an index: what plans say of the hosts of a fleet as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.answering import Answering
from domcaps.fleet.answers import DomainAnswer
from domcaps.fleet.engine import host_sets, without_consequences
from domcaps.fleet.partitions import Partition, Partitions, held
from domcaps.fleet.portable import outcome_from, places_from, trace_from, wanted_from

if TYPE_CHECKING:
    from domcaps.fleet.answers import HostSet
    from domcaps.fleet.hosts import FleetHosts, WorldTable
    from domcaps.fleet.index import PlanRow, VerdictIndex
    from domcaps.fleet.units import UnitTrace


class _Held(NamedTuple):
    """What a partition says of a table: of which hosts, and which of them refuse."""

    partition: Partition
    hosts: int
    refusing: int


class _OfPlans(NamedTuple):
    """What all plans with the same partitions say."""

    hosts: int
    accepting: int


class Recall:
    """The verdicts of hosts on domains of which an index has plans."""

    def __init__(self, index: VerdictIndex, hosts: FleetHosts, libvirt: str) -> None:
        self._index, self.hosts, self._libvirt = index, hosts, libvirt
        self._answering = Answering(Partitions())
        self._tables: dict[int, WorldTable] = {}
        self._traces: dict[int, UnitTrace] = {}
        self._held: dict[tuple[int, int], _Held] = {}
        self._of_plans: dict[tuple[int, int], _OfPlans] = {}

    def answer(self, name: str, plans: list[PlanRow]) -> tuple[DomainAnswer | None, int]:
        """Give the verdicts on a domain as far as plans tell, and the hosts that are left."""
        left, chosen = self.hosts.every, []
        accepting = 0
        for plan in reversed(plans):
            found = self._found(plan)
            same = found.hosts & left
            if same:
                chosen.append((plan, same))
                accepting |= 0 if plan.is_refused else found.accepting & same
                left &= ~same
            if not left:
                break
        if not chosen:
            return None, left
        return DomainAnswer(name, lambda: self._sets(chosen), accepting), left

    def _found(self, plan: PlanRow) -> _OfPlans:
        key = plan.wanted, plan.partitions
        known = self._of_plans.get(key)
        if known is None:
            known = self._of_plans[key] = self._hosts_of(plan)
        return known

    def _hosts_of(self, plan: PlanRow) -> _OfPlans:
        table = self._table(plan.wanted)
        if any(one.others for one in table.resolutions):
            return _OfPlans(0, 0)
        hosts, refusing = table.with_world, 0
        for number, traces in self._index.traces(plan.partitions):
            held = self._of_table(table, number, traces)
            hosts &= held.hosts
            refusing |= held.refusing
        fitting = 0
        for resolution, same in table.resolutions.items():
            fitting |= same if resolution.has_world and not resolution.faults else 0
        # of those that have no such target the table alone says it
        without = self.hosts.every & ~table.with_world
        return _OfPlans(hosts | without, hosts & fitting & ~refusing)

    def _table(self, wanted: int) -> WorldTable:
        table = self._tables.get(wanted)
        if table is None:
            named = wanted_from(self._index.content(wanted))
            table = self._tables[wanted] = self.hosts.table(named, self._libvirt)
        return table

    def _of_table(self, table: WorldTable, number: int, traces: tuple[int, ...]) -> _Held:
        key = table.number, number
        known = self._held.get(key)
        if known is None:
            partition = held(table, map(self._trace, traces))
            hosts = refusing = 0
            for same, outcome in partition.sets:
                hosts |= same
                refusing |= same if any(f.severity == "error" for f in outcome.found) else 0
            known = self._held[key] = _Held(partition, hosts, refusing)
        return known

    def _trace(self, number: int) -> UnitTrace:
        known = self._traces.get(number)
        if known is None:
            known = self._traces[number] = trace_from(self._index.content(number))
        return known

    def _sets(self, chosen: list[tuple[PlanRow, int]]) -> tuple[HostSet, ...]:
        return tuple(
            one._replace(hosts=one.hosts & hosts)
            for plan, hosts in chosen
            for one in self._verdicts(plan)
            if one.hosts & hosts
        )

    def _verdicts(self, plan: PlanRow) -> list[HostSet]:
        table, index = self._table(plan.wanted), self._index
        results = tuple(
            (self._of_table(table, number, traces).partition, place.order, place.numbers)
            for (number, traces), place in zip(
                index.traces(plan.partitions), places_from(index.content(plan.places)), strict=True
            )
        )
        everywhere = outcome_from(index.content(plan.everywhere))
        sets = self._answering.sets(table, everywhere, results)
        return [without_consequences(one) for one in host_sets(table, sets)]
