"""Units of work on any executor: what is lost is submitted again, under a name of its own.

Of an executor `submit` and `shutdown` are used, of its futures `result` and `cancel`, and
`concurrent.futures.as_completed` and `wait`. So any executor fits.

Not every executor says what it lost. The future of a unit whose result Dask was fetching when its
scheduler died is never done. So nothing is waited for without an end: after a time without any
result all units are submitted once more, *beside* those that wait. Units are pure, and who comes
first is taken. An executor that works in turn comes to the second one only where the first is lost.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from domcaps.errors import FleetError
from domcaps.fleet.lost_workers import has_lost_workers, release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from domcaps.fleet.sending import SentUnit
    from domcaps.fleet.store import UnreadHost

    Unit = tuple[tuple[str, bytes], ...]
    Work = Callable[[Unit, int], SentUnit]
    """Does a unit; the number tells how often it was submitted before."""

_ATTEMPTS = 20
"""Times that a unit is submitted, and pools that are replaced, before an error is raised."""

_MOST_WAITING = 256
"""Units that are submitted and not yet done: an executor holds the documents of all of them."""

_LOOK = 5.0
"""Seconds after which it is looked whether workers of a pool ended."""

_QUIET = 60.0
"""Seconds without a result after which units are submitted again; longer where results were rare,
and twice as long each time that it was of no use."""


class UnitCounts:
    """What was done for an answer; `again` counts units that were asked more than once.

    `unread` are the hosts that the answer is not about, which can't be read.
    """

    def __init__(self) -> None:
        self.units = self.again = self.pools = 0
        self.unread: tuple[UnreadHost, ...] = ()


def run_units(
    work: Work, units: list[Unit], executor: Executor | None, counts: UnitCounts
) -> Iterator[SentUnit]:
    """Give the results of units as they come.

    Without an executor the work is done in processes of this machine, or here where there is little
    to do. Raises `FleetError` where units fail again and again, or the executor takes no more.
    """
    if executor is not None:
        yield from _on_executor(work, dict(enumerate(units)), executor, counts)
    elif len(units) <= 1 or (os.cpu_count() or 1) == 1:
        for unit in units:
            yield work(unit, 0)
    else:
        yield from _in_pools(work, dict(enumerate(units)), counts)


def _on_executor(
    work: Work, left: dict[int, Unit], executor: Executor, counts: UnitCounts
) -> Iterator[SentUnit]:
    """Run units on an executor of the caller, who alone can replace it."""
    try:
        yield from _Submitting(work, left, executor, counts).results()
    except BrokenExecutor as error:
        raise FleetError(
            f"the executor broke with {len(left)} units left to do: {error}",
            remedy="ask again with a new executor; with an index only the rest is computed",
        ) from error


def _in_pools(work: Work, left: dict[int, Unit], counts: UnitCounts) -> Iterator[SentUnit]:
    """Run units in processes; a pool that broke is replaced, and asked for what is missing."""
    for _ in range(_ATTEMPTS):
        counts.pools += 1
        pool = ProcessPoolExecutor()
        try:
            yield from _Submitting(work, left, pool, counts).results()
        except BrokenExecutor:
            continue
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return
    raise FleetError(f"{_ATTEMPTS} pools of processes broke, with {len(left)} units left to do")


def _give_up(future: Future[SentUnit]) -> None:
    """Say that a result is no longer wanted, if the executor can take that back."""
    # Parsl's futures raise it; the work is done for nothing then
    with contextlib.suppress(NotImplementedError):
        future.cancel()


class _Patience:
    """How long nothing may be heard of an executor before it is asked again."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._times = 0

    @property
    def seconds(self) -> float:
        """The seconds without a result."""
        return max(_QUIET, 2 * self._longest) * float(1 << self._times)

    def heard(self, seconds: float) -> None:
        """Note that a result came after so many seconds."""
        self._longest = max(self._longest, seconds)
        self._times = 0

    def asked_again(self) -> None:
        """Note that no result came."""
        self._times += 1


