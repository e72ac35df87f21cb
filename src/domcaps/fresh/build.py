"""Bringing values up to date: whatever did not change is not computed again.

A value is up to date when everything in its trace is, and has the version that it had when the
task ran. The trace is checked in its order: as soon as something differs, the task runs again,
since what it fetched after that may no longer be of interest. When it gives an equal value, that
keeps its version, and nothing above is touched (*early cut-off*).

Each key has a lock. Whoever wants a value that somebody else is computing waits for it; since
traces have no cycles, neither do the locks.
"""

from __future__ import annotations

import os
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.fresh.fetch import Fetch
from domcaps.fresh.guard import Guard, Sentry
from domcaps.fresh.identity import now
from domcaps.fresh.store import Clock, Entry, Sighting, Store, is_lasting, witnesses
from domcaps.fresh.surroundings import Surroundings

if TYPE_CHECKING:
    from domcaps.fresh.disk import DiskStore
    from domcaps.fresh.key import Key
    from domcaps.fresh.witness import Seen, Witness

T = TypeVar("T")

_ATTEMPTS = 4
_MOST_ENTRIES = 10_000


class Observer:
    """Somebody who wants to know what happens; this one does not care."""

    def ran(self, key: Key[Any], seconds: float) -> None:
        """A task was run."""

    def changed(self, witness: Witness, before: Seen, after: Seen) -> None:
        """Something else is seen than before."""


class Call:
    """One pass over a trace. What was looked at since it began need not be looked at again.

    `asked` is when whoever waits for the pass began to, `time` the time of day when the pass did.
    `news` counts what was not as it had been.
    """

    __slots__ = ("asked", "begun", "news", "time")

    def __init__(self, asked: int, begun: int) -> None:
        self.asked = asked
        self.begun = begun
        self.time = now()
        self.news = 0


