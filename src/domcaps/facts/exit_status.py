"""Attending to an emulator that runs, from within an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.process import EmulatorProcess

FROM_OUTSIDE = frozenset(
    {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGQUIT}
)
"""Exit statuses of an emulator that another process killed."""

_SHORTAGES = tuple(
    os.strerror(number)
    for number in (
        errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT,
        errno.EINTR, errno.EBUSY, errno.EIO,
    )
)  # fmt: skip
_OWN_WORDS = ("failed to allocate", "out of memory", "failed to create thread")

_PATIENCE_SECONDS = 1.0


def is_shortage(text: str) -> bool:
    """Tell whether a message speaks of a limit that was reached, which may be over the next time.

    Emulators are started with ``LC_ALL=C``: the system's messages are those of strerror(3).
    """
    lower = text.lower()
    return any(word in text for word in _SHORTAGES) or any(word in lower for word in _OWN_WORDS)


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
