"""Running the service: uvicorn with limits on connections and on slow clients."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from domcaps.serve.http.app import make_app
from domcaps.serve.http.worker import AnsweringWorker, HttpLimits

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Sequence

    from domcaps.serve.http.access import Gate

_HEADER_BYTES = 16 << 10
_KEEP_ALIVE_SECONDS = 15
_STOP_SECONDS = 5


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with a client that must send each request in time, and read the answers.

    uvicorn closes a connection that is idle after an answer; a client that then sends a part of a
    request, or that reads nothing, would hold the connection for ever.
    """

    patience = HttpLimits().receive_seconds
    reading_patience = HttpLimits().reading_seconds
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect(self.patience, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        for timer in (self._waiting, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        answered = self.cycle
        super().on_response_complete()
        self._expect(self.timeout_keep_alive + self.patience, answered)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._expect_reading()

    def _expect(self, seconds: float, answered: object) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(seconds, self._look, answered)

    def _look(self, answered: object) -> None:
        """Close the connection if no request came after the one that was answered."""
        if self.cycle is answered:
            self.transport.close()
            self._expect_reading()

    def _expect_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self._unread is None:
            self._unread = self.loop.call_later(self.reading_patience, self._look_at_unread, left)

    def _look_at_unread(self, before: int) -> None:
        """Drop the connection if the client read nothing of what it is sent."""
        self._unread = None
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._expect_reading()


def serve_http(
    sockets: Sequence[socket.socket],
    store: str,
    domains: Sequence[tuple[str, bytes]],
    gate: Gate,
    names: Collection[str],
    limits: HttpLimits | None = None,
) -> None:
    """Serve a store on sockets that listen, until SIGTERM or Ctrl-C."""
    limits = limits or HttpLimits()

    async def run() -> None:
        worker = AnsweringWorker(store, domains, limits)
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(worker, gate, limits, names),
                http=PatientProtocol,
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=limits.connections,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
                h11_max_incomplete_event_size=_HEADER_BYTES,
            )
        )
        try:
            await server.serve(list(sockets))
        finally:
            worker.close()

    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops at a signal, and sends it once more to what was there before
        signal.signal(number, lambda *_: None)
    asyncio.run(run())
