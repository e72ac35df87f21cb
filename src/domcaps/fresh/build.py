"""Bringing values up to date: whatever did not change is not computed again.

A value is up to date when everything in its trace is, and has the version that it had when the
task ran. The trace is checked in its order: as soon as something differs, the task runs again,
since what it fetched after that may no longer be of interest. When it gives an equal value, that
keeps its version, and nothing above is touched (*early cut-off*).

Each key has a lock. A thread that needs a value which another one computes waits for it; since
traces have no cycles, neither do the locks.

**An answer reflects a state of the host that is not older than the begin of the call** (that makes
the engine linearizable). Three rules give that, with any number of threads:

1. Every part carries a moment, `verified`: all that it was made from was looked at *after* it. An
   entry takes the begin of the pass that verified it, never a later moment: the pass accepts parts
   which another thread verified since that begin. A call uses a part without a look only if the
   part was verified since the call began. What can't be kept is computed in each call, and counts
   in that call only (`domcaps.one_call`): it, and what was made from it, carries the begin of the
   pass in which it was computed.
2. A version and its value are read under one lock (`Held`), so that no trace joins the version of
   one state with the value of another.
3. A guard counts for one value, and is given to it only if each witness in the value's trace was
   watched before, was looked at after that, and still has the version of the trace.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.facts.launch import ProgramsRefusedError
from domcaps.fresh.fetch import Fetch
from domcaps.fresh.guard import Cover, InotifyWatch, Watermark
from domcaps.fresh.host_view import HostView
from domcaps.fresh.identity import now
from domcaps.fresh.process_state import ProcessState, process_state
from domcaps.fresh.store import (
    Entry,
    LogicalClock,
    Sighting,
    Store,
    is_lasting,
    proven_witnesses,
    witnesses,
)
from domcaps.one_call import CURRENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.fresh.disk import DiskStore, StoredTrace
    from domcaps.fresh.key import Key
    from domcaps.fresh.store import Held
    from domcaps.fresh.witness import Seen, Witness

T = TypeVar("T")

_ATTEMPTS = 4
_MOST_ENTRIES = 10_000
_MOST_STATES = 4


class Observer:
    """Somebody who wants to know what happens; this one does not care."""

    def ran(self, key: Key[Any], seconds: float) -> None:
        """A task was run."""

    def changed(self, witness: Witness, before: Seen, after: Seen) -> None:
        """Something else is seen than before."""


class Call:
    """One skip a trace. What was looked at since it began need not be looked at again.

    `store` is that of the state in which the thread is. `asked` is when the call began that waits
    for the pass, `time` the time of day when the pass did. `news` counts what was not as before.
    `oldest` is the moment after which all was looked at that the present part was made from: the
    begin of the pass, or an earlier one in the same call for what can't be kept. `later` are keys
    that will be needed. `is_beside` tells that the pass is waited for by another one, which may
    hold locks.
    """

    __slots__ = ("asked", "begun", "is_beside", "later", "news", "oldest", "store", "time")

    def __init__(self, store: Store, asked: int, begun: int, *, is_beside: bool = False) -> None:
        self.store: Store = store
        self.asked: int = asked
        self.begun: int = begun
        self.time: int = now()
        self.news: int = 0
        self.oldest: int = begun
        self.later: list[Key[Any]] = []
        self.is_beside = is_beside


class Build:
    """A store and the way to bring it up to date, for one host.

    May be used by many threads. `disk` is where values are shared with other processes. `sentry`
    false does without inotify, so that every witness is looked at in each call.
    """

    def __init__(
        self,
        host_view: HostView | None = None,
        *,
        disk: DiskStore | None = None,
        sentry: bool = True,
        observer: Observer | None = None,
    ) -> None:
        self.host_view: HostView = host_view or HostView()
        self.disk = disk
        self.failures: dict[str, StoredTrace] = {}
        self.observer: Observer = observer or Observer()
        self._clock = LogicalClock()
        self._sentry = InotifyWatch() if sentry else None
        self._state = process_state()
        self._stores = {self._state: Store()}
        _BUILDS.add(self)

    @property
    def store(self) -> Store:
        """What is remembered in the state in which this thread is."""
        return self._store(process_state())

    def _store(self, state: ProcessState) -> Store:
        """Give the store of a state: what was seen with other rights or elsewhere says nothing."""
        if state != self._state:
            # files that are open, and watched mounts, are those of the state before
            self.host_view.after_fork()
            self._state = state
        found = self._stores.get(state)
        if found is None:
            if len(self._stores) >= _MOST_STATES:
                self._stores = {}
            found = self._stores.setdefault(state, Store())
        if len(found) > _MOST_ENTRIES:
            # the caller for ever new things must not fill the memory
            found = self._stores[state] = Store()
        return found

    def get(self, key: Key[T]) -> T:
        """Give the value of a key, proven in this call.

        Raises what the task raises; then the next call tries again.
        """
        value = self.ready(key)
        return self._entry(key)[1] if value is None else value

    def ready(self, key: Key[T]) -> T | None:
        """Give the value if the kernel itself says that it holds, None where one has to look.

        This never takes long: no file is read and no program is asked.
        """
        state = process_state()
        entry = self._store(state).known(key)
        guard = None if entry is None else entry.guard
        if guard is None or not self._is_quiet(guard, state):
            return None
        value: T = guard.value
        return value

    def entry(self, key: Key[T]) -> Entry[T]:
        """Give what is remembered of a key, brought up to date.

        Another thread may bring it up to date once more: compare its value with the one that was
        got before whatever is kept with its trace.
        """
        return self._entry(key)[0]

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until something happens to what answers rest on; False when the time is over.

        Only what the kernel tells of is noticed. Raises `OSError` where it tells of nothing.
        """
        if self._sentry is None:
            raise OSError("nothing is watched")
        return self._sentry.wait(seconds)

    def _is_quiet(self, guard: Watermark, state: ProcessState) -> bool:
        sentry = self._sentry
        if sentry is None or guard.generation != sentry.generation(state):
            return False
        host_view = self.host_view
        # the version comes last: another call may have noted a change while this one looked
        return all(
            sighting.is_same(host_view) and sighting.version == version
            for sighting, version in guard.unguarded
        )

    def _entry(self, key: Key[T]) -> tuple[Entry[T], T]:
        """Bring a value up to date; give its entry, and the value that it had then."""
        store = self.store
        entry = store.entry(key)
        # a program that asks once only is not made to wait for the sentry
        returns = entry.trace is not None
        asked = self._asked()
        for attempts_left in reversed(range(_ATTEMPTS)):
            cover = self._cover(entry) if returns else None
            call = Call(store, asked, self._clock.moment())
            self.host_view.refresh()
            held = self.bring(key, call)
            if held.error is not None:
                raise held.error
            if cover is not None and not call.news:
                self._guard(entry, held, cover, call)
            if not (call.news and attempts_left):
                return entry, held.value
            # something was new: see whether all of it was read of the same state of the host
        raise AssertionError("the last attempt returns")

    def _asked(self) -> int:
        """Give when the call began: that of the user, in which this machine may be asked often."""
        call = CURRENT.get()
        return self._clock.moment() if call is None else call.began(self._clock)

    def _cover(self, entry: Entry[Any]) -> Cover | None:
        """Set the sentry on what a value rests on, before that is looked at."""
        entry.guard = None
        if self._sentry is None or not is_lasting(entry):
            return None
        return self._sentry.cover(witnesses(entry), self.host_view)

    def _guard(self, entry: Entry[Any], held: Held, cover: Cover, call: Call) -> None:
        """Let the sentry speak for a value, if it was set on all that the value rests on."""
        proven = proven_witnesses(entry, call.begun)
        if proven is None or entry.version != held.version:
            return
        if all(id(sighting) in cover.watched for sighting, _ in proven):
            unguarded = tuple(known for known in proven if not cover.watched[id(known[0])])
            entry.guard = Watermark(cover.generation, unguarded, held.value)

    # -- for tasks -----------------------------------------------------------------------------

    def bring(self, key: Key[T], call: Call) -> Held:
        """Bring a value up to date, and give it, or the error of its task."""
        entry = call.store.entry(key)
        with entry.lock:
            if entry.verified < call.begun and entry.error_begun < call.begun:
                self._renew(entry, call)
            elif entry.news_at >= call.begun:
                # another thread found something new since this pass began
                call.news += 1
            return entry.held

    def _renew(self, entry: Entry[Any], call: Call) -> None:
        """Bring a value up to date; the lock of its entry is held."""
        if entry.trace is None and entry.error_begun >= call.asked:
            # it failed in this call: not again in each pass
            call.oldest = min(call.oldest, entry.error_begun)
            return
        news, oldest = call.news, call.oldest
        call.oldest = call.begun
        if not self._holds(entry, call):
            self._run(entry, call)
        if entry.trace is not None:
            # not later: parts count that others verified since this pass began
            entry.verified = call.oldest
            entry.checked_at = call.time / 1e9
        call.oldest = min(oldest, call.oldest)
        if call.news != news:
            entry.news_at = self._clock.moment()

    @contextlib.contextmanager
    def beside(self, call: Call) -> Iterator[Callable[[], None]]:
        """Give what begins to bring up to date, in another thread, what the pass will need.

        To the pass that is what any other thread verified since it began. An error is kept with
        its key, and met by who needs that. At the end of the block the thread is waited for.
        """
        threads: list[threading.Thread] = []

        def begin() -> None:
            keys, call.later = call.later, []
            thread = threading.Thread(target=self._bring_each, args=(keys, call))
            # where there can be no thread, each is brought when it is needed
            with contextlib.suppress(RuntimeError):
                thread.start()
                threads.append(thread)

        try:
            yield begin
        finally:
            for thread in threads:
                thread.join()

    def _bring_each(self, keys: list[Key[Any]], call: Call) -> None:
        with contextlib.suppress(ProgramsRefusedError):
            for key in keys:
                begun = self._clock.moment()
                self.bring(key, Call(call.store, call.asked, begun, is_beside=True))

    def look(self, witness: Witness, call: Call) -> Held:
        """Look at a witness, once in a call."""
        sighting = call.store.sighting(witness)
        with sighting.lock:
            self._look(sighting, call)
            return sighting.held

    def _look(self, sighting: Sighting, call: Call) -> None:
        if sighting.verified < call.begun:
            version, before = sighting.version, sighting.seen
            begun = self._clock.moment()
            sighting.look(self.host_view, call.time)
            sighting.verified = begun
            self._tell(sighting, version, before, call)

    def recall(self, witness: Witness, digest: str, stamp: Seen, call: Call) -> tuple[Held, str]:
        """Look at a witness, unless what a file says of it holds; give what is seen, digested."""
        sighting = call.store.sighting(witness)
        with sighting.lock:
            if sighting.verified < call.begun:
                version, before = sighting.version, sighting.seen
                begun = self._clock.moment()
                sighting.recall(digest, stamp, self.host_view, call.time)
                sighting.verified = begun
                self._tell(sighting, version, before, call)
            return sighting.held, sighting.digest

    def offer(self, witness: Witness, seen: Seen, stamp: Seen, start: int, call: Call) -> Held:
        """Take what a task saw of a witness."""
        sighting = call.store.sighting(witness)
        with sighting.lock:
            version, before = sighting.version, sighting.seen
            sighting.offer(seen, stamp, start)
            if sighting.version != version:
                # another thread may have looked after this was read: then it has to look again
                sighting.verified = call.begun
            self._tell(sighting, version, before, call)
            return sighting.held

    def _tell(self, sighting: Sighting, version: int, before: Seen, call: Call) -> None:
        if sighting.version != version:
            call.news += 1
            if version:
                self.observer.changed(sighting.witness, before, sighting.seen)

    def _holds(self, entry: Entry[Any], call: Call) -> bool:
        if entry.trace is None:
            return False
        if entry.doubts and not entry.is_waiting():
            if entry.run_begun < call.asked:
                return False
            # another call must not take it for looked at since it began
            call.oldest = min(call.oldest, entry.run_begun)
        return all(self._version(part, call) == version for part, version in entry.trace)

    def _version(self, part: Entry[Any] | Sighting, call: Call) -> int:
        """Give the version of a part, brought up to date."""
        if isinstance(part, Sighting):
            if part.verified < call.begun:
                with part.lock:
                    self._look(part, call)
            return part.version
        # where a task fails, the entry gets a new version, and whoever needs it meets the error
        return self.bring(part.key, call).version

    def _run(self, entry: Entry[T], call: Call) -> None:
        fetch = Fetch(self, call)
        began = time.perf_counter()
        call.news += 1
        entry.trace = None
        entry.error = None
        entry.error_begun = 0
        try:
            value = entry.key.task(fetch)
        except Exception as error:  # noqa: BLE001 - it is handed on to whoever asked
            entry.fail(error, call.begun)
            return
        entry.keep(value, entry.key.same)
        entry.trace = fetch.trace
        entry.run_begun = call.begun
        entry.doubt(tuple(fetch.doubts))
        entry.seconds = time.perf_counter() - began
        entry.made_at = time.time()
        entry.from_disk = fetch.from_disk
        self.observer.ran(entry.key, entry.seconds)

    def after_fork(self) -> None:
        """Forget everything, since locks of other threads of the parent may be held for ever.

        `kept_by_children` says that there are none. What is watched, and files that are open, are
        the parent's in any case.
        """
        if not _KEPT:
            self._stores = {}
        for store in self._stores.values():
            store.unguard()
        self.host_view.after_fork()
        if self._sentry is not None:
            self._sentry = InotifyWatch()


_BUILDS: weakref.WeakSet[Build] = weakref.WeakSet()


_KEPT: list[bool] = []


@contextlib.contextmanager
def kept_by_children() -> Iterator[None]:
    """Have processes that are forked meanwhile know what this one knows.

    For a process with a single thread, and not while it answers. As in the parent, each answer is
    proven anew.
    """
    _KEPT.append(True)
    try:
        yield
    finally:
        _KEPT.pop()


def _after_fork() -> None:
    for build in list(_BUILDS):
        build.after_fork()


os.register_at_fork(after_in_child=_after_fork)
