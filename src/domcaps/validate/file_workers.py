"""Processes that check files, each those that are likely built alike.

A process that has checked a domain checks the next one of its structure in a fraction of the time.
Programs that make domains make many of one structure, and those have about the same size. So files
of one size go to the same process. A process that has no files left takes some of another one.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

T = TypeVar("T")

_ALIKE = 256
"""Bytes: files whose sizes differ by less often go to the same process."""
_BATCH = 20
"""Files that a process gets at once."""


def by_processes(do: Callable[[str], T], files: Sequence[str], count: int) -> Iterator[T]:
    """Call a function for each file, in `count` forked processes; give the results in order.

    What the function raises for a file is raised in the place of its result. Raises `RuntimeError`
    where a process ends before its time.
    """
    workers: list[_Worker[T]] = [_Worker() for _ in range(count)]
    try:
        for worker in workers:
            worker.start(do)
        yield from _in_order(workers, files)
    finally:
        for worker in workers:
            worker.end()


class _Raised:
    """What a function raised for a file."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Worker(Generic[T]):
    """A process and the numbers of the files that it is to check."""

    def __init__(self) -> None:
        self.batches: deque[list[int]] = deque()
        self.current: list[int] = []
        self.connection: Connection
        self._process: ForkProcess | None = None

    def start(self, do: Callable[[str], T]) -> None:
        """Start the process."""
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(do, theirs), daemon=True)
        self._process.start()
        # no other process may hold it: the pipe ends with the process
        theirs.close()

    def give(self, batch: list[int], files: Sequence[str]) -> None:
        """Have files checked."""
        self.current = batch
        if batch:
            try:
                self.connection.send([files[number] for number in batch])
            except OSError as error:
                raise _ended() from error

    def results(self) -> list[T | _Raised]:
        """Give what came of the files."""
        try:
            found: list[T | _Raised] = self.connection.recv()
        except (EOFError, OSError) as error:
            raise _ended() from error
        return found

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self.connection.close()
            self._process.terminate()
            self._process.join()


def _ended() -> RuntimeError:
    return RuntimeError("a process that checks files ended before its time")


def _serve(do: Callable[[str], T], connection: Connection) -> None:
    """Check the files that are sent, until no more are."""
    try:
        while True:
            batch: list[str] = connection.recv()
            connection.send([_outcome(do, file) for file in batch])
    except (EOFError, OSError, KeyboardInterrupt):
        # the caller has all that it wants, or was interrupted as well
        return


def _outcome(do: Callable[[str], T], file: str) -> T | _Raised:
    try:
        return do(file)
    except Exception as error:  # noqa: BLE001 - the caller raises it
        return _Raised(error)


def _in_order(workers: list[_Worker[T]], files: Sequence[str]) -> Iterator[T]:
    _deal(workers, files)
    of = {worker.connection: worker for worker in workers}
    for worker in workers:
        worker.give(_next(worker, workers), files)
    ready: dict[int, T | _Raised] = {}
    due = 0
    while due < len(files):
        for connection in wait([worker.connection for worker in workers if worker.current]):
            worker = of[connection]  # type: ignore[index]
            ready.update(zip(worker.current, worker.results(), strict=True))
            worker.give(_next(worker, workers), files)
        while due in ready:
            result = ready.pop(due)
            if isinstance(result, _Raised):
                raise result.error
            yield result
            due += 1


def _deal(workers: list[_Worker[T]], files: Sequence[str]) -> None:
    """Deal the numbers of the files: a size that is new goes to the one who has the fewest."""
    dealt: list[list[int]] = [[] for _ in workers]
    owners: dict[int, list[int]] = {}
    for number, file in enumerate(files):
        size = _size(file) // _ALIKE
        if size not in owners:
            owners[size] = min(dealt, key=len)
        owners[size].append(number)
    most = max(1, min(_BATCH, len(files) // (4 * len(workers))))
    for worker, numbers in zip(workers, dealt, strict=True):
        worker.batches.extend(numbers[at : at + most] for at in range(0, len(numbers), most))


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - there may be many
    except (OSError, ValueError):
        # reading it says what is wrong
        return 0


def _next(worker: _Worker[T], workers: list[_Worker[T]]) -> list[int]:
    """Give the next files of a process; the last ones of another where it has none."""
    if worker.batches:
        return worker.batches.popleft()
    other = max(workers, key=lambda one: len(one.batches))
    return other.batches.pop() if other.batches else []
