"""Workers that are processes: what one does, takes or waits for does not harm others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.serve.errors import ErrorNumber
from domcaps.serve.workers.nursery import LENGTH
from domcaps.serve.workers.pool import WorkerLostError

if TYPE_CHECKING:
    from domcaps.serve.workers.nursery import Nursery

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_BUFFER = 1024 * 1024
_START_SECONDS = 30.0
_BACK = 15
_USER_TIME, _SYSTEM_TIME = 11, 12


class ProcessWorker:
    """A worker process, as the server sees it."""

    can_be_stopped = True

    def __init__(
        self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._pid = pid
        self._reader = reader
        self._writer = writer
        # while this is open, signals can't reach another process that has got the same number
        self._handle = os.pidfd_open(pid)
        # kept open, since it is looked at often; that of a process that ended can't be read
        self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        self._lost: WorkerLostError | None = None
        self._first = self._resident()
        self.is_back = False

    @classmethod
    async def start(cls, nursery: Nursery) -> ProcessWorker:
        """Have one forked; raises `OSError`."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                nursery.fork(theirs)
            except OSError:
                ours.close()
                raise
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_BUFFER)
        try:
            async with asyncio.timeout(_START_SECONDS):
                (pid,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            return cls(pid, reader, writer)
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            writer.close()
            raise OSError("a worker did not start") from error

    async def ask(self, request: bytes) -> bytes:
        """Make a call."""
        try:
            self._writer.write(LENGTH.pack(len(request)))
            self._writer.write(request)
            await self._writer.drain()
            (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError) as error:
            lost = self._lost or WorkerLostError("its worker ended", ErrorNumber.INTERNAL_ERROR)
            self.stop(lost.reason, lost.code)
            raise lost from error

    def stop(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        """Kill the process."""
        if self._lost is None:
            self._lost = WorkerLostError(reason, code)
        if self._handle < 0:
            return
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        os.close(self._handle)
        os.close(self._statm)
        self._handle = self._statm = -1
        self._writer.close()

    def step_back(self) -> None:
        """Lower its priority; that can't be raised again, so that it ends after this call."""
        self.is_back = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._pid, _BACK)

    def processor_seconds(self) -> float | None:
        """Give what ``/proc`` tells."""
        fields = self._stat()
        if not fields:
            return None
        return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / _TICKS

    def wants_processor(self) -> bool:
        """Give what ``/proc`` tells of the main thread, which makes the calls."""
        return self._stat()[:1] == ["R"]

    def _stat(self) -> list[str]:
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return stat.rpartition(")")[2].split()

    def growth(self) -> int:
        """Give what ``/proc`` tells."""
        return max(0, self._resident() - self._first)

    def _resident(self) -> int:
        try:
            return int(os.pread(self._statm, 100, 0).split()[1]) * _PAGE
        except (OSError, IndexError):
            return 0
