"""How hosts differ: sets of hosts on which a unit read the same, and so found the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.fleet.hosts import lowest
from domcaps.fleet.units import SILENT, UnitOutcome, UnitTrace, without_shadowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domcaps.fleet.hosts import WorldTable

    Sets = tuple[tuple[int, UnitOutcome], ...]
    """Sets of hosts, as numbers, with what is found on them; together all hosts of a table."""

_MOST = 200_000


class Partition:
    """What one unit finds, by hosts; equal ones are one object."""

    __slots__ = ("sets", "traces")

    def __init__(self, sets: Sets, traces: tuple[UnitTrace, ...]) -> None:
        self.sets = sets
        self.traces = traces


class Partitions:
    """The partitions of an engine, by what they are made of."""

    def __init__(self) -> None:
        self._known: dict[Any, Partition] = {}
        self._traces: dict[UnitTrace, UnitTrace] = {}
        self._sets: dict[Any, Sets] = {}
        self._of_shapes: dict[tuple[int, Any], Partition] = {}
        self.local: dict[Any, list[UnitTrace] | None] = {}
        """Traces of units that look at nothing but the shape of their part.

        None for those of which some host showed that they find something, or look further.
        """

    def of_shape(self, table: WorldTable, key: Any, ask: Callable[[int], UnitTrace]) -> Partition:
        """Give what a unit finds in all parts of a shape."""
        known = self._of_shapes.get((table.number, key))
        if known is None:
            known = self.covering(table, self.local[key] or [], ask)
            self._of_shapes[table.number, key] = known
        return known

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

    def sets(self, table: WorldTable, common: UnitOutcome, parts: tuple[Partition, ...]) -> Sets:
        """Give what is found by hosts, all parts together."""
        speaking = frozenset(one for one in parts if len(one.sets) > 1 or any(one.sets[0][1]))
        key = table.number, common, speaking
        known = self._sets.get(key)
        if known is None:
            if len(self._sets) >= _MOST:
                self._sets.clear()
            known = ((table.with_world, common),)
            for one in parts:
                if one in speaking:
                    known = refined(known, one.sets)
            known = merged((hosts, without_shadowed(outcome)) for hosts, outcome in known)
            self._sets[key] = known
        return known


def selected(table: WorldTable, trace: UnitTrace) -> int:
    """Give the hosts on which all reads of a trace find the same."""
    same = table.with_world
    for key, value in trace.reads:
        same &= table.select(key, value)
        if not same:
            break
    return same


def merged(sets: Iterable[tuple[int, UnitOutcome]]) -> Sets:
    """Join sets of hosts on which the same is found."""
    found: dict[UnitOutcome, int] = {}
    for hosts, outcome in sets:
        found[outcome] = found.get(outcome, 0) | hosts
    return tuple((hosts, outcome) for outcome, hosts in found.items())


def refined(sets: Sets, other: Iterable[tuple[int, UnitOutcome]]) -> Sets:
    """Split sets of hosts by others, and join what is found."""
    found: dict[UnitOutcome, int] = {}
    split = list(other)
    for hosts, outcome in sets:
        for more, added in split:
            same = hosts & more
            if same:
                both = joined((outcome, added))
                found[both] = found.get(both, 0) | same
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
