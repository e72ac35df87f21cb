"""What checks found on the hosts of a fleet, by an index: looked up in facts, or as it was kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.hosts import FleetHosts, KnownTable, bits
from domcaps.fleet.partitions import Partition, held, merged, selected
from domcaps.fleet.portable import hosts_from, resolutions_from, sets_from, trace_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.fleet.hosts import Resolution, WantedTarget, WorldTable
    from domcaps.fleet.index import FleetMoment, PlanOfDomain, VerdictIndex
    from domcaps.fleet.partitions import HostTable
    from domcaps.fleet.units import UnitTrace


class HeldSets(NamedTuple):
    """What partitions say of the hosts of a target, by number, as far as it was looked up.

    `refusing` has the hosts on which a partition refuses, `lacking` those of which it says nothing;
    partitions without such hosts are in `known` alone.
    """

    known: set[int]
    refusing: dict[int, int]
    lacking: dict[int, int]

    def add(self, number: int, refusing: int, lacking: int) -> None:
        """Note what a partition says."""
        self.known.add(number)
        if refusing:
            self.refusing[number] = refusing
        if lacking:
            self.lacking[number] = lacking


class FactColumns:
    """Hosts of which the facts are looked up."""

    def __init__(self, index: VerdictIndex, hosts: FleetHosts, libvirt: str) -> None:
        self._index, self._hosts, self._libvirt = index, hosts, libvirt
        self._tables: dict[int, WorldTable] = {}
        self._traces: dict[int, UnitTrace] = {}
        self._partitions: dict[tuple[int, int], Partition] = {}

    def table(self, wanted: int, named: WantedTarget) -> WorldTable:
        """Give the hosts that have a target."""
        table = self._tables[wanted] = self._hosts.table(named, self._libvirt)
        return table

    def look_up(self, wanted: int, number: int, held: HeldSets) -> None:
        """Add on which hosts of a target a partition refuses."""
        found, covered = self.partition(wanted, number), 0
        for hosts, _ in found.sets:
            covered |= hosts
        held.add(number, found.refusing, self._tables[wanted].with_world & ~covered)

    def partition(self, wanted: int, number: int) -> Partition:
        """Give what a partition says of the hosts of a target."""
        known = self._partitions.get((wanted, number))
        if known is None:
            traces = map(self._trace, self._index.numbers(number))
            known = self._partitions[wanted, number] = held(self._tables[wanted], traces)
        return known

    def lacking(self, wanted: int, domain: bytes, plan: PlanOfDomain) -> int:
        """Give the hosts of which the traces that only a domain has say nothing."""
        table, lacking = self._tables[wanted], 0
        for traces in self._index.own(domain, plan.plan):
            left = table.with_world
            for trace in traces:
                left &= ~selected(table, trace, is_kept=False)
            lacking |= left
        return lacking

    def _trace(self, number: int) -> UnitTrace:
        known = self._traces.get(number)
        if known is None:
            known = self._traces[number] = trace_from(self._index.content(number))
        return known


class HostChanges(NamedTuple):
    """What became of the hosts of a moment.

    `copies` are pairs: the first host has now what the second one had then. `new` are the numbers
    of those that have facts which none had.
    """

    copies: tuple[tuple[int, int], ...]
    new: tuple[int, ...]

    def added(self, hosts: int) -> int:
        """Give hosts among the new ones by their numbers in the fleet."""
        return sum(1 << self.new[number] for number in bits(hosts)) if hosts else 0


def changes_since(moment: FleetMoment, digests: tuple[str, ...]) -> HostChanges:
    """Compare the facts of hosts with those that they had."""
    then = {digest: number for number, digest in enumerate(moment.digests)}
    copies, new = [], []
    for number, (before, now) in enumerate(zip(moment.digests, digests, strict=True)):
        if now != before and now in then:
            copies.append((number, then[now]))
        elif now != before:
            new.append(number)
    return HostChanges(tuple(copies), tuple(new))


class KeptColumns:
    """Hosts of which most are as they were at a moment, of which it was kept what was found.

    `name` is that of the moment in the index.
    """

    def __init__(
        self,
        index: VerdictIndex,
        moment: FleetMoment,
        changes: HostChanges,
        new: FactColumns | None,
        every: Callable[[], FactColumns],
    ) -> None:
        self._index, self._changes, self._new = index, changes, new
        self._every = every
        self.name = index.name_of_moment(moment)
        self.every = (1 << len(moment.names)) - 1
        changed = sum(1 << n for n in {*changes.new, *(n for n, _ in changes.copies)})
        self._same = self.every & ~changed
        self._targets = index.targets(self.name)
        self._refusing = index.refusing(self.name)
        self._named: dict[int, WantedTarget] = {}
        self._partitions: dict[tuple[int, int], Partition] = {}

    def _moved(self, hosts: int) -> int:
        """Give the hosts that have now what some had at the moment."""
        moved = hosts & self._same
        for host, then in self._changes.copies:
            moved |= (hosts >> then & 1) << host
        return moved

    def table(self, wanted: int, named: WantedTarget) -> HostTable:
        """Give the hosts that have a target."""
        self._named[wanted] = named
        if wanted not in self._targets:
            return self._live.table(wanted, named)
        found: dict[Resolution, int] = {}
        for one, hosts in resolutions_from(self._targets[wanted]).items():
            if moved := self._moved(hosts):
                found[one] = moved
        if self._new is not None:
            for one, hosts in self._new.table(wanted, named).resolutions.items():
                found[one] = found.get(one, 0) | self._changes.added(hosts)
        return KnownTable(found)

    def held(self, wanted: int) -> HeldSets:
        """Give what is known of partitions before any is looked up."""
        held = HeldSets(set(), {}, {})
        for number, hosts in self._refusing.get(wanted, {}).items():
            if self._new is None:
                held.add(number, self._moved(hosts_from(hosts)) if hosts else 0, 0)
        return held

    def look_up(self, wanted: int, number: int, held: HeldSets) -> None:
        """Add on which hosts of a target a partition refuses."""
        kept = self._refusing.get(wanted, {}).get(number)
        if kept is None or self._new is None:
            self._of_every(wanted).look_up(wanted, number, held)
            return
        new = HeldSets(set(), {}, {})
        self._new.look_up(wanted, number, new)
        refusing = self._moved(hosts_from(kept)) | self._changes.added(new.refusing.get(number, 0))
        held.add(number, refusing, self._changes.added(new.lacking.get(number, 0)))

    def partition(self, wanted: int, number: int) -> Partition:
        """Give what a partition says of the hosts of a target."""
        if number not in self._refusing.get(wanted, {}):
            return self._of_every(wanted).partition(wanted, number)
        known = self._partitions.get((wanted, number))
        if known is None:
            known = self._partitions[wanted, number] = self._kept(wanted, number)
        return known

    def _kept(self, wanted: int, number: int) -> Partition:
        """Make a partition of what was kept at the moment, and of the new hosts."""
        kept = sets_from(self._index.sets(self.name, wanted, number))
        sets = [(moved, outcome) for hosts, outcome in kept if (moved := self._moved(hosts))]
        if self._new is not None:
            new = self._new.partition(wanted, number).sets
            sets += [(self._changes.added(hosts), outcome) for hosts, outcome in new]
        return Partition(merged(sets), ())

    def lacking(self, wanted: int, domain: bytes, plan: PlanOfDomain) -> int:
        """Give the hosts of which the traces that only a domain has say nothing."""
        if plan.moment != self.name:
            return self._of_every(wanted).lacking(wanted, domain, plan)
        new = 0 if self._new is None else self._new.lacking(wanted, domain, plan)
        return self._changes.added(new)

    def _of_every(self, wanted: int) -> FactColumns:
        """Look up the facts of all hosts, for what was not kept at the moment."""
        self._live.table(wanted, self._named[wanted])
        return self._live

    @cached_property
    def _live(self) -> FactColumns:
        return self._every()