class Build:
    """A store and the way to bring it up to date, for one host.

    May be used by many threads. `disk` is where values are shared with other processes. `sentry`
    false does without inotify, so that every witness is looked at in each call.
    """

    def __init__(
        self,
        around: Surroundings | None = None,
        *,
        disk: DiskStore | None = None,
        sentry: bool = True,
        observer: Observer | None = None,
    ) -> None:
        self.around = around or Surroundings()
        self.disk = disk
        self.observer = observer or Observer()
        self.store = Store()
        self._clock = Clock()
        self._sentry = Sentry() if sentry else None
        _BUILDS.add(self)

    def get(self, key: Key[T]) -> T:
        """Give the value of a key, proven in this call.

        Raises what the task raises; then the next call tries again.
        """
        value = self.ready(key)
        return self._proven(key) if value is None else value

    def ready(self, key: Key[T]) -> T | None:
        """Give the value if the kernel itself says that it holds, None where one has to look.

        This never takes long: no file is read and no program is asked.
        """
        entry = self.store.known(key)
        if entry is None or entry.guard is None or not self._is_quiet(entry.guard):
            return None
        value: T = entry.value  # type: ignore[assignment]
        return value

    def entry(self, key: Key[T]) -> Entry[T]:
        """Give what is remembered of a key, brought up to date."""
        self.get(key)
        return self.store.entry(key)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until something happens to what answers rest on; False when the time is over.

        Only what the kernel tells of is noticed. Raises `OSError` where it tells of nothing.
        """
        if self._sentry is None:
            raise OSError("nothing is watched")
        return self._sentry.wait(seconds)

    def _is_quiet(self, guard: Guard) -> bool:
        sentry = self._sentry
        if sentry is None or guard.generation != sentry.generation():
            return False
        around = self.around
        # the version comes last: another call may have noted a change while this one looked
        return all(
            sighting.is_same(around) and sighting.version == version
            for sighting, version in guard.unguarded
        )

    def _proven(self, key: Key[T]) -> T:
        if len(self.store) > _MOST_ENTRIES:
            # whoever asks for ever new things must not fill the memory
            self.store = Store()
        entry = self.store.entry(key)
        # a program that asks once only is not made to wait for the sentry
        returns = entry.trace is not None
        asked = self._clock.moment()
        for _ in range(_ATTEMPTS):
            guard = self._guard(entry) if returns else None
            call = Call(asked, self._clock.moment())
            self.bring(key, call)
            if not call.news:
                entry.guard = guard
                break
            # something was new: see whether all of it was read of the same state of the host
        value: T = entry.value  # type: ignore[assignment]
        return value

    def _guard(self, entry: Entry[Any]) -> Guard | None:
        """Set the sentry on what a value rests on, before that is looked at."""
        entry.guard = None
        if self._sentry is None or not is_lasting(entry):
            return None
        return self._sentry.guard(witnesses(entry), self.around)

    # -- for tasks -----------------------------------------------------------------------------

    def bring(self, key: Key[T], call: Call) -> Entry[T]:
        """Bring a value up to date, and give its entry."""
        entry = self.store.entry(key)
        with entry.lock:
            if entry.verified >= call.begun:
                return entry
            if entry.error is not None and entry.error_begun >= call.begun:
                raise entry.error
            begun = self._clock.moment()
            if not self._holds(entry, call):
                self._run(entry, call, begun)
            entry.verified = begun
            entry.checked_at = call.time / 1e9
        return entry

    def look(self, witness: Witness, call: Call) -> Sighting:
        """Look at a witness, once in a call."""
        return self._look(self.store.sighting(witness), call)

    def _look(self, sighting: Sighting, call: Call) -> Sighting:
        with sighting.lock:
            if sighting.verified < call.begun:
                version, before = sighting.version, sighting.seen
                begun = self._clock.moment()
                sighting.look(self.around, call.time)
                sighting.verified = begun
                self._tell(sighting, version, before, call)
        return sighting

    def recall(self, witness: Witness, digest: str, stamp: Seen, call: Call) -> Sighting:
        """Look at a witness, unless what a file says of it holds."""
        sighting = self.store.sighting(witness)
        with sighting.lock:
            if sighting.verified < call.begun:
                version, before = sighting.version, sighting.seen
                begun = self._clock.moment()
                sighting.recall(digest, stamp, self.around, call.time)
                sighting.verified = begun
                self._tell(sighting, version, before, call)
        return sighting

    def offer(self, witness: Witness, seen: Seen, stamp: Seen, start: int, call: Call) -> Sighting:
        """Take what a task saw of a witness."""
        sighting = self.store.sighting(witness)
        with sighting.lock:
            version, before = sighting.version, sighting.seen
            sighting.offer(seen, stamp, start)
            self._tell(sighting, version, before, call)
        return sighting

    def _tell(self, sighting: Sighting, version: int, before: Seen, call: Call) -> None:
        if sighting.version != version:
            call.news += 1
            if version:
                self.observer.changed(sighting.witness, before, sighting.seen)

    def _holds(self, entry: Entry[Any], call: Call) -> bool:
        if entry.trace is None or (not entry.is_lasting and entry.verified < call.asked):
            return False
        for part, version in entry.trace:
            if isinstance(part, Sighting):
                if part.verified < call.begun:
                    self._look(part, call)
            else:
                try:
                    self.bring(part.key, call)
                except Exception:  # noqa: BLE001 - for the task, which will meet it again
                    return False
            if part.version != version:
                return False
        return True

    def _run(self, entry: Entry[T], call: Call, begun: int) -> None:
        fetch = Fetch(self, call)
        began = time.perf_counter()
        call.news += 1
        entry.trace = None
        entry.error = None
        try:
            value = entry.key.task(fetch)
        except Exception as error:
            entry.fail(error, begun)
            raise
        entry.keep(value, entry.key.same)
        entry.trace = fetch.trace
        entry.is_lasting = fetch.is_lasting
        entry.seconds = time.perf_counter() - began
        entry.made_at = time.time()
        entry.from_disk = fetch.from_disk
        self.observer.ran(entry.key, entry.seconds)

    def forget(self) -> None:
        """Forget everything, as after a fork, where locks of other threads may be held for ever."""
        self.store = Store()
        self.around.after_fork()
        if self._sentry is not None:
            self._sentry = Sentry()


_BUILDS: weakref.WeakSet[Build] = weakref.WeakSet()


def _after_fork() -> None:
    for build in list(_BUILDS):
        build.forget()


os.register_at_fork(after_in_child=_after_fork)
