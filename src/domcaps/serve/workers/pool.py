"""Whose call is made next.

A call starts as a *quick* one. When it is not done within a slice of time it becomes a *waiting*
one if it uses no processor (an emulator is asked, a file system does not answer), else a *long*
one. Of each kind so many may run. A call that would be one too many of its kind is stopped and
begins anew when there is room, so that quick calls never wait for more than a slice, and a call
that waits never holds the place of one that computes. One client's calls that wait do not take all
the places of such calls. A client whose calls took much time lately,
or whose call is large, begins as a long one.

Among calls that are not made yet, that of the client for which the fewest are made is next, then
the one that is likely to be the shortest; each second that it waits counts for it. One of the quick
ones is kept for clients of which short calls are known: so those who come anew, again and again,
with calls that wait for something never take them all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from domcaps.facts.tasks import end
from domcaps.serve.errors import ErrorNumber, LibvirtError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from domcaps.serve.limits import ServerLimits
    from domcaps.serve.workers.usage import Usage

log = logging.getLogger("domcaps.serve")

LARGE = 16 * 1024
"""Bytes of a call that is taken to be a long one from the start."""

_HEAVY_USAGE = 1.0
_FEW = 2
_MODEST_SECONDS = 0.3
_PATIENCE = 8
"""Slices of a call for which no processor was free, or of a client whose calls were short."""
_PER_SECOND = 0.05
"""Seconds that a call is taken to be shorter for each second that it waits."""
_LOOK_SECONDS = 0.05
_IDLE_GROWTH = 64 * 1024 * 1024


class WorkerLostError(Exception):
    """A worker ended before its call did; `reason` is for the client."""

    def __init__(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        self.reason = reason
        self.code = code
        super().__init__(reason)


class Worker(Protocol):
    """Makes one call at a time."""

    can_be_stopped: bool

    async def ask(self, request: bytes) -> bytes:
        """Make a call; raises `WorkerLostError`."""

    def stop(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        """End at once; a call that is made has an error with that reason."""

    def step_back(self) -> None:
        """Leave the processor to quick calls from now on."""

    def processor_seconds(self) -> float | None:
        """Give the processor time used so far, None where that is unknown."""

    def wants_processor(self) -> bool:
        """Tell whether it would go on now if a processor were free."""

    def growth(self) -> int:
        """Give the bytes of memory that came since it started."""


class _Call:
    """A call that waits or is made."""

    def __init__(self, usage: Usage, request: bytes, future: asyncio.Future[bytes]) -> None:
        self.usage = usage
        self.request = request
        self.future = future
        self.is_heavy = len(request) > LARGE or usage.amount > _HEAVY_USAGE
        self.first = "long" if self.is_heavy else "quick"
        self.kind = ""
        self.worker: Worker | None = None
        self.began = 0.0
        self.used = 0.0
        self.first_used = 0.0
        self.is_stopped = False
        self.slices = 0
        self.queued = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None


def _urgency(call: _Call, made: Counter[Usage]) -> tuple[bool, int, float, float]:
    """Tell when a call is next, the least first; `made` counts the calls that are made for each."""
    waited = time.monotonic() - call.queued
    likely = call.usage.expected - waited * _PER_SECOND
    last = (likely, call.usage.amount) if call.first == "quick" else (call.usage.amount, likely)
    return call.first != "quick", made[call.usage.client], *last


class WorkerPool:
    """Workers, and the calls that they make."""

    def __init__(self, start: Callable[[], Awaitable[Worker]], limits: ServerLimits) -> None:
        self._start = start
        self._limits = limits
        self._most = {"quick": limits.quick, "long": limits.long, "waiting": limits.waiting}
        self._queue: list[_Call] = []
        self._running: set[_Call] = set()
        self._idle: list[Worker] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._starting = 0
        self._are_kept = False
        self.broken = asyncio.Event()

    async def run(self, usage: Usage, request: bytes) -> bytes:
        """Have a call made; raises `LibvirtError` where it can't be, or is stopped."""
        call = _Call(usage, request, asyncio.get_running_loop().create_future())
        self._queue.append(call)
        self._dispatch()
        try:
            return await call.future
        finally:
            self._leave(call)

    async def stop(self) -> None:
        """End all workers, whatever they do."""
        self._are_kept = False
        self._queue.clear()
        workers = [*self._idle, *(call.worker for call in self._running if call.worker)]
        self._idle.clear()
        await end({*self._tasks, *({self._watching} if self._watching else ())})
        for worker in workers:
            worker.stop("the server ends")

    def prepare(self) -> None:
        """Start the workers that quick calls are made by, before somebody waits for them."""
        self._are_kept = True
        for _ in range(self._limits.quick):
            self._spawn(self._start_one())

    def _replenish(self) -> None:
        """Start a worker in the place of one that was ended, before somebody waits for it."""
        there = len(self._idle) + self._starting + self._count("quick")
        if self._are_kept and there < self._limits.quick:
            self._spawn(self._start_one())

    async def _start_one(self) -> None:
        self._starting += 1
        try:
            self._idle.append(await self._start())
        except OSError as error:
            self._break(error)
        finally:
            self._starting -= 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _break(self, error: OSError) -> None:
        log.error("no worker can be started: %s", error)
        self.broken.set()

    def _leave(self, call: _Call) -> None:
        """The caller is gone, or has the answer."""
        if call in self._queue:
            self._queue.remove(call)
        if call in self._running and not call.future.done():
            call.is_stopped = True
        if call in self._running and call.future.cancelled() and call.worker is not None:
            call.worker.stop("the client left")

    # -- which call is next ----------------------------------------------------------------------

    def _count(self, kind: str) -> int:
        return sum(call.kind == kind for call in self._running)

    def _dispatch(self) -> None:
        while (call := self._next()) is not None:
            self._queue.remove(call)
            call.kind = call.first
            self._running.add(call)
            self._spawn(self._make(call))

    def _next(self) -> _Call | None:
        free = {kind: most - self._count(kind) for kind, most in self._most.items()}
        ready = [call for call in self._queue if self._has_room(call, free)]
        made = Counter(call.usage.client for call in self._running)
        return min(ready, key=lambda call: _urgency(call, made), default=None)

    def _has_room(self, call: _Call, free: dict[str, int]) -> bool:
        if call.first != "quick":
            return free[call.first] > 0
        kept = 1 if self._limits.quick > _FEW and not call.usage.is_short else 0
        return free["quick"] > kept

    # -- making it -------------------------------------------------------------------------------

    async def _make(self, call: _Call) -> None:
        again = False
        try:
            # a long call leaves the workers that are warm to quick ones
            is_warm = self._idle and call.first == "quick"
            worker = self._idle.pop() if is_warm else await self._start()
            call.worker = worker
            self._begin(call, worker)
            found = await worker.ask(call.request)
            if not call.future.done():
                call.future.set_result(found)
            self._release(worker)
        except WorkerLostError as lost:
            again = call.is_stopped and not call.future.done()
            if not again and not call.future.done():
                call.future.set_exception(LibvirtError(lost.code, lost.reason))
        except OSError as error:
            log.error("no worker can be started: %s", error)
            self.broken.set()
            if not call.future.done():
                detail = "no worker can be started"
                call.future.set_exception(LibvirtError(ErrorNumber.SYSTEM_ERROR, detail))
        finally:
            self._finish(call, again=again)

    def _begin(self, call: _Call, worker: Worker) -> None:
        call.began = time.monotonic()
        call.slices = 0
        call.first_used = worker.processor_seconds() or 0.0
        if call.first != "waiting":
            self._look_later(call, worker)
        if call.is_heavy or call.first == "waiting":
            worker.step_back()
        if self._watching is None and worker.can_be_stopped:
            self._watching = asyncio.ensure_future(self._watch())

    def _finish(self, call: _Call, *, again: bool) -> None:
        if call.timer is not None:
            call.timer.cancel()
        if call.began:
            call.usage.add(self._charged(call))
        self._running.discard(call)
        call.worker, call.is_stopped = None, False
        if again:
            self._queue.append(call)
        self._dispatch()
        self._replenish()

    def _charged(self, call: _Call) -> float:
        """Give what a call used: nothing of a processor that it only waited for, but one slice."""
        seconds, most = time.monotonic() - call.began, self._limits.slice_seconds
        if seconds <= most or call.kind == "waiting" or call.worker is None:
            return min(seconds, most) if call.kind == "waiting" else seconds
        used = call.worker.processor_seconds()
        return seconds if used is None else min(seconds, used - call.first_used + most)

    def _release(self, worker: Worker) -> None:
        """Keep a worker for the next call, unless it grew or was set back."""
        most = self._limits.quick
        is_spent = getattr(worker, "is_back", False) or worker.growth() > _IDLE_GROWTH
        if is_spent or len(self._idle) >= most:
            worker.stop("it is not needed any more")
        else:
            self._idle.append(worker)

    def _look_later(self, call: _Call, worker: Worker) -> None:
        call.used = worker.processor_seconds() or 0.0
        loop = asyncio.get_running_loop()
        call.timer = loop.call_later(self._limits.slice_seconds, self._overrun, call)

    def _overrun(self, call: _Call) -> None:
        """Say what kind of call it is that is not done after a slice of time."""
        worker = call.worker
        if worker is None or call not in self._running:
            return
        call.slices += 1
        used = worker.processor_seconds()
        has_worked = used is not None and used - call.used >= self._limits.slice_seconds / 2
        is_kept_waiting = not has_worked and worker.wants_processor()
        is_promising = is_kept_waiting and call.usage.expected < self._limits.slice_seconds
        if call.slices < _PATIENCE and (is_promising or call.usage.is_short):
            # on a busy machine a short call takes longer
            self._look_later(call, worker)
        elif has_worked or is_kept_waiting:
            self._let_compute(call, worker)
        else:
            self._let_wait(call, worker)
        self._dispatch()

    def _let_wait(self, call: _Call, worker: Worker) -> None:
        """Have a call that waits for something hold no place of those that compute."""
        if self._count("waiting") < self._most["waiting"] or self._make_way(call):
            call.kind = "waiting"
        elif worker.can_be_stopped:
            self._make_later(call, worker, "waiting")

    def _make_way(self, call: _Call) -> bool:
        """Have the client with most calls that wait give a place to one that has none."""
        held: dict[Usage, list[_Call]] = {}
        for other in self._running:
            if other.kind == "waiting" and other.worker is not None and not other.is_stopped:
                held.setdefault(other.usage.client, []).append(other)
        most = max(held.values(), key=len, default=[])
        if call.usage.client in held or len(most) <= 1:
            return False
        oldest = min(most, key=lambda other: other.began)
        if oldest.worker is None or not oldest.worker.can_be_stopped:
            return False
        self._make_later(oldest, oldest.worker, "waiting")
        return True

    def _let_compute(self, call: _Call, worker: Worker) -> None:
        if not worker.can_be_stopped:
            return
        if call.kind != "long" and self._count("long") >= self._most["long"]:
            self._make_later(call, worker, "long")
            return
        call.kind = "long"
        if (worker.processor_seconds() or 0.0) - call.first_used > _MODEST_SECONDS:
            # not before: where others than this server leave no processor, it would never be done
            worker.step_back()
        # it may wait for something later
        self._look_later(call, worker)

    def _make_later(self, call: _Call, worker: Worker, kind: str) -> None:
        call.first, call.is_stopped = kind, True
        worker.stop("it is made again later")

    # -- memory ----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Stop the worker that grew the most when all together grew too much."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            grown = [(call.worker.growth(), call.worker) for call in self._running if call.worker]
            if not grown:
                continue
            idle = sum(worker.growth() for worker in self._idle)
            if sum(size for size, _ in grown) + idle <= self._limits.workers_memory:
                continue
            if idle:
                for worker in self._idle:
                    worker.stop("memory is needed")
                self._idle.clear()
                continue
            size, worker = max(grown, key=lambda one: one[0])
            log.warning("a call was stopped: it took %d MB", size // 1_000_000)
            worker.stop("the call needs more than a call may have", ErrorNumber.NO_MEMORY)
