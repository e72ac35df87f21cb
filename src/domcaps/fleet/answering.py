"""From what single checks find to the verdicts of sets of hosts, with places in one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.answers import DomainAnswer, HostSet
from domcaps.fleet.partitions import are_coupled, couplings, joined, merged
from domcaps.fleet.units import SILENT, UnitOutcome, without_shadowed
from domcaps.validate.consequences import causes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.fleet.hosts import WantedTarget
    from domcaps.fleet.judging import CheckResult
    from domcaps.fleet.partitions import HostTable, Partition, Partitions, Reason, Sets
    from domcaps.fleet.units import FleetDocument

_MOST = 10_000


Placed = tuple["Partition", int, "tuple[tuple[int, int], ...] | None"]
"""A partition with the place of its check, and the handles of elements with their numbers.

None stands for findings that have numbers already.
"""


class VerdictPlan(NamedTuple):
    """All that the verdicts of any hosts on a document follow from, as far as it is known.

    `everywhere` is found on all hosts, the results are those of checks that read hosts or found
    something.
    """

    wanted: WantedTarget
    everywhere: UnitOutcome
    results: tuple[Placed, ...]


def plan_of(
    wanted: WantedTarget, everywhere: UnitOutcome, results: tuple[Placed, ...]
) -> VerdictPlan:
    """Make a plan; what is undecided in this document alone is undecided on all hosts."""
    own = [outcome for one, _, _ in results if one.is_own for _, outcome in one.sets]
    if any(outcome.unknown for outcome in own):
        everywhere = joined((everywhere, *own))
    return VerdictPlan(wanted, everywhere, results)


class Answering:
    """Puts together what is found in documents; equal ones are put together once."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self._known: dict[Any, Sets] = {}

    def answer(self, name: str, table: HostTable, plan: VerdictPlan) -> DomainAnswer:
        """Give the verdicts on a domain; the sets of hosts are made when they are wanted."""

        def sets() -> tuple[HostSet, ...]:
            found = self.sets(table, plan.everywhere, plan.results)
            return tuple(map(without_consequences, host_sets(table, found)))

        def reasons() -> dict[Reason, int]:
            return reasons_of(table, plan)

        codes = couplings(plan.everywhere).union(*[one.couplings for one, _, _ in plan.results])
        accept = accepting(table, plan.everywhere, plan.results)
        return DomainAnswer(name, sets, accept, None if are_coupled(codes) else reasons)

    def sets(self, table: HostTable, everywhere: UnitOutcome, results: Iterable[Placed]) -> Sets:
        """Give what is found by hosts; `everywhere` is found on all."""
        placed = tuple([one for one in results if not one[0].is_silent])
        key = table.number, everywhere, placed
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[key] = self._together(table, everywhere, placed)
        return known

    def _together(
        self, table: HostTable, everywhere: UnitOutcome, placed: Iterable[Placed]
    ) -> Sets:
        common = [everywhere]
        differing: dict[Partition, list[list[UnitOutcome]]] = {}
        for partition, order, numbers in placed:
            outcomes = [_at(outcome, order, numbers) for _, outcome in partition.sets]
            if len(outcomes) == 1:
                common += outcomes
            else:
                differing.setdefault(partition, []).append(outcomes)
        kinds = tuple(sorted(differing, key=lambda one: one.number))
        # what parts that are alike find differs in its places alone
        found = [[joined(some) for some in zip(*differing[k], strict=True)] for k in kinds]
        first = joined(common)
        return merged(
            (hosts, without_shadowed(joined((first, *_chosen(found, numbers)))))
            for hosts, numbers in self._partitions.split(table, kinds)
        )


def host_sets(table: HostTable, sets: Sets) -> Iterator[HostSet]:
    """Give the verdicts of hosts on a target, those included that lack it."""
    for resolution, same in table.resolutions.items():
        if not resolution.has_world:
            yield HostSet(same, resolution, SILENT)
            continue
        for hosts, outcome in sets:
            if hosts & same:
                yield HostSet(hosts & same, resolution, outcome)


def without_consequences(one: HostSet) -> HostSet:
    """Leave out what follows from another finding, as a check of one host does at its end."""
    causes = causes_of(one.outcome.found)
    if not any(causes):
        return one
    left = (f for f, cause in zip(one.outcome.found, causes, strict=True) if cause is None)
    return one._replace(outcome=one.outcome._replace(found=tuple(left)))


def accepting(table: HostTable, everywhere: UnitOutcome, results: Iterable[Placed]) -> int:
    """Give the hosts on which nothing that is found refuses the domain."""
    if everywhere.refuses:
        return 0
    hosts = table.fitting
    for partition, _, _ in results:
        hosts &= ~partition.refusing
    return hosts


def reasons_of(table: HostTable, plan: VerdictPlan) -> dict[Reason, int]:
    """Give all errors with the hosts that find them, where none depends on another one."""
    found: dict[Reason, int] = {}
    for resolution, same in table.resolutions.items():
        for fault in resolution.faults:
            reason = fault.code, fault.message
            found[reason] = found.get(reason, 0) | same
    for one in plan.everywhere.errors:
        found[one.code, one.message] = table.with_world
    for partition, _, _ in plan.results:
        for reason, hosts in partition.reasons.items():
            found[reason] = found.get(reason, 0) | hosts
    return found


def _chosen(found: list[list[UnitOutcome]], numbers: tuple[int, ...]) -> Iterable[UnitOutcome]:
    return [some[number] for some, number in zip(found, numbers, strict=True)]


def placed(judged: CheckResult, document: FleetDocument) -> Placed:
    """Give a result with the numbers of its elements in the document."""
    partition, order, elements = judged
    if elements is None or not partition.has_findings:
        return partition, order, None
    nodes: Any = elements
    numbers = [(h, document.number_of(nodes[h])) for h in partition.handles]
    return partition, order, tuple(numbers)


def _at(
    outcome: UnitOutcome, order: int, numbers: tuple[tuple[int, int], ...] | None
) -> UnitOutcome:
    """Give an outcome with the numbers of its elements in the document."""
    if not outcome.found:
        return outcome
    if numbers is None:
        return outcome._replace(found=tuple([one._replace(order=order) for one in outcome.found]))
    of = dict(numbers)
    return outcome._replace(
        found=tuple([one._replace(element=of[one.element], order=order) for one in outcome.found])
    )
