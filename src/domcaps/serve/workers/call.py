"""One call that waits for a worker or is made by one, and what it used so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from domcaps.serve.errors import ErrorNumber

if TYPE_CHECKING:
    import asyncio
    from collections import Counter

    from domcaps.serve.workers.usage import Usage

LARGE = 16 * 1024
"""Bytes of a call that is taken to be a long one from the start."""

LOWER, LOWEST = 5, 15
"""How much the niceness of workers is raised that leave the processor to others, and to all."""

_PER_SECOND = 0.05
"""Seconds that a call is taken to be shorter for each second that it waits."""
_PLACE = 0.05
"""Seconds that are charged for each second in which a call holds a place and uses no processor."""
_MODEST_SECONDS = 2.0


class WorkerLostError(Exception):
    """A worker ended before its call did; `reason` is for the client."""

    def __init__(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        self.reason = reason
        self.code = code
        super().__init__(reason)


class Worker(Protocol):
    """Makes one call at a time."""

    can_be_stopped: bool
    calls: int
    """How many it made."""
    client: Usage | None
    """For whom it made the last one."""

    @property
    def is_lost(self) -> bool:
        """Whether it ended or was stopped: it makes no further call."""

    async def ask(self, request: bytes) -> bytes:
        """Make a call; raises `WorkerLostError`."""

    def stop(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        """End at once; a call that is made has an error with that reason."""

    def level(self) -> int:
        """Give by how much its niceness is above the server's."""

    def step_back(self, level: int) -> None:
        """Raise its niceness and that of all that it started, for good."""

    def times(self) -> tuple[float, float]:
        """Give the seconds in which it had a processor so far, and wanted one but had none."""

    def growth(self) -> int:
        """Give the bytes of memory that are there for it alone, with those of its programs."""


class MadeCall:
    """A call of a client. `kind` is what it counts as while it is made, `first` at its start."""

    def __init__(self, usage: Usage, request: bytes, future: asyncio.Future[bytes]) -> None:
        self.usage = usage
        self.request = request
        self.future = future
        self.first = "long" if len(request) > LARGE else "quick"
        if usage.is_heavy:
            self.first = usage.client.habit
        self.kind = ""
        self.worker: Worker | None = None
        self.is_stopped = False
        self.is_unusual = False
        """Whether it is of a client of which only short calls were known when it began."""
        self.slices = 0
        self.queued = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None
        self.began = 0.0
        self._first_times = self._seen_times = (0.0, 0.0)
        self._seen = 0.0
        self._charged = 0.0

    def begin(self, worker: Worker) -> None:
        """Take note that a worker makes it from now on."""
        self.worker = worker
        worker.calls += 1
        worker.client = self.usage.client
        self.began = self._seen = time.monotonic()
        self._first_times = self._seen_times = worker.times()
        self.slices, self._charged = 0, 0.0
        self.is_unusual = self.usage.is_short

    def level(self) -> int:
        """Give how far its worker should step back."""
        if self.usage.is_heavy or self._charged > _MODEST_SECONDS:
            return LOWEST
        return 0 if self.kind == "quick" else LOWER

    def look(self) -> str:
        """Tell what it did since the last look: it "computes", is "starved", or "waits"."""
        if self.worker is None:
            return "waits"
        now, times = time.monotonic(), self.worker.times()
        half = (now - self._seen) / 2
        worked, starved = (new - old for new, old in zip(times, self._seen_times, strict=True))
        self._seen, self._seen_times = now, times
        if worked >= half:
            return "computes"
        return "starved" if worked + starved >= half else "waits"

    def charge(self, most_waiting: float) -> float:
        """Charge the client what was used since it was charged last; give what was used in all.

        That is the time with a processor, and the time in which it waited for something else than
        a processor: up to `most_waiting` in full, of the rest a small part.
        """
        if self.worker is None:
            return self._charged
        worked, starved = (
            new - old for new, old in zip(self.worker.times(), self._first_times, strict=True)
        )
        waited = max(0.0, time.monotonic() - self.began - worked - starved)
        used = worked + min(waited, most_waiting) + max(0.0, waited - most_waiting) * _PLACE
        self.usage.accrue(max(0.0, used - self._charged), self._charged)
        self._charged = max(used, self._charged)
        return self._charged

    def charge_for_place(self, seconds: float) -> None:
        """Charge the client once more, for a call that was not over when its slice of time was."""
        self.usage.accrue(seconds, self._charged)

    def urgency(self, made: Counter[Usage]) -> tuple[bool, int, float, float]:
        """Tell when it is next, the least first; `made` counts the calls that are made for each."""
        usage = self.usage
        likely = usage.debt + usage.expected - (time.monotonic() - self.queued) * _PER_SECOND
        amount = usage.client.amount
        last = (likely, amount) if self.first == "quick" else (amount, likely)
        return self.first != "quick", made[usage.client], *last
