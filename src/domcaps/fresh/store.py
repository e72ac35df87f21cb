"""The store: what is remembered of each key and each witness."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from domcaps.fresh.identity import Identity
from domcaps.fresh.witness import seen_digest
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.fresh.guard import Watermark
    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.key import Key
    from domcaps.fresh.witness import Seen, Witness

T = TypeVar("T")

_LONGEST_PAUSE = 60.0

UNSEEN: Any = object()
"""What is known of a witness that was not checked: at most its digest is known, from a file."""


class Doubt(msgspec.Struct, frozen=True):
    """Why a value must not be used in another call.

    `is_momentary` says that computing it again may give a complete value: a process that was
    killed, a limit that was reached. Otherwise a change of the value's inputs could go unseen.
    """

    text: str
    is_momentary: bool = False


class Held(NamedTuple):
    """What a part of a trace was at one moment: its version and its value belong together.

    `value` is that of an entry, or what was seen of a witness. `error` is set where there is none.
    """

    part: Entry[Any] | Sighting
    version: int
    value: Any
    error: Exception | None = None


class LogicalClock:
    """Moments in their order, for telling what was looked at since a call began."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def moment(self) -> int:
        """Give a moment later than all given before."""
        return next(self._count)


class Sighting:
    """What was last seen of one witness.

    `version` grows whenever something else is seen. `stamp` is None unless it is settled, so that
    it proves something. `verified` is a moment after which what was seen last was still so.
    """

    __slots__ = ("_digest", "lock", "seen", "stamp", "verified", "version", "witness")

    def __init__(self, witness: Witness) -> None:
        self.witness: Witness = witness
        self.lock = threading.Lock()
        self.seen: Seen = UNSEEN
        self.stamp: Seen = None
        self.version = 0
        self.verified: int = 0
        self._digest = ""

    @property
    def digest(self) -> str:
        """The digest of what was seen, "" if it was not probed."""
        if not self._digest and self.seen is not UNSEEN:
            self._digest = seen_digest(self.seen)
        return self._digest

    def watched(self, host_view: HostView) -> str:
        """Name the path whose changes the kernel tells of; "" where it has to be looked at."""
        return self.witness.watched(host_view)

    def offer(self, seen: Seen, stamp: Seen, start: int) -> None:
        """Take what somebody saw who began to look at the time `start`, or later."""
        before = self.seen
        changed = self._digest != seen_digest(seen) if before is UNSEEN else seen != before
        if changed:
            self.version += 1
            self._digest = ""
        self.seen = seen
        settled = not isinstance(stamp, Identity) or stamp.is_settled(start)
        self.stamp = stamp if settled else None

    @property
    def held(self) -> Held:
        """Give what was seen with its version; the lock must be held."""
        return Held(self, self.version, self.seen)

    def proof(self, version: int) -> tuple[str, Identity | None] | None:
        """Give the digest and the stamp of a version; None where that is not the last one."""
        with self.lock:
            if self.version != version:
                return None
            return self.digest, self.stamp if isinstance(self.stamp, Identity) else None

    def is_same(self, host_view: HostView) -> bool:
        """Look whether it is as it was seen last. Nothing is noted."""
        if self.stamp is not None and self.witness.glance(host_view) == self.stamp:
            return True
        return self.seen is not UNSEEN and self.witness.look(host_view) == self.seen

    def look(self, host_view: HostView, start: int) -> None:
        """Look if need be, and note what is seen. `start` is a time before this."""
        stamp = self.witness.glance(host_view)
        if stamp is None or stamp != self.stamp:
            self.offer(self.witness.look(host_view), stamp, start)

    def recall(self, digest: str, stamp: Seen, host_view: HostView, start: int) -> None:
        """Check against what a file says was seen, so that most need not be looked at."""
        if not self.version and stamp is not None and self.witness.glance(host_view) == stamp:
            self.version, self.stamp, self._digest = 1, stamp, digest
        else:
            self.look(host_view, start)


