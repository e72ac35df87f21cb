"""Emulators that fail when they are asked: not every call starts them again.

A failure is kept with what the emulator consists of, on the disk where there is a cache, so that
processes share it. The next call asks again; after further failures in a row the pauses grow: 1 s,
2 s, 4 s … 60 s. An emulator of which something changed is asked at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from domcaps import errors
from domcaps.errors import ProbeError, UntrustedProgramError
from domcaps.fresh.disk import DiskStore, stored_trace
from domcaps.fresh.package_identity import answer_name
from domcaps.fresh.store import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fresh.disk import StoredTrace
    from domcaps.fresh.fetch import Fetch

T = TypeVar("T")

_FOLDER, _FOLDER_LIMIT = "failures", 4 << 20
_LONGEST_PAUSE = 60.0
_LONGEST_DOUBTED = 4.0
"""Seconds of the longest pause where a change of the emulator might not be noticed."""


class EmulatorFailure(msgspec.Struct, frozen=True):
    """A failure: the error, how often in a row it came, and the time of the next attempt."""

    kind: str
    message: str
    where: str
    remedy: str
    count: int
    until: float

    def left(self) -> float:
        """Give the seconds until the emulator is asked again; 0 where that is now.

        A time that lies too far ahead was written before the clock was set back.
        """
        left = self.until - time.time()
        return left if 0 < left <= _LONGEST_PAUSE else 0.0

    def error(self) -> ProbeError:
        """Give the error once more, with a note of the next attempt."""
        kind = getattr(errors, self.kind, ProbeError)
        found: ProbeError = kind(self.message, where=self.where, remedy=self.remedy)
        found.add_note(f"it failed {self.count} times, and is asked again in {self.left():.0f} s")
        return found


def ask_with_pauses(fetch: Fetch, parts: tuple[str, ...], ask: Callable[[Fetch], T]) -> T:
    """Ask an emulator, unless it failed repeatedly and just now; raises `ProbeError`.

    `parts` tell what is asked, as in `domcaps.fresh.disk_memo.remembered`.
    """
    name = answer_name("failure", *parts)
    known = _recall(fetch, name)
    if known is not None and known.left():
        raise known.error()
    attempt = fetch.attempt()
    try:
        return ask(attempt)
    except UntrustedProgramError:
        # what would change that is not looked at
        raise
    except ProbeError as error:
        _keep(fetch, name, attempt, _next(error, attempt, known))
        raise
    finally:
        fetch.join(attempt)


def _next(error: ProbeError, attempt: Fetch, known: EmulatorFailure | None) -> EmulatorFailure:
    count = 1 if known is None else known.count + 1
    longest = _LONGEST_PAUSE if attempt.is_lasting else _LONGEST_DOUBTED
    pause = min(2.0 ** (count - 2), longest) if count > 1 else 0.0
    kind = type(error).__name__
    until = time.time() + pause
    return EmulatorFailure(kind, error.message, error.where, error.remedy, count, until)


def kept_failures(disk: DiskStore | None) -> Iterator[EmulatorFailure]:
    """Give the failures of emulators that are not asked again yet."""
    if disk is None:
        return
    store = _store(disk)
    for name in store.names():
        stored = store.load(name)
        found = None if stored is None else _decoded(stored)
        if found is not None and found.left():
            yield found


def _store(disk: DiskStore) -> DiskStore:
    return DiskStore(f"{disk.path}/{_FOLDER}", _FOLDER_LIMIT)


def _recall(fetch: Fetch, name: str) -> EmulatorFailure | None:
    """Give a failure that is not long ago, of an emulator that is what it was then."""
    stored = fetch.failures.get(name) if fetch.disk is None else _store(fetch.disk).load(name)
    found = None if stored is None else _decoded(stored)
    if stored is None or found is None or time.time() - found.until > _LONGEST_PAUSE:
        return None
    attempt = fetch.attempt()
    holds = all(attempt.recall(witness, seen, stamp) for witness, seen, stamp in stored.depends)
    return found if holds else None


def _keep(fetch: Fetch, name: str, attempt: Fetch, failure: EmulatorFailure) -> None:
    sightings = [(part, version) for part, version in attempt.trace if isinstance(part, Sighting)]
    stored = stored_trace(sightings, failure)
    if stored is None:
        return
    if fetch.disk is None or not _store(fetch.disk).save(name, stored):
        fetch.failures[name] = stored


def _decoded(stored: StoredTrace) -> EmulatorFailure | None:
    try:
        return msgspec.json.decode(stored.value, type=EmulatorFailure)
    except (msgspec.DecodeError, ValueError):
        return None
