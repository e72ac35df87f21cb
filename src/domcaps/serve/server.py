"""The server: listening sockets, who may come in, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import stat
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from domcaps.errors import RequestError
from domcaps.facts.tasks import end
from domcaps.serve.access import peer_of
from domcaps.serve.connection import Connection
from domcaps.serve.limits import Limits, Room
from domcaps.serve.procedures import procedures
from domcaps.serve.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource

log = logging.getLogger("domcaps.serve")

_BACKLOG = 128
_FIRST_INHERITED = 3
_CREDENTIALS = struct.Struct("iII")


class Server:
    """Answers clients of libvirt about the hosts of a source.

    Give it sockets that listen, then `start` it; `stop` lets calls end. With `uids` only
    those users are let in over UNIX sockets, besides the one that the server runs as.
    """

    def __init__(
        self,
        source: HostSource,
        dialect: Dialect,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        uids: Iterable[int] | None = None,
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._limits = limits
        self._uids = None if uids is None else frozenset(uids) | {os.geteuid()}
        self._servers: list[asyncio.Server] = []
        self._clients: set[asyncio.Task[None]] = set()
        self._room = Room(limits.memory)
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="domcaps-serve")
        self._count = 0
        self._refused = 0

    @property
    def clients(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Begin to answer; raises `OSError`."""
        procedures()
        for listening in sockets:
            server = await self._listen(listening)
            self._servers.append(server)
            log.info("listening=%s", _shown(listening.getsockname()))

    async def _listen(self, listening: socket.socket) -> asyncio.Server:
        if listening.family != socket.AF_UNIX:
            return await asyncio.start_server(self._arrive, sock=listening, backlog=_BACKLOG)
        if sys.version_info >= (3, 13):
            # otherwise it removes the socket at the end, which may be systemd's
            return await asyncio.start_unix_server(
                self._arrive, sock=listening, backlog=_BACKLOG, cleanup_socket=False
            )
        return await asyncio.start_unix_server(self._arrive, sock=listening, backlog=_BACKLOG)

    async def stop(self) -> None:
        """Take no more clients, give those that are there a moment, and send them away."""
        for server in self._servers:
            server.close()
        if self._clients:
            await asyncio.wait(self._clients, timeout=self._limits.stop_seconds)
        await end(self._clients)
        self._threads.shutdown(wait=False, cancel_futures=True)
        log.info("stopped clients=%d refused=%d", self._count, self._refused)

    def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        uid = _peer_uid(peer)
        reason = self._reason_against(uid)
        self._count += 1
        name = f"{self._count}" if uid is None else f"{self._count}/uid={uid}"
        if reason:
            self._refused += 1
            log.warning("client=%s refused: %s", name, reason)
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer, name))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    def _reason_against(self, uid: int | None) -> str:
        if self._uids is not None and uid is not None and uid not in self._uids:
            return "this user may not"
        if len(self._clients) >= self._limits.clients:
            return f"there are {len(self._clients)} clients"
        return ""

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        log.debug("client=%s connected", name)
        session = Session(self._source, self._dialect, peer_of(writer.get_extra_info("socket")))
        connection = Connection(
            (reader, writer), session, self._limits, self._room, self._threads, name
        )
        await connection.serve()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._limits.message_seconds):
                await writer.wait_closed()
        log.debug("client=%s gone", name)


def _peer_uid(peer: socket.socket) -> int | None:
    """Tell who is at the other end of a UNIX socket (``SO_PEERCRED``), None for other sockets."""
    if peer.family != socket.AF_UNIX:
        return None
    data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(data)[1]
    return uid


def _shown(address: object) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)


def unix_socket(path: Path, mode: int = 0o600) -> socket.socket:
    """Listen at a path; a socket that nobody listens at any more is replaced.

    Raises `RequestError` where something else is there, `OSError` where it can't be made.
    """
    if path.exists() or path.is_symlink():
        _remove_stale(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # never open to more people than it is meant for, not even for a moment
        before = os.umask(0o777 & ~mode)
        try:
            made.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(mode)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise OSError(error.errno, error.strerror, str(path)) from error
    return made


def _remove_stale(path: Path) -> None:
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise RequestError(
            "there is a file that is no socket", where=str(path), remedy="give another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise RequestError(
        "somebody listens there already", where=str(path), remedy="give another path"
    )


def tcp_socket(text: str) -> socket.socket:
    """Listen at ``ADDRESS:PORT`` of the loopback interface; port 0 is any that is free.

    There is neither encryption nor a login, so any other address is refused, by `RequestError`.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        number = int(port)
        if not address.is_loopback or not 0 <= number <= 0xFFFF:
            raise ValueError
    except ValueError as error:
        raise RequestError(
            "not an address of the loopback interface with a port",
            where=text,
            remedy="give one such as 127.0.0.1:16509",
        ) from error
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((str(address), number))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise OSError(error.errno, error.strerror, text) from error
    return made


def inherited_sockets() -> list[socket.socket]:
    """Give the sockets that systemd hands over (``sd_listen_fds``), none where it does not."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = os.environ.get("LISTEN_FDS", "")
    if not count.isdigit():
        return []
    return [socket.socket(fileno=_FIRST_INHERITED + i) for i in range(int(count))]
