"""The server: listening sockets, who may come in, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from domcaps.facts.tasks import end
from domcaps.serve.access import peer_of
from domcaps.serve.answers import Answers
from domcaps.serve.connection import Connection, Shared
from domcaps.serve.frames import PIECE
from domcaps.serve.inventory import Sandboxes, SandboxKind
from domcaps.serve.ledger import Ledger
from domcaps.serve.limits import ServerLimits
from domcaps.serve.procedures import procedures
from domcaps.serve.session import ClientSession
from domcaps.serve.sockets import BACKLOG, client_of, peer_uid
from domcaps.serve.workers.pool import WorkerPool
from domcaps.serve.workers.processes import ProcessWorker
from domcaps.serve.workers.threads import ThreadWorker
from domcaps.serve.workers.usage import Clients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource
    from domcaps.serve.workers.call import Worker
    from domcaps.serve.workers.nursery import Nursery

_ARRIVING = 8

log = logging.getLogger("domcaps.serve")


class Server:
    """Answers clients of libvirt about the hosts of a source.

    Give it sockets that listen, then `start` it; `stop` lets calls end. With `uids` only
    those users are let in over UNIX sockets, besides the one that the server runs as. Calls that
    may take long are made by processes of a `nursery`, without one by threads. With `sandbox`
    clients start domains that exist in memory alone, which they share by user or keep to their
    connection.
    """

    def __init__(
        self,
        source: HostSource,
        dialect: Dialect,
        limits: ServerLimits = ServerLimits(),  # noqa: B008 - immutable
        uids: Iterable[int] | None = None,
        nursery: Nursery | None = None,
        sandbox: SandboxKind | None = None,
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._limits = limits
        self._uids = None if uids is None else frozenset(uids) | {os.geteuid()}
        self._servers: list[asyncio.Server] = []
        self._clients: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()
        self._traffic = Ledger(limits.memory, 2 * limits.message)
        self._kept = Ledger(limits.kept, limits.kept_each)
        self._sandboxes = Sandboxes(self._kept, shared=sandbox == "user") if sandbox else None
        self._workers = WorkerPool(self._start_worker, limits)
        self._nursery = nursery
        self._known_clients = Clients()
        self._shared = Shared(limits, self._traffic, self._workers, Answers(limits.answers))
        self._count = 0
        self._refused = 0
        self._is_stopping = False

    @property
    def clients(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Begin to answer; raises `OSError`."""
        procedures()
        if self._nursery is not None:
            self._workers.prepare()
        for listening in sockets:
            server = await self._listen(listening)
            self._servers.append(server)
            log.info("listening=%s", _shown(listening.getsockname()))

    async def _start_worker(self, is_spare: bool) -> Worker:
        if self._nursery is None:
            return ThreadWorker(self._source, self._dialect)
        return await ProcessWorker.start(self._nursery, is_spare=is_spare)

    async def broken(self) -> None:
        """Wait until no worker can be started any more."""
        await self._workers.broken.wait()

    async def _listen(self, listening: socket.socket) -> asyncio.Server:
        # so many are let in before those that are there have their turn
        options: dict[str, Any] = {"sock": listening, "backlog": _ARRIVING, "limit": PIECE}
        start: Callable[..., Awaitable[asyncio.Server]] = asyncio.start_server
        if listening.family == socket.AF_UNIX:
            start = asyncio.start_unix_server
        if listening.family == socket.AF_UNIX and sys.version_info >= (3, 13):
            # otherwise it removes the socket at the end, which may be systemd's
            options["cleanup_socket"] = False
        server = await start(self._arrive, **options)
        # and so many may wait for that
        listening.listen(BACKLOG)
        return server

    async def stop(self) -> None:
        """Take no more clients, give those that are there a moment, and send them away."""
        self._is_stopping = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.finish()
        if self._clients:
            await asyncio.wait(self._clients, timeout=self._limits.stop_seconds)
        await end(self._clients)
        await self._workers.stop()
        if self._nursery is not None:
            self._nursery.close()
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
        # a connection may have been accepted before its socket was closed
        if self._is_stopping:
            return "the server ends"
        if self._uids is not None and uid is not None and uid not in self._uids:
            return "this user may not"
        if len(self._clients) >= self._limits.clients:
            return f"there are {len(self._clients)} clients"
        return ""

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        log.debug("client=%s connected", name)
        # what was defined and what is sent are two accounts, and one connection
        kept = self._kept.account(lambda reason: connection.close(reason))
        connected = writer.get_extra_info("socket")
        session = ClientSession(
            self._source, self._dialect, peer_of(connected), kept, self._sandboxes
        )
        usage = self._known_clients.usage(client_of(connected))
        connection = Connection((reader, writer), session, self._shared, name, usage)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            kept.end()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._limits.message_seconds):
                await writer.wait_closed()
        log.debug("client=%s gone", name)


def _shown(address: object) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
