"""Programs of another machine, run through the system's ssh(1), within limits.

Whom to trust, which port and which key is ssh's business: its configuration counts, and nothing is
asked on the terminal (``BatchMode``). Nothing is installed on the other machine and no file is
written there.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shlex
import signal
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

from domcaps.errors import FleetError
from domcaps.facts.launch import PIPE, Command, TimeoutExpired, start
from domcaps.facts.process import quotable
from domcaps.facts.trust import SYSTEM_PATH, ProgramKind, vouch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from domcaps.facts.launch import Process

LARGEST = 64 << 20
"""Bytes that one command may print."""

_CONNECT_SECONDS = 15
_DESTINATION = re.compile(r"[A-Za-z0-9_.%+@:\[\]~/-]{1,300}", re.ASCII)
_PASSED = ("SSH_AUTH_SOCK", "SSH_AGENT_PID", "KRB5CCNAME")
_FAILED = 255


class SshHost(NamedTuple):
    """A machine to connect to: what ssh takes as its destination, and further options of ssh."""

    destination: str
    options: tuple[str, ...] = ()

    def command(self, remote: str) -> Command:
        """Give the command that runs a command line on the machine."""
        return Command(
            _program(),
            (
                "-T", "-x", "-a", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT_SECONDS}",
                "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3",
                *self.options, "--", self.destination, remote,
            ),
            ProgramKind.TOOL,
        )  # fmt: skip


def ssh_host(destination: str, options: Sequence[str] = ()) -> SshHost:
    """Check a destination: no text may become an option of ssh; raises `FleetError`."""
    if destination.startswith("-") or not _DESTINATION.fullmatch(destination):
        raise FleetError(
            f"{destination[:80]!r} is not a host that ssh can connect to",
            remedy="write a host name, USER@HOST or ssh://USER@HOST:PORT",
        )
    return SshHost(destination, tuple(options))


def _program() -> str:
    """Find ssh in the system's folders, and note that the operator asked for it."""
    for folder in SYSTEM_PATH.split(":"):
        path = f"{folder}/ssh"
        if os.access(path, os.X_OK):
            vouch(path, ProgramKind.TOOL)
            return path
    raise FleetError("ssh is not installed", remedy="on Debian: openssh-client")


def time_over() -> FleetError:
    """Give the error for a host that takes more than its time."""
    return FleetError("the time for this host is over")


def environment() -> dict[str, str]:
    """Give what ssh needs of this process's environment: where its agent listens."""
    return {name: os.environ[name] for name in _PASSED if name in os.environ}


def run(host: SshHost, remote: str, script: str, end: float) -> bytes:
    """Run a command line with a script as its standard input, and give what it printed.

    `end` is a time of `time.monotonic`. Raises `FleetError` where the connection fails, the time
    is over or too much is printed.
    """
    with tempfile.TemporaryFile() as file:
        file.write(script.encode("utf-8", "surrogateescape"))
        file.seek(0)
        try:
            process = start(
                host.command(remote), stdin=file.fileno(), output=PIPE, errors=PIPE,
                session=True, environ=environment(),
            )  # fmt: skip
        except OSError as error:
            raise FleetError(f"ssh can't be started: {error.strerror}") from error
    try:
        printed, complaint = _read(process, end)
        status = process.wait(timeout=max(0.1, end - time.monotonic()))
    except (TimeoutError, TimeoutExpired) as error:
        raise time_over() from error
    finally:
        _end(process)
    if status == _FAILED and not printed:
        raise FleetError(quotable(complaint) or "ssh failed")
    return printed


def _read(process: Process, end: float) -> tuple[bytes, bytes]:
    """Read both outputs until both are closed; of complaints the end is kept.

    Raises `TimeoutError` at `end`, also while the host prints without a pause.
    """
    output, errors = process.stdout, process.stderr
    assert output is not None  # noqa: S101 - both are pipes
    assert errors is not None  # noqa: S101
    parts: list[bytes] = []
    size, complaint = 0, b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(errors, selectors.EVENT_READ)
        while selector.get_map():
            left = end - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                if not part:
                    selector.unregister(key.fileobj)
                elif key.fileobj is errors:
                    complaint = (complaint + part)[-4096:]
                else:
                    parts.append(part)
                    size += len(part)
            if size > LARGEST:
                raise FleetError(f"the host printed more than {LARGEST >> 20} MiB")
    return b"".join(parts), complaint


def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    streams: tuple[IO[bytes] | None, ...] = (process.stdout, process.stderr)
    for stream in streams:
        if stream is not None:
            stream.close()


def quoted(script: str) -> str:
    """Give a command line that runs a shell script whatever the login shell there is.

    The script must not contain single quotes.
    """
    return f"exec /bin/sh -c {shlex.quote(script)}"
