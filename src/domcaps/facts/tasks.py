"""Tasks that come to an end together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for them; what becomes of them is of no interest any more.

    `asyncio.gather` would do the same, but if the waiting task is cancelled meanwhile, it leaves
    an unretrieved exception behind, which asyncio then prints.
    """
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    if waiting:
        done, _ = await asyncio.wait(waiting)
        for task in done:
            if not task.cancelled():
                task.exception()


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await something that must not be left half-way, even if the waiting task is cancelled.

    The cancellation is raised once it is done.
    """
    task = asyncio.ensure_future(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()
        raise cancelled
    task.result()
