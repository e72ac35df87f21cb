"""Whose call is made next.

A call starts as a *quick* one. When it is not done within a slice of time it becomes a *waiting*
one if it uses no processor (an emulator is asked, a file system does not answer), else a *long*
one, and its worker leaves the processor to others. Of each kind so many may run. A call that would
be one too many of its kind is stopped and begins anew when there is room.

What a call used is charged to its client (`domcaps.serve.workers.usage`). A client whose calls were
short is served at once, whatever the others do:

- those that used much begin as long or waiting calls, by workers that leave the processor to all;
- of the quick ones some are kept for clients that are free of debt, one for those of which short
  calls are known; so those who come anew, again and again, never take them all;
- while a client without any call that is made waits, quick calls that wait for something are looked
  at sooner;
- of long and waiting calls, one of the client that holds more places or used more is stopped for a
  client that holds none, and begins anew later.

Among calls that are not made yet, that of the client for which the fewest are made is next, then
the one of the client with the least debt; each second that it waits counts for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from domcaps.facts.tasks import end
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.workers.call import MadeCall, WorkerLostError
from domcaps.serve.workers.giving_way import gives_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from domcaps.serve.limits import ServerLimits
    from domcaps.serve.workers.call import Worker
    from domcaps.serve.workers.usage import Usage

log = logging.getLogger("domcaps.serve")

_FEW = 2
_SLOW_SLICES = 5
"""Slices of time between two looks at a call that is no quick one."""
_PATIENCE = 8
"""Slices of a call for which no processor was free, or of a client whose calls were short."""
_GRACE_SECONDS = 0.02
"""What a quick call that waits for something has at least, while others wait."""
_LOOK_SECONDS = 0.05
_LITTLE_GROWTH, _IDLE_GROWTH = 24 * 1024 * 1024, 78 * 1024 * 1024
"""Bytes that an idle worker may hold: where memory is needed, and otherwise."""


class WorkerPool:
    """Workers, and the calls that they make.

    `start` starts a worker; its argument says whether that is a spare one, for which no call waits.
    """

    def __init__(self, start: Callable[[bool], Awaitable[Worker]], limits: ServerLimits) -> None:
        self._start = start
        self._limits = limits
        self._most = {"quick": limits.quick, "long": limits.long, "waiting": limits.waiting}
        self._queue: list[MadeCall] = []
        self._running: set[MadeCall] = set()
        self._idle: list[Worker] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._starting = 0
        self._are_kept = False
        self.broken = asyncio.Event()

    async def run(self, usage: Usage, request: bytes) -> bytes:
        """Have a call made; raises `LibvirtError` where it can't be, or is stopped."""
        call = MadeCall(usage, request, asyncio.get_running_loop().create_future())
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
        there = len(self._fresh()) + self._starting + self._count("quick")
        if self._are_kept and there < self._limits.quick:
            self._spawn(self._start_one())

    def _fresh(self) -> list[Worker]:
        """Give the idle workers that never stepped back."""
        return [worker for worker in self._idle if not worker.level()]

    async def _start_one(self) -> None:
        self._starting += 1
        try:
            self._idle.append(await self._start(True))
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
        # a machine that is busy for a while is no reason to end the server
        if not isinstance(error, TimeoutError):
            self.broken.set()

    def _leave(self, call: MadeCall) -> None:
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

    def _made(self) -> Counter[Usage]:
        return Counter(call.usage.client for call in self._running)

    def _dispatch(self) -> None:
        while True:
            while (call := self._next()) is not None:
                self._queue.remove(call)
                call.kind = call.first
                self._running.add(call)
                self._spawn(self._make(call))
            if not self._relieve():
                break

    def _next(self) -> MadeCall | None:
        free = {kind: most - self._count(kind) for kind, most in self._most.items()}
        made = self._made()
        ready = [call for call in self._queue if self._has_room(call, free, made)]
        return min(ready, key=lambda call: call.urgency(made), default=None)

    def _has_room(self, call: MadeCall, free: dict[str, int], made: Counter[Usage]) -> bool:
        if made[call.usage.client] >= self._limits.each:
            return False
        return free[call.first] > (self._kept_from(call) if call.first == "quick" else 0)

    def _kept_from(self, call: MadeCall) -> int:
        """Give how many of the quick ones are there for others alone."""
        if self._limits.quick <= _FEW or call.usage.is_short:
            return 0
        return 1 if call.usage.is_light else 2

    # -- who gives way ---------------------------------------------------------------------------

    def _relieve(self) -> bool:
        """Have others give way to clients that wait, and for which no call is made.

        Returns whether there is room now that was not there before.
        """
        made = self._made()
        deprived = [call for call in self._queue if not made[call.usage.client]]
        for kind in ("long", "waiting"):
            wanting = [call for call in deprived if call.first == kind]
            if wanting and self._count(kind) >= self._most[kind]:
                self._make_way(min(wanting, key=lambda call: call.urgency(made)), kind)
        return any(call.first == "quick" for call in deprived) and self._hurry()

    def _hurry(self) -> bool:
        """Look at quick calls before their slice of time is over; tell whether one is none now."""
        limit, has_moved = time.monotonic() - _GRACE_SECONDS, False
        for call in [one for one in self._running if one.kind == "quick" and not one.is_stopped]:
            if call.worker is None or not call.worker.can_be_stopped or call.began > limit:
                continue
            state = call.look()
            if state == "waits":
                self._let_wait(call, call.worker)
            elif state == "computes" and not call.usage.is_light:
                self._let_compute(call, call.worker)
            has_moved = has_moved or call.kind != "quick"
        return has_moved

    def _make_way(self, call: MadeCall, kind: str) -> bool:
        """Have another client give a place of a kind to one that has none."""
        if any(one.is_stopped and one.kind == kind for one in self._running):
            # there will be room presently
            return False
        other = gives_way(call, [one for one in self._running if one.kind == kind])
        if other is None or other.worker is None:
            return False
        self._make_later(other, other.worker, kind)
        return True

    # -- making it -------------------------------------------------------------------------------

    async def _make(self, call: MadeCall) -> None:
        again = False
        try:
            worker = self._take(call) or await self._start(False)
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
            self._break(error)
            if not call.future.done():
                detail = "no worker can be started"
                call.future.set_exception(LibvirtError(ErrorNumber.SYSTEM_ERROR, detail))
        finally:
            self._finish(call, again=again)

    def _take(self, call: MadeCall) -> Worker | None:
        """Take an idle worker; those that never stepped back are for those that need not.

        A worker knows the host by the calls that it made. So that of the client's last call is the
        best, then that with the fewest, so that a call that hangs does not hold the best one.
        """
        self._drop_lost()
        level = call.level()
        if not level:
            fitting = self._fresh()
        else:
            fitting = [worker for worker in self._idle if 0 < worker.level() <= level]
        client = call.usage.client
        worker = max(fitting, key=lambda one: (one.client is client, -one.calls), default=None)
        if worker is not None:
            self._idle.remove(worker)
        return worker

    def _drop_lost(self) -> None:
        """Drop idle workers that ended, such as those that the kernel killed for want of memory."""
        for worker in [one for one in self._idle if one.is_lost]:
            worker.stop("it is lost")
            self._idle.remove(worker)

    def _begin(self, call: MadeCall, worker: Worker) -> None:
        call.begin(worker)
        worker.step_back(call.level())
        self._look_later(call)
        if self._watching is None and worker.can_be_stopped:
            self._watching = asyncio.ensure_future(self._watch())

    def _finish(self, call: MadeCall, *, again: bool) -> None:
        if call.timer is not None:
            call.timer.cancel()
        if call.worker is not None:
            call.usage.over(call.charge(self._limits.slice_seconds))
        self._running.discard(call)
        call.worker, call.is_stopped = None, False
        if again:
            self._queue.append(call)
        self._dispatch()
        self._replenish()

    def _release(self, worker: Worker) -> None:
        """Keep a worker for the next call, unless it grew or there are enough of its kind.

        One that was stopped when its answer was there already would fail the next call.
        """
        if worker.is_lost:
            worker.stop("it is lost")
            return
        fresh = len(self._fresh())
        there = len(self._idle) - fresh if worker.level() else fresh
        most = self._limits.long if worker.level() else self._limits.quick
        if worker.growth() > _IDLE_GROWTH or there >= most:
            worker.stop("it is not needed any more")
        else:
            self._idle.append(worker)

    # -- calls that take long --------------------------------------------------------------------

    def _look_later(self, call: MadeCall) -> None:
        loop = asyncio.get_running_loop()
        if call.timer is not None:
            call.timer.cancel()
        slices = 1 if call.kind == "quick" else _SLOW_SLICES
        call.timer = loop.call_later(slices * self._limits.slice_seconds, self._overrun, call)

    def _overrun(self, call: MadeCall) -> None:
        """Say what kind of call it is that is not done after a slice of time."""
        worker = call.worker
        if worker is None or call not in self._running or call.is_stopped:
            return
        call.slices += 1
        state = call.look()
        call.charge(self._limits.slice_seconds)
        if call.kind == "quick" and self._may_go_on(call, state):
            # on a busy machine a short call takes longer
            self._look_later(call)
        elif state == "waits":
            self._let_wait(call, worker)
        else:
            self._let_compute(call, worker)
        self._dispatch()

    def _may_go_on(self, call: MadeCall, state: str) -> bool:
        is_promising = state == "starved" and call.usage.expected < self._limits.slice_seconds
        return call.slices < _PATIENCE and (is_promising or call.is_unusual)

    def _let_wait(self, call: MadeCall, worker: Worker) -> None:
        """Have a call that waits for something hold no place of those that compute."""
        self._turn(call, worker, "waiting")

    def _let_compute(self, call: MadeCall, worker: Worker) -> None:
        if worker.can_be_stopped:
            self._turn(call, worker, "long")

    def _turn(self, call: MadeCall, worker: Worker, kind: str) -> None:
        """Have a call be of a kind from now on, if there is room for one more."""
        call.usage.client.habit = kind
        if call.kind == "quick":
            call.charge_for_place(self._limits.slice_seconds)
        has_room = call.kind == kind or self._count(kind) < self._most[kind]
        if has_room or self._make_way(call, kind):
            call.kind = kind
        elif call.kind == "quick" and worker.can_be_stopped:
            self._make_later(call, worker, kind)
            return
        worker.step_back(call.level())
        self._look_later(call)

    def _make_later(self, call: MadeCall, worker: Worker, kind: str) -> None:
        call.first, call.is_stopped = kind, True
        worker.stop("it is made again later")

    # -- memory ----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Look at those that wait, and at the memory of those that are made, again and again."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._queue:
                self._dispatch()
            self._limit_memory()

    def _stop_grown(self) -> bool:
        """Stop the idle workers that hold more than a new one would; tell whether there were any.

        The others stay: without them, the next calls of all clients would wait for new ones.
        """
        grown = [worker for worker in self._idle if worker.growth() > _LITTLE_GROWTH]
        for worker in grown:
            worker.stop("memory is needed")
            self._idle.remove(worker)
        return bool(grown)

    def _limit_memory(self) -> None:
        """Stop the worker that grew the most when all together grew too much.

        Calls that have only begun are stopped last: what holds the memory are the longer ones.
        """
        grown = [
            (call.worker.growth(), call.worker, call.kind != "quick")
            for call in self._running
            if call.worker
        ]
        if not grown:
            return
        idle = sum(worker.growth() for worker in self._idle)
        if sum(size for size, _, _ in grown) + idle <= self._limits.workers_memory:
            return
        if self._stop_grown():
            return
        size, worker, _ = max(grown, key=lambda one: (one[2], one[0]))
        log.warning("a call was stopped: it took %d MB", size // 1_000_000)
        worker.stop("the call needs more than a call may have", ErrorNumber.NO_MEMORY)
