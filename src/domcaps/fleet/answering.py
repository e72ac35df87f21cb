"""From what single checks find to the verdicts of sets of hosts, with places in one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.partitions import joined, merged
from domcaps.fleet.units import UnitOutcome, without_shadowed
from domcaps.language.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.hosts import WantedTarget, WorldTable
    from domcaps.fleet.judging import CheckResult
    from domcaps.fleet.partitions import Partition, Partitions, Sets
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


class Answering:
    """Puts together what is found in documents; equal ones are put together once."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self._known: dict[Any, Sets] = {}

    def sets(self, table: WorldTable, everywhere: UnitOutcome, results: Iterable[Placed]) -> Sets:
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
        self, table: WorldTable, everywhere: UnitOutcome, placed: Iterable[Placed]
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


def accepting(table: WorldTable, everywhere: UnitOutcome, results: Iterable[Placed]) -> int:
    """Give the hosts on which nothing that is found refuses the domain."""
    if any(one.severity == Severity.ERROR.value for one in everywhere.found):
        return 0
    hosts = table.fitting
    for partition, _, _ in results:
        hosts &= ~partition.refusing
    return hosts


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
