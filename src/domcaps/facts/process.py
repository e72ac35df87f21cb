"""One run of an emulator: its processes, the socket of its monitor, its last words.

Nothing of a run may outlive it, however the program that uses this package ends, and whatever
the emulator does:

- Emulator and helpers share a process group that is led by the *leash*, a shell that waits for the
  end of a pipe from this process. The kernel closes that pipe when this process dies, even by
  SIGKILL, and the leash then kills its whole group, and before that every process that left the
  group and still has a mark in its environment (Linux). A parent-death signal would need code
  between fork and exec, which is unsafe in a program with threads, and it reaches no grandchildren.
- `EmulatorProcess.stop` kills the group, and all that descends from the emulator: see
  `domcaps.facts.descendants`. Where the run did not go as it should, it also looks for the mark.

QMP is spoken over a socket of its own, not over standard input: some QEMU types close file
descriptor 0 when they are merely asked for their properties (``chardev-parallel`` in QEMU 11.1
does), and programs that wrap an emulator may print to standard output.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import time
import uuid
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Self

from domcaps.errors import EmulatorNotFoundError, NotAnEmulatorError, ProbeError
from domcaps.facts.descendants import ADOPTION, end_all, family, kill, marked
from domcaps.facts.launch import PIPE, Command, shell, start
from domcaps.facts.trust import admit
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from domcaps.facts.launch import Account, Process

OBSERVER: ContextVar[Callable[[str, int], None] | None] = ContextVar("OBSERVER", default=None)
"""Called with an emulator's path and process number while it still runs, before it is ended.

