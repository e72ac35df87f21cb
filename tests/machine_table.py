"""One document judged for many machine types of many emulators.

The fleet's engine judges a document for many hosts, and makes a check again only where what the
check reads differs. Here the worlds are all machine types of some recordings.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from domcaps.fleet.answering import accepting, placed
from domcaps.fleet.common import CommonCheck
from domcaps.fleet.hosts import Resolution, SelectingTable, WorldTable
from domcaps.fleet.judging import Judge, Looks
from domcaps.fleet.partitions import Partitions
from domcaps.fleet.tracking.proxies import look
from domcaps.fleet.tracking.shared import TableValues, WorldValues
from domcaps.fleet.units import FleetDocument
from domcaps.language.domain import Domain
from domcaps.validate.document.parse import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domcaps.fleet.tracking.recorder import ReadKey
    from domcaps.language import World

_NUMBERS = itertools.count(-1, -1)


class MachineTable(SelectingTable):
    """Worlds by number: number *n* is bit *n* of a set, as for the hosts of a fleet."""

    def __init__(self, worlds: Sequence[World]) -> None:
        super().__init__()
        self.number = next(_NUMBERS)
        self.worlds = worlds
        self.with_world = self.fitting = (1 << len(worlds)) - 1
        self.resolutions = {Resolution(): self.with_world}
        self.has_others = False
        self.dialects = tuple(dict.fromkeys(world.target.dialect for world in worlds))
        images: Iterable[frozenset[str]] = (world.host.known_images for world in worlds)
        self.known_images = frozenset[str]().union(*images)
        values = TableValues()
        for number, world in enumerate(worlds):
            world.look = None
            world.kept["watched"] = WorldValues(values, self._reader(number))

    def world(self, number: int) -> World:
        """Give the world of that number."""
        return self.worlds[number]

    def _selection(self, key: ReadKey) -> dict[Any, int]:
        root, *rest = key
        path = tuple(rest)
        answers: dict[int, Any] = {}
        found: defaultdict[Any, int] = defaultdict(int)
        for number, world in enumerate(self.worlds):
            read = world.target if root == "target" else getattr(world, root)
            # worlds of one recording have one emulator and one host
            if id(read) not in answers:
                is_dialect = root == "target" and path == ("dialect",)
                answers[id(read)] = str(read.dialect) if is_dialect else look(read, path)
            found[answers[id(read)]] |= 1 << number
        return found


class MachineVerdicts:
    """The verdicts on documents in all worlds of a table."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self._table = MachineTable(worlds)
        self._judge = Judge(Partitions())

    def accepting(self, data: bytes) -> int:
        """Give the worlds in which a domain is accepted, whatever machine type it names itself."""
        table = cast("WorldTable", self._table)
        source = read(data)
        domain = Domain(source.root, self._table.world(0).again())
        common = CommonCheck(source, domain, frozenset(), math.inf, schema=False)
        walk = common.walk()
        looks = Looks(FleetDocument(source, walk, common.every, new=True), table)
        results = [placed(one, looks.document) for one in self._judge.judged(looks)]
        return accepting(table, common.outcome(), results)