class _Submitting:
    """Units that one executor works on; `left` loses those whose results were given."""

    def __init__(
        self, work: Work, left: dict[int, Unit], executor: Executor, counts: UnitCounts
    ) -> None:
        self._work, self._left, self._executor, self._counts = work, left, executor, counts
        self._new = iter(list(left))
        self._waiting: dict[Future[SentUnit], int] = {}
        self._attempts: Counter[int] = Counter()
        self._failures: Counter[int] = Counter()
        self._patience = _Patience()

    def results(self) -> Iterator[SentUnit]:
        """Give results as they come; units that are no longer wanted are cancelled."""
        try:
            self._submit_more()
            while self._waiting:
                found = self._next()
                if found is not None:
                    self._submit_more()
                    yield found
        except BrokenExecutor:
            # a pool that is breaking stumbles over what is cancelled meanwhile, and leaves workers
            wait(self._waiting, timeout=_LOOK)
            raise
        finally:
            for future in self._waiting:
                _give_up(future)

    def _submit_more(self) -> None:
        while len(self._waiting) < _MOST_WAITING:
            number = next(self._new, None)
            if number is None:
                return
            self._submit(number)

    def _submit(self, number: int) -> None:
        # Dask takes equal calls for one: without the number it would repeat the failure
        attempt = self._attempts[number]
        self._attempts[number] += 1
        try:
            future = self._executor.submit(self._work, self._left[number], attempt)
        except BrokenExecutor:
            self._count_lost()
            raise
        except Exception as error:
            raise FleetError(
                f"the executor takes no more work, with {len(self._left)} units left to do: "
                f"{type(error).__name__}: {error}",
                remedy="ask again with a new executor; with an index only the rest is computed",
            ) from error
        self._waiting[future] = number

    def _next(self) -> SentUnit | None:
        """Wait for one unit; None stands for the result of what is submitted again."""
        future = self._first_done()
        if future is None:
            lost = set(self._waiting.values())
            self._patience.asked_again()
            self._counts.again += len(lost)
            self._submit_again(lost)
            return None
        number = self._waiting.pop(future)
        try:
            return self._take(number, future.result())
        except BrokenExecutor:
            self._waiting[future] = number
            self._count_lost()
            raise
        except FleetError:
            raise
        except CancelledError as error:
            # nothing here cancels what is waited for: the executor lost what it had. It need not
            # say so of all, and does not end what it no longer knows
            lost = {number, *self._waiting.values()}
            self._waiting.clear()
            for one in lost:
                self._fail(one, error)
        except Exception as error:  # noqa: BLE001 - executors name a lost worker as they like
            lost = {number}
            self._fail(number, error)
        # the future that failed is gone by now, and with it what its executor keeps of it
        del future
        self._submit_again(lost)
        return None

    def _take(self, number: int, found: SentUnit) -> SentUnit:
        """Take the first result of a unit; what else was submitted for it is no longer wanted."""
        if self._attempts.pop(number, 1) > 1:
            for future in [one for one, of in self._waiting.items() if of == number]:
                del self._waiting[future]
                _give_up(future)
        del self._left[number]
        return found

    def _first_done(self) -> Future[SentUnit] | None:
        """Wait for a future that is done; None where no result came in time."""
        start, were_lost = time.monotonic(), False
        while (quiet := time.monotonic() - start) < self._patience.seconds:
            left = self._patience.seconds - quiet
            try:
                found = next(as_completed(self._waiting, timeout=min(left, _LOOK)))
            except TimeoutError:
                is_lost = has_lost_workers(self._executor)
                if is_lost and were_lost:
                    self._give_up()
                were_lost = is_lost
            else:
                self._patience.heard(time.monotonic() - start)
                return found
        return None

    def _give_up(self) -> None:
        """Break a pool that did not notice, from one look to the next, that a worker ended."""
        release(self._executor)
        self._count_lost()
        raise BrokenProcessPool("a worker was killed while it wrote a result")

    def _submit_again(self, numbers: Iterable[int]) -> None:
        """Submit units that may be lost, in their order."""
        for number in sorted(numbers):
            self._submit(number)

    def _fail(self, number: int, error: Exception) -> None:
        self._failures[number] += 1
        self._counts.again += 1
        if self._failures[number] >= _ATTEMPTS:
            text = f"a unit of work failed {_ATTEMPTS} times: {type(error).__name__}: {error}"
            raise FleetError(text) from error

    def _count_lost(self) -> None:
        """Count what was submitted and is lost with its pool."""
        self._counts.again += len(set(self._waiting.values()))
