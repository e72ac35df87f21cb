"""What a task is given: a way to fetch other values, and the host to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.fresh.files import TracedEnviron, TracedFiles
from domcaps.fresh.store import Doubt

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from domcaps.fresh.build import Build, Call
    from domcaps.fresh.key import Key
    from domcaps.fresh.store import Entry, Held, Sighting
    from domcaps.fresh.witness import Seen, Witness

T = TypeVar("T")

Trace = tuple[tuple["Entry[Any] | Sighting", int], ...]


class Fetch:
    """Gives a task what it needs, and writes down what that was: its trace.

    `files` and `environ` are the host to read; all that is read of them is noted. `host_view` is
    the same host for code that notes its own reads, `disk` where values of other processes are,
    `failures` what `domcaps.fresh.failures` keeps where there is no disk.
    """

    def __init__(self, build: Build, call: Call) -> None:
        self._build = build
        self._call = call
        self._parts: dict[int, tuple[Entry[Any] | Sighting, int]] = {}
        self.host_view = build.host_view
        self.disk = build.disk
        self.failures = build.failures
        self.files: TracedFiles = TracedFiles(build.host_view, self.look, self.note)
        self.environ: TracedEnviron = TracedEnviron(build.host_view, self.look)
        self.doubts: dict[Doubt, None] = {}
        self.from_disk = False

    @property
    def is_lasting(self) -> bool:
        """Tell whether the value may be used in another call."""
        return not self.doubts

    def __call__(self, key: Key[T]) -> T:
        """Fetch the value of a key, computing it where need be."""
        # a task that goes on without what it could not have depends on that, too
        held = self._add(self._build.bring(key, self._call))
        if held.error is not None:
            raise held.error
        value: T = held.value
        return value

    def later(self, key: Key[Any]) -> None:
        """Say that the value of a key will be needed: who waits for a program can see to it."""
        self._call.later.append(key)

    def beside(self) -> AbstractContextManager[Callable[[], None]]:
        """Give what begins to compute what will be needed, while a program is waited for."""
        return self._build.beside(self._call)

    def look(self, witness: Witness) -> Seen:
        """Look at a witness."""
        seen: Seen = self._add(self._build.look(witness, self._call)).value
        return seen

    def recall(self, witness: Witness, digest: str, stamp: Seen) -> bool:
        """Tell whether a witness is what a file says was seen of it."""
        held, found = self._build.recall(witness, digest, stamp, self._call)
        self._add(held)
        return found == digest

    def is_settled(self, witness: Witness) -> bool:
        """Tell whether a later change of a witness would show in its stamp."""
        return self._call.store.sighting(witness).stamp is not None

    def note(self, witness: Witness, seen: Seen, stamp: Seen, start: int) -> None:
        """Note a witness that was looked at already."""
        self._add(self._build.offer(witness, seen, stamp, start, self._call))

    @property
    def may_wait(self) -> bool:
        """Tell whether this may wait for another process: not where one waits that holds a lock."""
        return not self._call.is_beside

    def attempt(self) -> Fetch:
        """Give a second trace beside this one, which counts only if it is joined."""
        return Fetch(self._build, self._call)

    def join(self, other: Fetch) -> None:
        """Take over the trace of an attempt."""
        for part, version in other.trace:
            self._parts.setdefault(id(part), (part, version))
        self.doubts |= other.doubts

    def forget(self, reason: str, *, is_momentary: bool = False) -> None:
        """Say that the value must not be used in another call, and why: see `Doubt`."""
        self.doubts[Doubt(reason, is_momentary)] = None

    @property
    def trace(self) -> Trace:
        """Give what was fetched so far, in that order."""
        return tuple(self._parts.values())

    def _add(self, held: Held) -> Held:
        # what is fetched twice counts as it was the first time
        self._parts.setdefault(id(held.part), (held.part, held.version))
        return held
