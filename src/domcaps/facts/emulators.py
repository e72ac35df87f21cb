"""The emulators of a host: what may be asked of them, wherever they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from domcaps.checked import checked
from domcaps.errors import UnsupportedTargetError
from domcaps.facts.emulator import EmulatorFacts
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.facts.record import EmulatorRecord


class Emulators(Protocol):
    """Where a host's emulators come from: a recording, or the machine itself."""

    def paths(self) -> tuple[str, ...]:
        """Name the emulators there are."""

    def get(self, path: str) -> EmulatorFacts:
        """Give the facts of one; raises a `DomcapsError` where that one can't be asked."""

    def find(self, name: str) -> str:
        """Give the path of the program of that name, "" where there is none."""


_IN_USE: WeakValueDictionary[int, EmulatorFacts] = WeakValueDictionary()
"""Facts by the identity of their record, which they keep: what is decoded of it is kept once."""


def _facts_of(record: EmulatorRecord) -> EmulatorFacts:
    """Give the facts of a record; hosts that share the record share them."""
    known = _IN_USE.get(id(record))
    if known is None:
        known = _IN_USE[id(record)] = EmulatorFacts(record)
    return known


class RecordedEmulators:
    """Emulators out of a recording."""

    def __init__(self, records: Iterable[EmulatorRecord]) -> None:
        self._emulators = {record.path: _facts_of(record) for record in records}

    def take(self, emulators: Iterable[EmulatorFacts]) -> None:
        """Add emulators whose facts are at hand: several hosts may share them."""
        self._emulators.update((facts.path, facts) for facts in emulators)

    @checked
    def paths(self) -> tuple[str, ...]:
        """Name those that were recorded."""
        return tuple(self._emulators)

    @checked
    def get(self, path: str) -> EmulatorFacts:
        """Give a recorded one."""
        if path not in self._emulators:
            raise UnsupportedTargetError(
                f"this host has no emulator {path!r} (as recorded)",
                remedy=nearest_of("it holds", path, self.paths()),
                about="emulator",
            )
        return self._emulators[path]

    @checked
    def find(self, name: str) -> str:
        """Compare the last part of each path."""
        for path in self._emulators:
            if path == name or path.rpartition("/")[2] == name:
                return path
        return ""


def nearest_of(text: str, name: str, names: Iterable[str], first: int = 0) -> str:
    """List what is known behind a text, the nearest to `name` first, not too many.

    As many as `first` keep their place before those.
    """
    listed = list(names)
    near = close_matches(name, listed[first:], n=8, cutoff=0.4)
    near = listed[:first] + near
    shown = near + [other for other in listed if other not in near]
    return f"{text} {', '.join(shown[:12])}{' …' if len(shown) > 12 else ''}" if shown else ""
