"""The server: listening sockets, who may come in, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from domcaps.facts.tasks import end
from domcaps.serve.access import peer_of
from domcaps.serve.connection import Connection
from domcaps.serve.limits import Limits, Room
from domcaps.serve.procedures import procedures
from domcaps.serve.session import Session
from domcaps.serve.sockets import BACKLOG, peer_uid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource

log = logging.getLogger("domcaps.serve")


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
            return await asyncio.start_server(self._arrive, sock=listening, backlog=BACKLOG)
        if sys.version_info >= (3, 13):
            # otherwise it removes the socket at the end, which may be systemd's
            return await asyncio.start_unix_server(
                self._arrive, sock=listening, backlog=BACKLOG, cleanup_socket=False
            )
        return await asyncio.start_unix_server(self._arrive, sock=listening, backlog=BACKLOG)

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
        uid = peer_uid(peer)
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


def _shown(address: object) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
