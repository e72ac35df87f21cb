"""Workers that are processes: what one does, takes or waits for does not harm others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.facts.descendants import family
from domcaps.serve.errors import ErrorNumber
from domcaps.serve.workers.call import WorkerLostError
from domcaps.serve.workers.nursery import LENGTH

if TYPE_CHECKING:
    from domcaps.serve.workers.nursery import Nursery
    from domcaps.serve.workers.usage import Usage

_PAGE = os.sysconf("SC_PAGE_SIZE")
_NANOSECONDS = 1e9
_BUFFER = 1024 * 1024
_START_SECONDS = 30.0
_MOST_NICE = 19
_LOOK_SECONDS = 0.25
"""Between two looks at the memory of a worker's programs."""
COPIED = 14 * 1024 * 1024
"""Bytes of the nursery's memory that a worker writes to and so has a copy of: 10 to 25 MB. Only the
state of each page would show how many these are.
"""
_PROCESS_CLOCK = 2
"""``CPUCLOCK_SCHED``: what, with a process's number, makes up the number of its clock."""


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
        # kept open, since they are looked at often; those of a process that ended can't be read
        self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        self._schedstat = _opened(f"/proc/{pid}/schedstat")
        self._times = 0.0, 0.0
        self._lost: WorkerLostError | None = None
        self.calls = 0
        self.client: Usage | None = None
        self._programs = 0
        self._due = 0.0
        self._first = self._resident()

    @classmethod
    async def start(cls, nursery: Nursery, *, is_spare: bool = False) -> ProcessWorker:
        """Have one forked, a spare one if no call waits for it.

        Raises `TimeoutError` where that takes long, and another `OSError` where it fails.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                nursery.fork(theirs, is_spare=is_spare)
            except OSError:
                ours.close()
                raise
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_BUFFER)
        try:
            async with asyncio.timeout(_START_SECONDS):
                (pid,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            return cls(pid, reader, writer)
        except asyncio.IncompleteReadError as error:
            writer.close()
            raise OSError("a worker did not start") from error
        except TimeoutError as error:
            writer.close()
            raise TimeoutError(f"a worker did not start in {_START_SECONDS:g} s") from error

    @property
    def is_lost(self) -> bool:
        """Whether it was stopped, or the other end of its socket is closed."""
        return self._lost is not None or self._reader.at_eof()

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
        if self._schedstat >= 0:
            os.close(self._schedstat)
        self._handle = self._statm = self._schedstat = -1
        self._writer.close()

    def level(self) -> int:
        """Give by how much its niceness is above the server's; to start a program raises it."""
        try:
            own = os.getpriority(os.PRIO_PROCESS, 0)
            return max(0, os.getpriority(os.PRIO_PROCESS, self._pid) - own)
        except OSError:
            return 0

    def step_back(self, level: int) -> None:
        """Raise its niceness, and that of the emulators that it started."""
        if self._handle < 0 or level <= self.level():
            return
        nice = min(_MOST_NICE, os.getpriority(os.PRIO_PROCESS, 0) + level)
        for pid in family(self._pid):
            # it may be gone, or of another user
            with contextlib.suppress(OSError):
                os.setpriority(
                    os.PRIO_PROCESS, pid, max(nice, os.getpriority(os.PRIO_PROCESS, pid))
                )

    def times(self) -> tuple[float, float]:
        """Give what ``/proc`` tells of the main thread, which makes the calls."""
        if self._handle >= 0:
            with contextlib.suppress(OSError, ValueError):
                self._times = self._scheduled()
        return self._times

    def _scheduled(self) -> tuple[float, float]:
        if self._schedstat < 0:
            # a kernel without CONFIG_SCHED_INFO: that it wants a processor is not known
            return time.clock_gettime(~self._pid << 3 | _PROCESS_CLOCK), 0.0
        worked, starved, _ = os.pread(self._schedstat, 100, 0).split()
        return int(worked) / _NANOSECONDS, int(starved) / _NANOSECONDS

    def growth(self) -> int:
        """Give what ``/proc`` tells of it and its programs, and what it is taken to have copied."""
        if self._handle >= 0 and time.monotonic() > self._due:
            self._programs = sum(map(_own_memory, family(self._pid) - {self._pid}))
            self._due = time.monotonic() + _LOOK_SECONDS
        return COPIED + max(0, self._resident() - self._first) + self._programs

    def _resident(self) -> int:
        try:
            return int(os.pread(self._statm, 100, 0).split()[1]) * _PAGE
        except (OSError, IndexError):
            return 0


def _own_memory(pid: int) -> int:
    """Give the bytes of a process that it shares with no file and no other process."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * _PAGE


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
