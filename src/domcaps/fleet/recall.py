"""Verdicts from an index: what plans say of the hosts of a fleet as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.answering import Answering, VerdictPlan
from domcaps.fleet.answers import DomainAnswer
from domcaps.fleet.hosts import has_others
from domcaps.fleet.partitions import Partitions
from domcaps.fleet.portable import outcome_from, places_from, wanted_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.answers import HostSet
    from domcaps.fleet.columns import HeldSets, KeptColumns
    from domcaps.fleet.index import PlanOfDomain, VerdictIndex
    from domcaps.fleet.partitions import HostTable


class _OfPlans(NamedTuple):
    """What all plans with the same partitions say."""

    hosts: int
    accepting: int


class Recall:
    """The verdicts of hosts on domains of which an index has plans."""

    def __init__(self, index: VerdictIndex, columns: KeptColumns) -> None:
        self._index, self._columns = index, columns
        self._answering = Answering(Partitions())
        self._tables: dict[int, HostTable] = {}
        self._held: dict[int, HeldSets] = {}
        self._of_plans: dict[tuple[int, int], _OfPlans] = {}
        self._of_refusing: dict[tuple[int, frozenset[int]], _OfPlans] = {}

    def prepare(self, plans: Iterable[list[PlanOfDomain]]) -> None:
        """Read at once what the answers on domains need, and work out what many of them share."""
        every = {(plan.wanted, plan.partitions): plan for some in plans for plan in some}
        self._index.read_contents({partitions for _, partitions in every})
        for plan in every.values():
            self._found(plan)

    def answer(
        self, name: str, domain: bytes, plans: list[PlanOfDomain]
    ) -> tuple[DomainAnswer | None, int]:
        """Give the verdicts on a domain as far as plans tell, and the hosts that are left."""
        left, chosen, accepting = self._columns.every, [], 0
        for plan in reversed(plans):
            found = self._found(plan)
            same = found.hosts & left
            if same and plan.moment is not None:
                same &= ~self._columns.lacking(plan.wanted, domain, plan)
            if same:
                chosen.append((plan, same))
                accepting |= 0 if plan.is_refused else found.accepting & same
                left &= ~same
            if not left:
                break
        if not chosen:
            return None, left
        return DomainAnswer(name, lambda: self._sets(chosen), accepting), left

    def _found(self, plan: PlanOfDomain) -> _OfPlans:
        key = plan.wanted, plan.partitions
        known = self._of_plans.get(key)
        if known is None:
            known = self._of_plans[key] = self._hosts_of(plan)
        return known

    def _hosts_of(self, plan: PlanOfDomain) -> _OfPlans:
        wanted = plan.wanted
        table = self._table(wanted)
        if has_others(table.resolutions):
            return _OfPlans(0, 0)
        held = self._held[wanted]
        numbers = self._index.numbers(plan.partitions)
        if not held.known.issuperset(numbers):
            for number in numbers:
                if number not in held.known:
                    self._columns.look_up(wanted, number, held)
        lacking = held.lacking.keys() & numbers if held.lacking else ()
        told = frozenset(held.refusing.keys() & numbers).union(lacking)
        # many plans differ in what refuses on no host
        known = self._of_refusing.get((wanted, told))
        if known is None:
            known = self._of_refusing[wanted, told] = self._told(table, held, told)
        return known

    def _told(self, table: HostTable, held: HeldSets, numbers: frozenset[int]) -> _OfPlans:
        """Give what partitions say that refuse, or say nothing of some hosts."""
        hosts, refusing = table.with_world, 0
        for number in numbers:
            hosts &= ~held.lacking.get(number, 0)
            refusing |= held.refusing.get(number, 0)
        # of those that have no such target the table alone says it
        without = self._columns.every & ~table.with_world
        return _OfPlans(hosts | without, hosts & table.fitting & ~refusing)

    def _table(self, wanted: int) -> HostTable:
        table = self._tables.get(wanted)
        if table is None:
            named = wanted_from(self._index.content(wanted))
            table = self._tables[wanted] = self._columns.table(wanted, named)
            self._held[wanted] = self._columns.held(wanted)
        return table

    def _sets(self, chosen: list[tuple[PlanOfDomain, int]]) -> tuple[HostSet, ...]:
        return tuple(
            one._replace(hosts=one.hosts & hosts)
            for plan, hosts in chosen
            for one in self._verdicts(plan)
            if one.hosts & hosts
        )

    def _verdicts(self, plan: PlanOfDomain) -> tuple[HostSet, ...]:
        index, columns, wanted = self._index, self._columns, plan.wanted
        results = tuple(
            (columns.partition(wanted, number), place.order, place.numbers)
            for number, place in zip(
                index.numbers(plan.partitions), places_from(index.content(plan.places)), strict=True
            )
        )
        named = wanted_from(index.content(wanted))
        everywhere = outcome_from(index.content(plan.everywhere))
        found = VerdictPlan(named, everywhere, results)
        return self._answering.answer("", self._table(wanted), found).sets
