"""Attending to an emulator that runs, from within an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.process import EmulatorProcess

FROM_OUTSIDE = frozenset(
    {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGQUIT}
)
"""Exit statuses of an emulator that another process killed."""

_PATIENCE_SECONDS = 1.0


def signal_name(status: int) -> str:
    """Name the signal of an exit status."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


@contextlib.contextmanager
def listening(process: EmulatorProcess) -> Iterator[None]:
    """Keep taking what the process prints, so that it never waits for a reader."""
    loop = asyncio.get_running_loop()
    loop.add_reader(process.output, _listen, process, loop)
    try:
        yield
    finally:
        loop.remove_reader(process.output)


def _listen(process: EmulatorProcess, loop: asyncio.AbstractEventLoop) -> None:
    if not process.listen():
        loop.remove_reader(process.output)


async def exit_status(process: EmulatorProcess) -> int | None:
    """Give the exit status of a process that is about to end, None when it does not."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + _PATIENCE_SECONDS
    while (status := process.ended()) is None and loop.time() < limit:
        await asyncio.sleep(0.001)
    return status