class Entry(Generic[T]):
    """What is remembered of one key: its value, and the trace that proves it.

    The trace holds what the task fetched, in that order, with the version that each had; it is None
    where there is no value. A value with `doubts` must not be used in another call, or only until
    `retry_at` where computing it failed repeatedly. `verified` is a moment: whatever the value was
    made from was verified after it. `news_at` is the moment of the last change that was found
    while it was verified. `run_begun` is the begin of the pass that computed it. `guard` tells in
    a few microseconds that nothing happened, where that is possible.
    """

    __slots__ = (
        "checked_at", "doubts", "error", "error_begun", "failures", "from_disk", "guard", "key",
        "lock", "made_at", "news_at", "retry_at", "run_begun", "seconds", "trace", "value",
        "verified", "version",
    )  # fmt: skip

    def __init__(self, key: Key[T]) -> None:
        self.key: Key[T] = key
        # the same thread may come again: a key's task asks for other keys only, but a signal
        # handler may ask for this one
        self.lock = threading.RLock()
        self.value: T | None = None
        self.version = 0
        self.trace: tuple[tuple[Entry[Any] | Sighting, int], ...] | None = None
        self.verified: int = 0
        self.news_at: int = 0
        self.run_begun: int = 0
        self.doubts: tuple[Doubt, ...] = ()
        self.failures = 0
        self.retry_at = 0.0
        self.guard: Watermark | None = None
        self.error: Exception | None = None
        self.error_begun = 0
        self.made_at: float = 0.0
        self.checked_at: float = 0.0
        self.seconds: float = 0.0
        self.from_disk: bool = False

    @property
    def is_lasting(self) -> bool:
        """Tell whether the value may be used in another call, if its trace holds."""
        return not self.doubts

    @property
    def held(self) -> Held:
        """Give the value with its version; the lock must be held."""
        return Held(self, self.version, self.value, self.error if self.trace is None else None)

    def is_waiting(self) -> bool:
        """Tell whether a value that is incomplete is not yet to be computed again."""
        return time.monotonic() < self.retry_at

    def doubt(self, doubts: tuple[Doubt, ...]) -> None:
        """Take note why the value is not lasting, and when to compute it again.

        The next call does so at once. Where that fails too, the pause grows: 1 s, 2 s, 4 s …
        """
        self.doubts = doubts
        if not any(found.is_momentary for found in doubts):
            self.failures, self.retry_at = 0, 0.0
            return
        pause = min(2.0 ** (self.failures - 1), _LONGEST_PAUSE) if self.failures else 0.0
        self.failures = min(self.failures + 1, 10)
        self.retry_at = time.monotonic() + pause

    def keep(self, value: T, same: Callable[[T, T], bool]) -> None:
        """Take a value, unless it equals the one before, which then stays. It must not be None."""
        if self.value is None or not same(self.value, value):
            self.value = value
            self.version += 1

    def fail(self, error: Exception, begun: int) -> None:
        """Take note that the task failed in a run that began at the moment `begun`."""
        self.value = None
        self.trace = None
        self.version += 1
        self.error, self.error_begun = error, begun


class Store:
    """Entries by key, sightings by witness."""

    def __init__(self) -> None:
        self._entries: dict[Key[Any], Entry[Any]] = {}
        self._sightings: dict[Witness, Sighting] = {}

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._entries)

    def known(self, key: Key[T]) -> Entry[T] | None:
        """Give the entry of a key, None where it was never asked for."""
        return self._entries.get(key)

    def entry(self, key: Key[T]) -> Entry[T]:
        """Give the entry of a key, a new one where there is none."""
        found = self._entries.get(key)
        # of two threads that come at once, one entry counts
        return found if found is not None else self._entries.setdefault(key, Entry(key))

    def entries(self) -> tuple[Entry[Any], ...]:
        """Give all entries."""
        return tuple(self._entries.values())

    def unguard(self) -> None:
        """Have each value looked at again, whatever watched it."""
        for entry in self._entries.values():
            entry.guard = None

    def sighting(self, witness: Witness) -> Sighting:
        """Give the sighting of a witness, a new one where there is none."""
        found = self._sightings.get(witness)
        if found is None:
            found = self._sightings.setdefault(witness, Sighting(witness))
        return found


def closure(entry: Entry[Any]) -> tuple[Entry[Any], ...]:
    """Give an entry and all that its value rests on, in the order in which it was needed first."""
    found: dict[int, Entry[Any]] = {id(entry): entry}
    ahead = [entry]
    while ahead:
        for part, _ in reversed(ahead.pop().trace or ()):
            if isinstance(part, Entry) and id(part) not in found:
                found[id(part)] = part
                ahead.append(part)
    return tuple(found.values())


def witnesses(entry: Entry[Any]) -> tuple[Sighting, ...]:
    """Give all witnesses that a value rests on."""
    parts = (part for known in closure(entry) for part, _ in known.trace or ())
    return tuple({id(part): part for part in parts if isinstance(part, Sighting)}.values())


def proven_witnesses(entry: Entry[Any], since: int = 0) -> tuple[tuple[Sighting, int], ...] | None:
    """Give all witnesses that a lasting value rests on, each with its version in the trace.

    None where a part has another version than the trace says, or was not verified since the moment
    `since`: then another thread is at work, and what the value was made from is not known.
    """
    found: dict[int, tuple[Sighting, int]] = {}
    for known in closure(entry):
        trace = known.trace
        if trace is None or not known.is_lasting or known.verified < since:
            return None
        for part, version in trace:
            if part.version != version or part.verified < since:
                return None
            if isinstance(part, Sighting):
                found[id(part)] = (part, version)
    return tuple(found.values())


def doubts(entry: Entry[Any]) -> tuple[Doubt, ...]:
    """Say why a value is computed in each call; nothing where it is lasting."""
    return tuple(dict.fromkeys(doubt for known in closure(entry) for doubt in known.doubts))


def is_lasting(entry: Entry[Any]) -> bool:
    """Tell whether a value may be used in another call, if its witnesses agree."""
    return all(known.trace is not None and known.is_lasting for known in closure(entry))
