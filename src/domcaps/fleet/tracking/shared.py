"""Values that follow from a world, shared by the hosts on which the same was read for them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from domcaps.fleet.tracking.recorder import KeptValue, ReadKey

_MOST_VALUES = 20_000
_MOST_TRACES = 64
"""Values with one name that are compared with the reads of another host."""


class TableValues:
    """The values of all hosts of a table, by name: each with what was read for it."""

    def __init__(self) -> None:
        self._count = 0
        self._known: defaultdict[Hashable, list[KeptValue]] = defaultdict(list)

    def of(self, name: Hashable) -> list[KeptValue]:
        """Give the values that hosts have under a name."""
        return self._known.get(name, [])

    def add(self, name: Hashable, kept: KeptValue) -> None:
        """Offer a value to other hosts."""
        if self._count >= _MOST_VALUES:
            self._known.clear()
            self._count = 0
        known = self._known[name]
        if len(known) < _MOST_TRACES:
            known.append(kept)
            self._count += 1


class WorldValues(dict[Any, Any]):
    """The values of one world: its own, and those of others for which it reads the same.

    `holds` tells whether a read finds a value in this world.
    """

    def __init__(self, shared: TableValues, holds: Callable[[ReadKey, Any], bool]) -> None:
        super().__init__()
        self._shared, self._holds = shared, holds

    def get(self, name: Any, default: Any = None) -> Any:
        """Give a value with its reads; `default` where no host has it for the same reads."""
        kept = super().get(name)
        if kept is not None:
            return kept
        for other in self._shared.of(name):
            if all(self._holds(key, found) for key, found in other.frame.host.items()):
                super().__setitem__(name, other)
                return other
        return default

    def __setitem__(self, name: Any, kept: KeptValue) -> None:
        """Keep a value, but none that depends on a document."""
        if kept.frame.document:
            return
        if len(self) >= _MOST_VALUES:
            self.clear()
        super().__setitem__(name, kept)
        self._shared.add(name, kept)
