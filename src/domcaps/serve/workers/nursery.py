"""The process that forks workers: it has everything loaded, a single thread, and no clients.

A server has threads and sockets; forking it would copy locks that are held and connections that
are open. The nursery is forked before there are any. Then a worker costs a few milliseconds, and
shares the memory of what was loaded; so one can be ended whenever it takes too long.

The server asks for a worker by sending a socket over which the worker will be asked. When the
server ends, however it does, the nursery sees the end of its socket, and ends all workers. A
worker's emulators end with it (`domcaps.facts.process`).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import select
import signal
import socket
import struct
import time
from typing import TYPE_CHECKING, NoReturn

from domcaps.facts.launch import ProgramsRefusedError, leave_processor, no_programs
from domcaps.fresh.build import kept_by_children
from domcaps.serve.jobs import Job, encode, perform
from domcaps.serve.procedures import procedures
from domcaps.serve.workers.call import LOWER
from domcaps.serve.xdr import STRING, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource

log = logging.getLogger("domcaps.serve")

LENGTH = struct.Struct(">I")
"""Before each message between server and worker, and for the number of the worker's process."""

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.2
_NEEDED, _SPARE = b"n", b"s"
_SAMPLES = tuple(
    encode(Job(11, pack(STRING, f"<domain type='{kind}'><name>a</name><memory>1</memory>"
                        "<os><type>hvm</type></os></domain>"), b"", read_only=False))
    for kind in ("kvm", "qemu", "qemu")
)  # fmt: skip
"""Definitions of domains, which are what clients call most that takes a worker."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class Nursery:
    """The server's end: asks for workers. Make it before the program has a second thread."""

    def __init__(self, source: HostSource, dialect: Dialect) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server = os.getpid()
        self._pid = os.fork()
        if not self._pid:
            _end_with(server)
            self._socket.close()
            _run(theirs, source, dialect)
        theirs.close()

    def fork(self, theirs: socket.socket, *, is_spare: bool = False) -> None:
        """Have a worker forked that is asked over the other end of a socket; raises `OSError`.

        A spare one, for which no call waits, proves the answers that it inherits before it is
        ready, so that its first call takes no longer than the next ones.
        """
        socket.send_fds(self._socket, [_SPARE if is_spare else _NEEDED], [theirs.fileno()])

    def close(self) -> None:
        """End it and all workers, at once."""
        self._socket.close()
        with contextlib.suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(self._pid, 0)


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, and leave signals to the parent."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # a signal that is ignored would be ignored by emulators, too; one that is handled is not
        signal.signal(number, lambda *_: None)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _run(server: socket.socket, source: HostSource, dialect: Dialect) -> NoReturn:
    """Fork workers until the server is gone."""
    workers: set[int] = set()
    try:
        procedures()
        source.prepare(dialect)
        warmth = _Warmth(source, dialect)
        while True:
            warmth.renew()
            if select.select([server], [], [], _LOOK_SECONDS)[0]:
                message, fds, _, _ = socket.recv_fds(server, 1, 1)
                if not message:
                    break
                first = _SAMPLES if message == _SPARE else ()
                workers.add(_fork(server, fds[0], source, dialect, first))
            _reap(workers)
    except Exception:
        log.exception("the process that starts workers failed")
    finally:
        for worker in workers:
            with contextlib.suppress(OSError):
                os.kill(worker, signal.SIGKILL)
        os._exit(0)


class _Warmth:
    """What the nursery knows of its host, and workers know by that from the start.

    It only saves time, since a worker proves each answer anew. It is renewed now and then; while a
    program would have to be asked for it, less and less often.
    """

    def __init__(self, source: HostSource, dialect: Dialect) -> None:
        self._source = source
        self._dialect = dialect
        self._due = 0.0
        self._pause = _FIRST_PAUSE

    def renew(self) -> None:
        """Know the host as it is now, if it is time for that."""
        if time.monotonic() < self._due:
            return
        is_whole = self._source.warm(self._dialect)
        self._pause = _LONGEST_PAUSE if is_whole else min(2 * self._pause, _LONGEST_PAUSE)
        gc.collect()
        gc.freeze()
        self._due = time.monotonic() + self._pause


def _fork(
    server: socket.socket,
    number: int,
    source: HostSource,
    dialect: Dialect,
    first: Sequence[bytes],
) -> int:
    nursery = os.getpid()
    with kept_by_children():
        pid = os.fork()
    if pid:
        os.close(number)
        return pid
    try:
        _end_with(nursery)
        server.close()
        _perform_samples(source, dialect, first)
        _work(socket.socket(fileno=number), source, dialect)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server is gone
    except Exception:
        log.exception("a worker failed")
    finally:
        os._exit(0)


def _perform_samples(source: HostSource, dialect: Dialect, samples: Sequence[bytes]) -> None:
    """Make calls of no client: answers are proven, and memory is copied, before a client waits."""
    # an emulator may take long, or for ever
    with contextlib.suppress(ProgramsRefusedError), no_programs():
        for sample in samples:
            perform(source, dialect, sample)


def _reap(workers: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            workers.discard(pid)


def _work(asked: socket.socket, source: HostSource, dialect: Dialect) -> None:
    """Make calls until the server closes the socket."""
    leave_processor(os.getpriority(os.PRIO_PROCESS, 0) + LOWER)
    asked.sendall(LENGTH.pack(os.getpid()))
    with asked, asked.makefile("rb") as stream:
        while head := stream.read(LENGTH.size):
            request = stream.read(LENGTH.unpack(head)[0])
            answer = perform(source, dialect, request)
            del request
            asked.sendall(LENGTH.pack(len(answer)))
            asked.sendall(answer)
            del answer
