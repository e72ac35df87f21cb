"""A server beside whatever else a program does: for tests, and as a fixture of pytest."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from domcaps.language.dialect import dialect_for
from domcaps.serve.hosts import own_libvirt
from domcaps.serve.limits import Limits
from domcaps.serve.server import Server
from domcaps.serve.sockets import UnixSocket, tcp_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from domcaps.serve.hosts import HostSource


@contextmanager
def serving(
    source: HostSource,
    path: Path | None = None,
    *,
    libvirt: str = DEFAULT_DIALECT,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    uids: Iterable[int] | None = None,
) -> Iterator[str]:
    """Serve a host while the ``with`` lasts, and give the URI that clients connect to.

    It is that of a UNIX socket at `path`, or of a free port of the loopback interface. Raises
    `UnknownDialectError`, and `OSError` where it can't listen.
    """
    server = Server(source, dialect_for(libvirt, own_libvirt(source)), limits, uids)
    named = None
    if path is None:
        listening = tcp_socket("127.0.0.1:0")
        uri = f"qemu+tcp://127.0.0.1:{listening.getsockname()[1]}/system"
    else:
        named = UnixSocket(path)
        listening = named.listening
        uri = f"qemu+unix:///system?socket={path}"
    loop = asyncio.new_event_loop()
    started = threading.Event()
    thread = threading.Thread(
        target=_run, args=(loop, server, listening, started), name="domcaps-serve", daemon=True
    )
    thread.start()
    try:
        started.wait()
        yield uri
    finally:
        if named is not None:
            named.remove_name()
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _run(
    loop: asyncio.AbstractEventLoop,
    server: Server,
    listening: socket.socket,
    started: threading.Event,
) -> None:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(server.start([listening]))
    started.set()
    loop.run_forever()
