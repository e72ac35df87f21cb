"""Whose call is made next.

A call starts as a *quick* one. When it is not done within a slice of time it becomes a *waiting*
one if it uses no processor (an emulator is asked, a file system does not answer), else a *long*
one. Of each kind so many may run. A call that would be a long one too many is stopped and begins
anew when there is room, so that quick calls never wait for more than a slice. A client whose calls
took much time lately, or whose call is large, begins as a long one.

Among calls that wait, that of the client which used the least time lately is next.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from domcaps.facts.tasks import end
from domcaps.serve.errors import ErrorNumber, LibvirtError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from domcaps.serve.limits import ServerLimits

log = logging.getLogger("domcaps.serve")

LARGE = 16 * 1024
"""Bytes of a call that is taken to be a long one from the start."""

_USAGE_SECONDS = 4.0
_HEAVY_USAGE = 1.0
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

    def growth(self) -> int:
        """Give the bytes of memory that came since it started."""


class Usage:
    """How much time a client's calls took lately: half of it is forgotten every few seconds."""

    __slots__ = ("_amount", "_since")

    def __init__(self) -> None:
        self._amount = 0.0
        self._since = time.monotonic()

    @property
    def amount(self) -> float:
        """Seconds, as of now."""
        return float(self._amount * 0.5 ** ((time.monotonic() - self._since) / _USAGE_SECONDS))

    def add(self, seconds: float) -> None:
        """Add what a call took."""
        self._amount, self._since = self.amount + seconds, time.monotonic()


class _Call:
    """A call that waits or is made."""

    def __init__(self, usage: Usage, request: bytes, future: asyncio.Future[bytes]) -> None:
        self.usage = usage
        self.request = request
        self.future = future
        self.is_heavy = len(request) > LARGE or usage.amount > _HEAVY_USAGE
        self.kind = ""
        self.worker: Worker | None = None
        self.began = 0.0
        self.used = 0.0
        self.is_stopped = False
        self.timer: asyncio.TimerHandle | None = None


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
            call.kind = "long" if call.is_heavy else "quick"
            self._running.add(call)
            self._spawn(self._make(call))

    def _next(self) -> _Call | None:
        free = {kind: self._count(kind) < most for kind, most in self._most.items()}
        ready = [c for c in self._queue if free["long" if c.is_heavy else "quick"]]
        return min(ready, key=lambda call: (call.is_heavy, call.usage.amount), default=None)

    # -- making it -------------------------------------------------------------------------------

    async def _make(self, call: _Call) -> None:
        again = False
        try:
            # a long call leaves the workers that are warm to quick ones
            is_warm = self._idle and not call.is_heavy
            worker = self._idle.pop() if is_warm else await self._start()
            call.worker = worker
            self._begin(call, worker)
            found = await worker.ask(call.request)
            if not call.future.done():
                call.future.set_result(found)
            self._release(worker)
        except WorkerLostError as lost:
            again = call.is_heavy and call.is_stopped and not call.future.done()
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
        loop = asyncio.get_running_loop()
        call.began = time.monotonic()
        call.used = worker.processor_seconds() or 0.0
        call.timer = loop.call_later(self._limits.slice_seconds, self._overrun, call)
        if call.is_heavy:
            worker.step_back()
        if self._watching is None and worker.can_be_stopped:
            self._watching = asyncio.ensure_future(self._watch())

    def _finish(self, call: _Call, *, again: bool) -> None:
        if call.timer is not None:
            call.timer.cancel()
        if call.began:
            # what waits for another program uses nothing up
            call.usage.add(0.0 if call.kind == "waiting" else time.monotonic() - call.began)
        self._running.discard(call)
        call.worker, call.is_stopped = None, False
        if again:
            self._queue.append(call)
        self._dispatch()
        self._replenish()

    def _release(self, worker: Worker) -> None:
        """Keep a worker for the next call, unless it grew or was set back."""
        most = self._limits.quick
        is_spent = getattr(worker, "is_back", False) or worker.growth() > _IDLE_GROWTH
        if is_spent or len(self._idle) >= most:
            worker.stop("it is not needed any more")
        else:
            self._idle.append(worker)

    def _overrun(self, call: _Call) -> None:
        """Say what kind of call it is that is not done after a slice of time."""
        worker = call.worker
        if worker is None or call not in self._running:
            return
        seconds = worker.processor_seconds()
        is_waiting = seconds is None or seconds - call.used < self._limits.slice_seconds / 2
        if is_waiting and self._count("waiting") < self._most["waiting"]:
            call.kind = "waiting"
        elif call.kind == "long" or not worker.can_be_stopped:
            pass
        elif self._count("long") < self._most["long"]:
            call.kind = "long"
            worker.step_back()
        else:
            call.is_heavy = call.is_stopped = True
            worker.stop("it is made again later")
        self._dispatch()

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