What it is made of, such as the libraries that it loaded, can be seen then.
"""

MARK = "DOMCAPS_PROBE"
"""Environment variable that tells to which run a process belongs."""

_LEASH = """
read _
for _ in 1 2; do
  for place in $(grep -lsaF "$1" /proc/[0-9]*/environ); do
    place=${place#/proc/}
    kill -KILL "${place%/environ}" 2>/dev/null
  done
done
kill -KILL 0
"""
_KEPT = 4096
_FLOOD = 1 << 20
_QUOTED = 240
_STUBBORN_SECONDS = 5.0
_NOT_PRINTABLE = late_pattern(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\ufffd]+")


def executable_status(path: str) -> os.stat_result:
    """Give the status of the file at `path`, links followed, if it can be executed.

    Raises `EmulatorNotFoundError` otherwise.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EmulatorNotFoundError(
            f"there is no emulator: {reason}", where=path, remedy="name a QEMU system emulator"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise EmulatorNotFoundError(
            f"it is {kind}", where=path, remedy="name a QEMU system emulator"
        )
    if not os.access(path, os.X_OK):
        raise EmulatorNotFoundError(
            "it may not be executed", where=path, remedy="check the file's permissions"
        )
    return status


def quotable(raw: bytes) -> str:
    """Give the end of what a program printed, as one short line of printable text."""
    words = readable_text(raw.decode(errors="replace"))
    return words if len(words) <= _QUOTED else f"… {words[-_QUOTED:]}"


def readable_text(text: str) -> str:
    """Give a text in one line, without what can't be printed."""
    return " ".join(_NOT_PRINTABLE.sub(" ", text).split())


def questioning(accelerator: str) -> list[str]:
    """Give the arguments that start an emulator without a machine, for questions only.

    The emulator gets KVM if it can and TCG otherwise, as libvirt does it: ``query-kvm`` tells
    which. Other accelerators have no such question, so that nothing may stand in for them.
    """
    choice = "kvm:tcg" if accelerator == "kvm" else accelerator
    return [
        "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", f"none,accel={choice}",
    ]  # fmt: skip


class EmulatorProcess:
    """An emulator that runs, from its start to the end of everything that it started.

    A context manager: leaving it kills. `monitor` is this side of the QMP socket; its user
    closes it. `output` is a file descriptor to be watched: `listen` is due when it is readable.
    """

    def __init__(
        self,
        path: str,
        arguments: Sequence[str],
        environ: Mapping[str, str] | None = None,
        account: Account | None = None,
    ) -> None:
        """Start the emulator at `path`, with `environ` added to the environment.

        `account` is the user that it runs as, by default the present one. Raises
        `UntrustedProgramError` where it is not trusted, and another `ProbeError` where the
        system refuses to.
        """
        self.path = path
        self._account = account
        # before anything is started for it
        self._admit()
        self._arguments = arguments
        self._environ = environ or {}
        self.flooded = False
        self._mark = uuid.uuid4().hex
        self._tail = b""
        self._printed = 0
        self._stopped = False
        with contextlib.ExitStack() as undo:
            self.monitor, theirs = socket.socketpair()
            undo.callback(self.monitor.close)
            self.output, written = os.pipe()
            undo.callback(os.close, self.output)
            os.set_blocking(self.output, False)
            try:
                self._leash = _start_leash(path, self._mark)
                undo.callback(self._drop_leash)
                ADOPTION.begin(self._leash.pid)
                undo.callback(ADOPTION.end, self._leash.pid)
                self._emulator = self._start(theirs.fileno(), written)
            finally:
                theirs.close()
                os.close(written)
            undo.pop_all()

    def _admit(self) -> None:
        """Raise `UntrustedProgramError` for a program that may not be executed."""
        admit(self.path)

    def _start(self, monitor: int, output: int) -> Process:
        try:
            return start(
                Command(self.path, (*self._arguments, "-qmp", f"unix:fd={monitor}")),
                output=output,
                errors=output,
                descriptors=(monitor,),
                group=self._leash.pid,
                environ={**self._environ, MARK: self._mark},
                account=self._account,
            )
        except OSError as error:
            # it is there and executable, so what can't be run is its content or its interpreter
            raise NotAnEmulatorError(
                f"it can't be started: {error.strerror}",
                where=self.path,
                remedy="name a QEMU system emulator that was built for this machine",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(suspicious=kind is not None)

    def listen(self) -> bool:
        """Take what the emulator printed; False when it can't print any more.

        Its end is kept for `last_words`. An emulator that floods its standard output is killed.
        """
        try:
            while chunk := os.read(self.output, 1 << 16):
                self._printed += len(chunk)
                self._tail = (self._tail + chunk)[-_KEPT:]
                if self._printed > _FLOOD:
                    self.flooded = True
                    self._kill()
                    return False
        except BlockingIOError:
            return True
        return False

    def last_words(self) -> str:
        """Give the end of what the emulator printed, in one short line."""
        return quotable(self.printed())

    def printed(self) -> bytes:
        """Give the last few thousand bytes that the emulator printed."""
        if not self._stopped:
            self.listen()
        return self._tail

    def ended(self) -> int | None:
        """Give the exit status (negative: the signal), or None while the emulator still runs."""
        return self._emulator.poll()

    def stop(self, *, suspicious: bool = False) -> None:
        """Kill the emulator and everything it started, and wait until it is gone.

        `suspicious` says that something went wrong, so that helpers may have left the group.
        """
        if self._stopped:
            return
        suspicious = suspicious or self._emulator.poll() is not None
        observer = OBSERVER.get()
        try:
            if observer is not None and self._emulator.poll() is None:
                observer(self.path, self._emulator.pid)
        finally:
            descendants = family(self._emulator.pid) - {self._emulator.pid}
            self._kill()
        kill(descendants)
        if suspicious or descendants:
            wanted = f"{MARK}={self._mark}".encode()
            end_all(lambda: marked(wanted) - {self._emulator.pid})
        limit = time.monotonic() + _STUBBORN_SECONDS
        while self.ended() is None and time.monotonic() < limit:
            time.sleep(0.0005)
        self.listen()
        self._stopped = True
        os.close(self.output)
        self._drop_leash()
        ADOPTION.end(self._leash.pid)

    def _kill(self) -> None:
        # the leash has not been waited for: its number can't be another group's by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leash.pid, signal.SIGKILL)
        self._emulator.kill()

    def _drop_leash(self) -> None:
        if self._leash.stdin is not None:
            self._leash.stdin.close()
        self._leash.kill()
        self._leash.wait()


def _start_leash(path: str, mark: str) -> Process:
    command = shell(("-c", _LEASH, "sh", f"{MARK}={mark}"))
    try:
        return start(command, stdin=PIPE, group=0)
    except OSError as error:
        raise ProbeError(
            f"no process can be started: {error.strerror}", where=path, remedy="see the system"
        ) from error
