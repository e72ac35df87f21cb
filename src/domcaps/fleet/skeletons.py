"""What documents of one skeleton share: which texts each of their units reads, and what it found.

Units that read the same places of a document form a *group*; its cells are what was found for the
texts at these places. So a new document of a known skeleton costs one look-up for each group.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.hosts import lowest
from domcaps.fleet.partitions import Partition, Partitions, joined
from domcaps.fleet.units import (
    SILENT,
    CheckUnit,
    FleetDocument,
    Hidden,
    Look,
    UnitOutcome,
    UnitTrace,
    units_of,
    units_of_part,
)
from domcaps.validate.check import MAX_SECONDS
from domcaps.validate.document.shape_ids import NO_SHAPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.hosts import WorldTable
    from domcaps.fleet.tracking.recorder import ReadFrame
    from domcaps.validate.checks import PartChecks

    Place = tuple[int, str]

_MOST_TEXTS = 64
"""Texts of a group that are tried before units that read no host are asked for each document."""

_MOST_CELLS = 4096


class PartialFindings(NamedTuple):
    """What is found on all hosts, and what each host finds besides."""

    common: UnitOutcome
    parts: tuple[Partition, ...]


class _Cell:
    """What the units of a group found for some texts.

    `common` is from units that read nothing of a host; `traces` are those of the others.
    """

    def __init__(self) -> None:
        self.common: UnitOutcome = SILENT
        self.traces: dict[CheckUnit, list[UnitTrace]] = {}
        self.is_complete = False
        self.found: dict[int, PartialFindings] = {}


class _Group:
    """Units that read the same places."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.places = places
        self.units: list[CheckUnit] = []
        self.cells: dict[tuple[str | None, ...], _Cell] = {}
        self.reads_hosts = False

    def texts(self, order: list[Any]) -> tuple[str | None, ...]:
        """Give the texts of a document at the places of the group."""
        return tuple([order[n].get(name) if name else order[n].text for n, name in self.places])


class Looks:
    """The looks at one document, by host: made when the first unit needs one."""

    def __init__(self, document: FleetDocument, table: WorldTable) -> None:
        self._document, self.table = document, table
        self._deadline = time.monotonic() + MAX_SECONDS
        self._most_work = 0.0
        self._made: dict[tuple[int, bool], Look] = {}

    def _be_in_time(self) -> None:
        """Count work only from here on: a busy machine says nothing about the document."""
        work = time.thread_time()
        self._most_work = self._most_work or work + MAX_SECONDS
        if work > self._most_work:
            raise TooLong

    def at(self, host: int, *, seen: bool) -> Look:
        """Give the look in the world of a host; raises `TooLong`."""
        if time.monotonic() > self._deadline:
            self._be_in_time()
        world = self.table.world(host)
        key = id(world), seen
        if key not in self._made:
            self._made[key] = Look(self._document, world, seen=seen)
        return self._made[key]


def trace_of(frame: ReadFrame, outcome: UnitOutcome) -> UnitTrace:
    """Give what a unit read of a host with what it came to."""
    return UnitTrace(tuple(frame.host.items()), outcome if any(outcome) else SILENT)


class TooLong(Exception):  # noqa: N818 - ends a look
    """A document takes more time than any that is meant."""


class _Outside(Exception):  # noqa: N818 - a unit reads more than the shape of its part
    pass


class _Moved(Exception):  # noqa: N818 - a unit reads more than its group
    pass


