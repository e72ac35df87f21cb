"""A server beside whatever else a program does: for tests, and as a fixture of pytest."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from domcaps.language.dialect import dialect_for
from domcaps.serve.hosts import own_libvirt
from domcaps.serve.limits import ServerLimits
from domcaps.serve.server import Server
from domcaps.serve.sockets import UnixSocket, tcp_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from domcaps.serve.hosts import HostSource
    from domcaps.serve.inventory import SandboxKind


@contextmanager
def serving(
    source: HostSource,
    path: Path | None = None,
    *,
    libvirt: str = DEFAULT_DIALECT,
    limits: ServerLimits = ServerLimits(),  # noqa: B008 - immutable
    uids: Iterable[int] | None = None,
    sandbox: SandboxKind | None = None,
) -> Iterator[str]:
    """Serve a host while the ``with`` lasts, and give the URI that clients connect to.

    It is that of a UNIX socket at `path`, or of a free port of the loopback interface. With
    `sandbox` clients may start domains, which exist in memory alone (`Server`). Raises
    `UnknownDialectError`, and `OSError` where it can't listen.
    """
    server = Server(
        source, dialect_for(libvirt, own_libvirt(source)), limits, uids, sandbox=sandbox
    )
    named = None
    if path is None:
        listening = tcp_socket("127.0.0.1:0")
        uri = f"qemu+tcp://127.0.0.1:{listening.getsockname()[1]}/system"
    else:
        named = UnixSocket(path)
        listening = named.listening
        uri = f"qemu+unix:///system?socket={path}"
    background = _Background(server, listening)
    background.start()
    try:
        yield uri
    finally:
        if named is not None:
            named.remove_name()
        background.stop()


class _Background:
    """A server with an event loop and a thread of its own."""

    def __init__(self, server: Server, listening: socket.socket) -> None:
        self._server = server
        self._listening = listening
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="domcaps-serve", daemon=True)

    def start(self) -> None:
        """Return once the server answers; raises what its start raises."""
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """End the server, its tasks and the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        # the runner cancels the tasks that are left, and waits for them, before the loop is closed
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            await self._server.start([self._listening])
        except BaseException as error:  # noqa: BLE001 - raised by start()
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._stop.wait()
        await self._server.stop()
