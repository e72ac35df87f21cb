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
    from domcaps.fleet.index import PlanOfDomain, PlanRow, VerdictIndex
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

    def prepare(self, plans: Iterable[list[PlanOfDomain]]) -> None:
        """Read at once what the answers on domains need."""
        self._index.read_contents({plan.row.partitions for some in plans for plan in some})

    def answer(
        self, name: str, domain: bytes, plans: list[PlanOfDomain]
    ) -> tuple[DomainAnswer | None, int]:
        """Give the verdicts on a domain as far as plans tell, and the hosts that are left."""
        left, chosen, accepting = self._columns.every, [], 0
        for plan in reversed(plans):
            row = plan.row
            found = self._found(row)
            same = found.hosts & left
            if same and plan.moment is not None:
                same &= ~self._columns.lacking(row.wanted, domain, plan)
            if same:
                chosen.append((row, same))
                accepting |= 0 if row.is_refused else found.accepting & same
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
        hosts, refusing = table.with_world, 0
        for number in held.lacking.keys() & numbers if held.lacking else ():
            hosts &= ~held.lacking[number]
        for number in held.refusing.keys() & numbers:
            refusing |= held.refusing[number]
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

    def _sets(self, chosen: list[tuple[PlanRow, int]]) -> tuple[HostSet, ...]:
        return tuple(
            one._replace(hosts=one.hosts & hosts)
            for plan, hosts in chosen
            for one in self._verdicts(plan)
            if one.hosts & hosts
        )

    def _verdicts(self, plan: PlanRow) -> tuple[HostSet, ...]:
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