class Skeleton:
    """What is known of the documents of one skeleton."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Place, ...], _Group] = {}
        self._hidden: list[CheckUnit] = []
        self._hidden_classes: list[PartChecks] = []
        self._is_known = False
        self._local: list[tuple[Any, CheckUnit, int]] = []
        self._local_found: dict[int, PartialFindings] = {}

    def findings(
        self, document: FleetDocument, table: WorldTable, known: Partitions
    ) -> PartialFindings:
        """Give what is found in a document on every host, and what differs between hosts."""
        looks = Looks(document, table)
        if not self._is_known:
            self._learn(document, looks.at(lowest(table.with_world), seen=True), known)
        while True:
            try:
                cells = [self._of_local(looks, known)]
                cells += [
                    self._of_group(group, document, looks, known)
                    for group in list(self._groups.values())
                ]
                break
            except _Moved:
                continue
        cells.append(self._of_hidden(looks, known))
        common = joined([common for common, _ in cells])
        return PartialFindings(common, tuple(one for _, some in cells for one in some))

    def _learn(self, document: FleetDocument, look: Look, known: Partitions) -> None:
        """Group the units by what they read on the first host."""
        self._is_known = True
        for unit in units_of(look, document.walk):
            if not isinstance(unit, CheckUnit):
                self._hidden_classes.append(unit)
                continue
            node = look.node_of(unit)
            shape = document.walk.shape_of(node)
            key = (unit.part_checks, unit.check, unit.required, shape)
            if known.local.get(key) is None and not self._learn_unit(unit, look, key, known):
                continue
            self._local.append((key, unit, look.number_of(node)))

    def _learn_unit(self, unit: CheckUnit, look: Look, key: Any, known: Partitions) -> bool:
        """Run a unit for the first time; tell whether it reads nothing but its part's shape."""
        try:
            frame, outcome = look.run(unit)
        except Hidden:
            self._hidden.append(unit)
            return False
        reads_more = frame.texts or frame.outside or key[-1] == NO_SHAPE or outcome.found
        if reads_more or key in known.local:
            # where it is there, it was local until a host showed otherwise
            self._into_group(unit, frame.texts)
            return False
        known.local[key] = [trace_of(frame, outcome)]
        return True

    def _of_local(self, looks: Looks, known: Partitions) -> PartialFindings:
        """Give what units find that look at nothing but the shape of their part.

        What one of them finds on some host has a place in this document: then it is asked here.
        """
        found = self._local_found.get(looks.table.number)
        if found is not None:
            return found
        common, parts = [], []
        for key, unit, _ in self._local:

            def ask(host: int, unit: CheckUnit = unit) -> UnitTrace:
                frame, outcome = looks.at(host, seen=True).run(unit)
                if frame.texts or frame.outside or outcome.found:
                    raise _Outside
                return trace_of(frame, outcome)

            try:
                if known.local[key] is None:
                    raise _Outside
                part = known.of_shape(looks.table, key, ask)
            except _Outside:
                self._local.remove((key, unit, _))
                # what other tables found with it is found in a group from now on
                self._local_found.clear()
                known.local[key] = None
                self._into_group(unit, ())
                raise _Moved from None
            if any(not trace.reads for trace in part.traces):
                common.append(part.sets[0][1])
            else:
                parts.append(part)
        found = PartialFindings(joined(common), tuple(dict.fromkeys(parts)))
        self._local_found[looks.table.number] = found
        return found

    def _into_group(self, unit: CheckUnit, places: Iterable[Place]) -> None:
        key = tuple(sorted(places))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(key)
        group.units.append(unit)
        group.cells.clear()

    # -- groups --------------------------------------------------------------------------------

    def _of_group(
        self, group: _Group, document: FleetDocument, looks: Looks, known: Partitions
    ) -> PartialFindings:
        texts = group.texts(document.walk.order)
        cell = group.cells.get(texts)
        if cell is None:
            cell = _Cell()
            # where no host is read and texts are hardly met again, nothing is kept of them
            if len(group.cells) < (_MOST_CELLS if group.reads_hosts else _MOST_TEXTS):
                group.cells[texts] = cell
        found = cell.found.get(looks.table.number)
        if found is None:
            found = cell.found[looks.table.number] = self._in_cell(group, cell, looks, known)
        return found

    def _in_cell(
        self, group: _Group, cell: _Cell, looks: Looks, known: Partitions
    ) -> PartialFindings:
        if not cell.is_complete:
            look = looks.at(lowest(looks.table.with_world), seen=True)
            common = []
            for unit in list(group.units):
                trace = self._run(unit, group, look)
                if trace.reads:
                    group.reads_hosts = True
                    cell.traces[unit] = [trace]
                elif trace.outcome is not SILENT:
                    common.append(trace.outcome)
            cell.common = joined(common)
            cell.is_complete = True
        parts = []
        for unit, traces in cell.traces.items():

            def ask(host: int, unit: CheckUnit = unit) -> UnitTrace:
                return self._run(unit, group, looks.at(host, seen=True))

            parts.append(known.covering(looks.table, traces, ask))
        return PartialFindings(cell.common, tuple(dict.fromkeys(parts)))

    def _run(self, unit: CheckUnit, group: _Group, look: Look) -> UnitTrace:
        try:
            frame, outcome = look.run(unit)
        except Hidden:
            group.units.remove(unit)
            group.cells.clear()
            self._hidden.append(unit)
            raise _Moved from None
        if not frame.texts.keys() <= set(group.places):
            group.units.remove(unit)
            group.cells.clear()
            self._into_group(unit, {*group.places, *frame.texts})
            raise _Moved
        return trace_of(frame, outcome)

    # -- units that want to see the document itself ------------------------------------------------

    def _of_hidden(self, looks: Looks, known: Partitions) -> PartialFindings:
        if not self._hidden and not self._hidden_classes:
            return PartialFindings(SILENT, ())
        first = looks.at(lowest(looks.table.with_world), seen=False)
        units = list(self._hidden)
        for part_checks in self._hidden_classes:
            for number in range(len(first.parts(part_checks))):
                units += units_of_part(part_checks, number)
        common, parts = [], []
        for unit in units:

            def ask(host: int, unit: CheckUnit = unit) -> UnitTrace:
                frame, outcome = looks.at(host, seen=False).run(unit)
                return trace_of(frame, outcome)

            trace = ask(lowest(looks.table.with_world))
            if trace.reads:
                parts.append(known.covering(looks.table, [trace], ask))
            else:
                common.append(trace.outcome)
        return PartialFindings(joined(common), tuple(parts))
