"""Units of work on any executor: what is lost is submitted again, under a name of its own.

Of an executor `submit` and `shutdown` are used, of its futures `result` and `cancel`, and
`concurrent.futures.as_completed`. So any executor fits.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from domcaps.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


class _Submitting:
    """Units that one executor works on; `left` loses those whose results were given."""

    def __init__(
        self, work: Work, left: dict[int, Unit], executor: Executor, counts: UnitCounts
    ) -> None:
        self._work, self._left, self._executor, self._counts = work, left, executor, counts
        self._new = iter(list(left))
        self._waiting: dict[Any, int] = {}
        self._failures: Counter[int] = Counter()

    def results(self) -> Iterator[SentUnit]:
        """Give results as they come; units that are no longer wanted are cancelled."""
        try:
            self._submit_more()
            while self._waiting:
                number, found = self._next()
                if found is not None:
                    del self._left[number]
                    self._submit_more()
                    yield found
        finally:
            for future in self._waiting:
                future.cancel()

    def _submit_more(self) -> None:
        while len(self._waiting) < _MOST_WAITING:
            number = next(self._new, None)
            if number is None:
                return
            self._submit(number)

    def _submit(self, number: int) -> None:
        # Dask takes equal calls for one: without the number it would repeat the failure
        attempt = self._failures[number]
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

    def _next(self) -> tuple[int, SentUnit | None]:
        """Wait for one unit; None stands for the result of one that is submitted again."""
        future = next(as_completed(self._waiting))
        number = self._waiting.pop(future)
        try:
            return number, future.result()
        except BrokenExecutor:
            self._waiting[future] = number
            self._count_lost()
            raise
        except FleetError:
            raise
        except Exception as error:  # noqa: BLE001 - executors name a lost worker as they like
            self._fail(number, error)
        # the future that failed is gone by now, and with it what its executor keeps of it
        del future
        self._submit(number)
        return number, None

    def _fail(self, number: int, error: Exception) -> None:
        self._failures[number] += 1
        self._counts.again += 1
        if self._failures[number] >= _ATTEMPTS:
            text = f"a unit of work failed {_ATTEMPTS} times: {type(error).__name__}: {error}"
            raise FleetError(text) from error

    def _count_lost(self) -> None:
        """Count what was submitted and is lost with its pool."""
        self._counts.again += len(self._waiting)
