"""Serving one client: messages in, replies out, in the order of the calls.

Two tasks share the work. One reads: it answers keepalive at once, and queues calls. The other
answers the calls, the slow ones in a thread. The queue is short; when it is full, nothing more is
read, so that a client that asks faster than it is answered is held up by its own socket.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from domcaps.errors import DomcapsError
from domcaps.facts.tasks import end
from domcaps.serve import frames, read_only
from domcaps.serve.errors import Code, ErrorDomain, LibvirtError, libvirt_error
from domcaps.serve.frames import Frame, FrameError, Status, Type
from domcaps.serve.procedures import is_callable, procedures
from domcaps.serve.xdr import XdrError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from domcaps.serve.limits import Limits, Room
    from domcaps.serve.procedures import Procedure
    from domcaps.serve.session import Session

log = logging.getLogger("domcaps.serve")


class Connection:
    """One client until it leaves."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        session: Session,
        limits: Limits,
        room: Room,
        threads: Executor,
        name: str,
    ) -> None:
        self._in, self._out = streams
        self._session = session
        self._limits = limits
        self._room = room
        self._threads = threads
        self._name = name
        self._calls: asyncio.Queue[Frame] = asyncio.Queue(limits.requests)
        self._heard = time.monotonic()

    async def serve(self) -> None:
        """Serve until the client leaves, misbehaves or falls silent; does not raise."""
        tasks = [
            asyncio.ensure_future(work())
            for work in (self._read_all, self._answer_all, self._watch)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._tell(task.exception())
        finally:
            await end(tasks)
            self._session.close()
            self._out.close()

    def _tell(self, error: BaseException | None) -> None:
        if isinstance(error, FrameError):
            log.warning("client=%s dropped: %s", self._name, error)
        elif isinstance(error, (OSError, TimeoutError)):
            log.info("client=%s lost: %s", self._name, error or type(error).__name__)
        elif error is not None:
            log.error("client=%s failed", self._name, exc_info=error)

    async def _read_all(self) -> None:
        limits = self._limits
        while True:
            frame = await frames.read_frame(
                self._in, limits.message, limits.message_seconds, self._room.keep
            )
            if frame is None:
                return
            self._heard = time.monotonic()
            if frame.program == frames.KEEPALIVE_PROGRAM:
                if frame.procedure == frames.KEEPALIVE_PING:
                    await self._send(frames.pong())
            else:
                await self._calls.put(frame)

    async def _watch(self) -> None:
        """Close a connection that nobody opens, or whose client is no longer there."""
        limits = self._limits
        began = time.monotonic()
        sent = 0
        while True:
            await asyncio.sleep(limits.ping_seconds)
            now = time.monotonic()
            if not self._session.is_open and now - began > limits.open_seconds:
                raise TimeoutError(f"it did not open the connection in {limits.open_seconds:g} s")
            if now - self._heard < limits.ping_seconds or not self._session.wants_pings:
                sent = 0
                continue
            if sent >= limits.pings:
                raise TimeoutError(f"{sent} pings were not answered")
            sent += 1
            await self._send(frames.ping())

    async def _answer_all(self) -> None:
        while not self._session.is_over:
            frame = await self._calls.get()
            began = time.perf_counter()
            reply = await self._answer(frame)
            if reply is not None:
                await self._send(reply)
                log.debug(
                    "client=%s procedure=%d serial=%d status=%d bytes=%d ms=%.1f",
                    self._name,
                    frame.procedure,
                    frame.serial,
                    reply.status,
                    len(reply.payload),
                    (time.perf_counter() - began) * 1000,
                )

    async def _answer(self, frame: Frame) -> Frame | None:
        if frame.type != Type.CALL:
            # data of a stream that there can't be, or what only a server sends
            log.debug("client=%s a message of type %d is passed over", self._name, frame.type)
            return None
        try:
            called = self._procedure(frame)
            return frame.reply(await self._call(called, frame.payload))
        except LibvirtError as fault:
            return frame.reply(fault.encode(), Status.ERROR)
        except DomcapsError as error:
            return frame.reply(libvirt_error(error).encode(), Status.ERROR)
        except OSError as error:
            lost = LibvirtError(Code.SYSTEM_ERROR, error.strerror or str(error))
            return frame.reply(lost.encode(), Status.ERROR)
        except Exception:
            log.exception("client=%s procedure=%d failed", self._name, frame.procedure)
            ours = LibvirtError(Code.INTERNAL_ERROR, "domcaps failed; its log tells how")
            return frame.reply(ours.encode(), Status.ERROR)

    def _procedure(self, frame: Frame) -> Procedure:
        if (frame.program, frame.version) != (frames.REMOTE_PROGRAM, frames.VERSION):
            raise LibvirtError(
                Code.RPC,
                f"there is no program {frame.program:#x} of version {frame.version}",
                ErrorDomain.RPC,
            )
        if frame.status != Status.OK:
            raise LibvirtError(Code.RPC, f"a call has no status {frame.status}", ErrorDomain.RPC)
        if self._session.is_open and self._session.read_only:
            read_only.check(frame.procedure, frame.payload)
        called = procedures().get(frame.procedure)
        if called is None and not is_callable(frame.procedure):
            raise LibvirtError(Code.RPC, f"unknown procedure: {frame.procedure}", ErrorDomain.RPC)
        if called is None:
            raise LibvirtError(Code.NO_SUPPORT, f"procedure {frame.procedure}")
        if not called.early and not self._session.is_open:
            raise LibvirtError(Code.INVALID_CONN, "it was not opened")
        return called

    async def _call(self, called: Procedure, payload: bytes) -> bytes:
        try:
            arguments = called.arguments(payload)
        except XdrError as error:
            raise LibvirtError(Code.RPC, f"{called.name}: {error}", ErrorDomain.RPC) from error

        def work() -> bytes:
            return called.results(called.function(self._session, *arguments))

        if not called.slow:
            return work()
        if called.quick is not None:
            known = called.quick(self._session, *arguments)
            if known is not None:
                return called.results(known)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                return await loop.run_in_executor(self._threads, work)
        except TimeoutError as error:
            raise LibvirtError(Code.OPERATION_TIMEOUT, f"{called.name} took too long") from error

    async def _send(self, frame: Frame) -> None:
        self._out.write(frame.encode())
        # a client that does not read must not make us keep its replies
        async with asyncio.timeout(self._limits.message_seconds):
            await self._out.drain()
