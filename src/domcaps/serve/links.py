"""Streams to a libvirt: a UNIX socket of this machine, plain TCP, or a socket behind ssh.

Everything is the system's: ssh connects with its own configuration and asks nothing; on the other
machine it runs ``virt-ssh-helper``, which comes with libvirt. Where the socket is named, or libvirt
is older than 6.8, it runs ``nc``, ``socat`` or Python.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import socket
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from domcaps.errors import LibvirtCallError, RequestError
from domcaps.facts.launch import PIPE, start
from domcaps.facts.process import quotable
from domcaps.fleet.collect.ssh import environment, ssh_host
from domcaps.serve.client import LibvirtLink, socket_of, unix_link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import SplitResult

    from domcaps.facts.launch import Process

PORT = 16509
"""The port on which libvirt listens for plain TCP."""

_LOCAL = frozenset({"qemu", "qemu+unix"})
_WAYS = (
    "use qemu:///system, qemu:///system?socket=PATH, qemu+ssh://USER@HOST:PORT/system or "
    "qemu+tcp://HOST:PORT/system"
)
_SOCKETS = (
    "/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock", "/var/run/libvirt/libvirt-sock"
)  # fmt: skip
_FAREWELL = 4096
_FAREWELL_SECONDS = 1.0


def link_to(uri: str, seconds: float, options: Sequence[str] = ()) -> LibvirtLink:
    """Connect to the libvirt that a URI names, within `seconds`; `options` are added to ssh's.

    Raises `RequestError` for a URI of another form, `LibvirtCallError` or `FleetError` where the
    connection fails.
    """
    parts = _parts(uri)
    if parts.scheme in _LOCAL and not parts.netloc:
        path, told = socket_of(uri)
        return unix_link(path, told, seconds)
    if parts.scheme == "qemu+tcp":
        return _tcp_link(parts, seconds)
    if parts.scheme == "qemu+ssh":
        return _ssh_link(parts, options)
    raise _unusable(uri)


def host_of(uri: str) -> str:
    """Give the name of the host in a URI, "" for this machine; raises `RequestError`."""
    parts = _parts(uri)
    if parts.scheme not in {*_LOCAL, "qemu+tcp", "qemu+ssh"}:
        raise _unusable(uri)
    return parts.hostname or ""


def _parts(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # read here, since a port that is no number is an error
    except ValueError as error:
        raise _unusable(uri) from error
    if parts.path not in {"/system", "/session"}:
        raise _unusable(uri)
    return parts


def _unusable(uri: str) -> RequestError:
    return RequestError(f"{uri[:200]!r} is not the URI of a libvirt for QEMU", remedy=_WAYS)


def _tcp_link(parts: SplitResult, seconds: float) -> LibvirtLink:
    if not parts.hostname:
        raise _unusable(parts.geturl())
    address = parts.hostname, parts.port or PORT
    where = f"{address[0]}:{address[1]}"
    try:
        stream = socket.create_connection(address, timeout=seconds)
    except OSError as error:
        raise LibvirtCallError(f"no connection: {error.strerror or error}", where=where) from error
    return LibvirtLink(stream, where, f"qemu://{parts.path}")


def _ssh_link(parts: SplitResult, options: Sequence[str]) -> LibvirtLink:
    host = ssh_host(_destination(parts), options)
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = start(
                host.command(_remote(parts)), stdin=theirs.fileno(), output=theirs.fileno(),
                errors=PIPE, session=True, environ=environment(),
            )  # fmt: skip
        except OSError as error:
            ours.close()
            raise LibvirtCallError(
                f"ssh can't be started: {error.strerror}", where=parts.netloc
            ) from error
        except BaseException:
            ours.close()
            raise
    return _SshLink(ours, process, parts)


def _destination(parts: SplitResult) -> str:
    host = parts.hostname or ""
    user = f"{unquote(parts.username)}@" if parts.username else ""
    named = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"ssh://{user}{named}{port}" if port or ":" in host else f"{user}{host}"


def _remote(parts: SplitResult) -> str:
    """Give the command line that connects standard input and output with libvirt's socket there."""
    named = parse_qs(parts.query).get("socket")
    uri = f"qemu://{parts.path}"
    lines = [] if named else [
        f"if command -v virt-ssh-helper >/dev/null 2>&1; then exec virt-ssh-helper {uri}; fi"
    ]  # fmt: skip
    if parts.path == "/system" or named:
        sockets = " ".join(map(shlex.quote, named[-1:] if named else _SOCKETS))
        lines.append(f"for s in {sockets}; do if test -S $s; then {_JOIN}; fi; done")
    lines.append("echo there is no socket of libvirt, or no program that connects to it >&2")
    return f"exec /bin/sh -c {shlex.quote('; '.join([*lines, 'exit 1']))}"


_PYTHON = """import os, select, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
while True:
    for one in select.select([0, s], [], [])[0]:
        data = os.read(0, 65536) if one == 0 else s.recv(65536)
        if not data:
            sys.exit()
        if one == 0:
            s.sendall(data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
"""
_JOIN = (
    "if nc -h 2>&1 | grep -q -e -U; then exec nc -U $s; fi; "
    "if command -v socat >/dev/null 2>&1; then exec socat - UNIX-CONNECT:$s; fi; "
    f"if command -v python3 >/dev/null 2>&1; then exec python3 -c {shlex.quote(_PYTHON)} $s; fi"
)
"""Connect with the socket ``$s``, by the first program that is there."""


class _SshLink(LibvirtLink):
    """A stream through ssh, which ends with it."""

    def __init__(self, stream: socket.socket, process: Process, parts: SplitResult) -> None:
        super().__init__(stream, parts.netloc.rpartition("@")[2], f"qemu://{parts.path}")
        self._process = process

    def complaint(self) -> str:
        """Give what ssh or the other machine complained about."""
        pipe = self._process.stderr
        if pipe is None or not select.select([pipe], [], [], _FAREWELL_SECONDS)[0]:
            return ""
        return quotable(os.read(pipe.fileno(), _FAREWELL))

    def close(self) -> None:
        """Close the stream and end ssh."""
        super().close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
