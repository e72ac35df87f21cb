"""Running the service: uvicorn with limits on connections and on slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import time
from typing import TYPE_CHECKING

import msgspec
import uvicorn

from domcaps.serve.http.app import make_app
from domcaps.serve.http.limits import HttpLimits
from domcaps.serve.http.protocol import protocol_with
from domcaps.serve.http.worker import AnsweringWorker
from domcaps.serve.memory import give_back

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Sequence

    from domcaps.serve.http.access import Gate

_KEEP_ALIVE_SECONDS = 15
_STOP_SECONDS = 5
_LINES = 20
_OTHER_FILES = 200
"""Files for all but the connections that are answered: pipes, and connections that are refused."""

_LOG = logging.getLogger("domcaps.serve.http")


def with_files_for(limits: HttpLimits) -> HttpLimits:
    """Have as many files open as connections may need, or lower their number to what is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + _OTHER_FILES
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft >= wanted:
        return limits
    connections = max(soft - _OTHER_FILES, 1)
    _LOG.warning("at most %d connections: the limit of open files is %d", connections, soft)
    return msgspec.structs.replace(limits, connections=connections)


class _FewLines(logging.Filter):
    """Lets few lines through: clients without a token cause them too."""

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._count = 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is among the first of its minute; the last of them says so."""
        minute = int(time.monotonic() / 60)
        if minute != self._minute:
            self._minute, self._count = minute, 0
        self._count += 1
        if self._count == _LINES:
            record.msg = f"{record.getMessage()} (no more lines in this minute)"
            record.args = ()
        return self._count <= _LINES


def serve_http(
    sockets: Sequence[socket.socket],
    store: str,
    domains: Sequence[tuple[str, bytes]],
    gate: Gate,
    names: Collection[str],
    limits: HttpLimits | None = None,
) -> None:
    """Serve a store on sockets that listen, until SIGTERM or Ctrl-C."""
    limits = with_files_for(limits or HttpLimits())
    give_back()
    logging.getLogger("uvicorn.error").addFilter(_FewLines())

    async def run() -> None:
        worker = AnsweringWorker(store, domains, limits)
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(worker, gate, limits, names),
                http=protocol_with(limits),
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
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
