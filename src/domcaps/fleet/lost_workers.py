"""Pools of processes that wait for a worker which is gone.

A worker that is killed while it writes a result leaves half of it in the pipe of all workers, and
the lock of this pipe taken. The pool reads on and never finds that a worker ended: its futures are
never done, and neither `shutdown` nor the end of the program returns. `concurrent.futures` has no
name for any of this, so it is looked up by the names that CPython gives it; where there are none,
no pool is taken for one that waits.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from multiprocessing.process import BaseProcess


def has_lost_workers(executor: Executor) -> bool:
    """Tell whether a worker of a pool ended; a pool that noticed is broken moments later."""
    sentinels = [process.sentinel for process in _workers(executor)]
    return bool(wait(sentinels, timeout=0)) if sentinels else False


def release(executor: Executor) -> None:
    """End a pool that waits for a worker which is gone: it finds the end of the pipe."""
    for process in _workers(executor):
        process.kill()
        process.join()
    results: Any = getattr(executor, "_result_queue", None)
    writer: Any = getattr(results, "_writer", None)
    if writer is not None:
        with contextlib.suppress(OSError):
            writer.close()


def _workers(executor: Executor) -> list[BaseProcess]:
    if not isinstance(executor, ProcessPoolExecutor):
        return []
    workers: dict[int, BaseProcess] | None = getattr(executor, "_processes", None)
    return list((workers or {}).values())
