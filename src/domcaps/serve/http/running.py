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
    """HTTP/1.1 with a client that must send its first request in time."""

    patience = HttpLimits().receive_seconds

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self.loop.call_later(self.patience, self._look)

    def _look(self) -> None:
        if getattr(self, "cycle", None) is None and not self.transport.is_closing():
            self.transport.close()


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
