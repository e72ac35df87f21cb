"""Workers that are threads, for a server inside another program.

A thread can't be stopped: one whose call hangs is left behind. It is a daemon, so that the program
can end all the same. There are so many threads and no more.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.jobs import perform
from domcaps.serve.workers.call import WorkerLostError

if TYPE_CHECKING:
    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource
    from domcaps.serve.workers.usage import Usage

_MOST = 64


class ThreadWorker:
    """A worker whose calls are made by threads of this process, one after the other."""

    can_be_stopped = False
    is_lost = False
    _alive = threading.BoundedSemaphore(_MOST)

    def __init__(self, source: HostSource, dialect: Dialect) -> None:
        self.calls = 0
        self.client: Usage | None = None
        self._source = source
        self._dialect = dialect
        self._answer: asyncio.Future[bytes] | None = None

    async def ask(self, request: bytes) -> bytes:
        """Make a call in a thread."""
        if not self._alive.acquire(blocking=False):
            raise LibvirtError(ErrorNumber.OPERATION_FAILED, f"{_MOST} calls hang")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        self._answer = answer

        def work() -> None:
            try:
                found = perform(self._source, self._dialect, request)
            finally:
                self._alive.release()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_give, answer, found)

        threading.Thread(target=work, name="domcaps-worker", daemon=True).start()
        return await answer

    def stop(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        """Wait for its call no longer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerLostError(reason, code))

    def level(self) -> int:
        """Give none: threads have no priorities."""
        return 0

    def step_back(self, level: int) -> None:
        """Do nothing."""

    def times(self) -> tuple[float, float]:
        """Tell nothing."""
        return 0.0, 0.0

    def growth(self) -> int:
        """Tell nothing: what a thread takes is the process's."""
        return 0


def _give(answer: asyncio.Future[bytes], found: bytes) -> None:
    if not answer.done():
        answer.set_result(found)
