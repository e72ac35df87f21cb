"""Serving one client: messages in, replies out, in the order of the calls.

Two tasks share the work. One reads: it answers keepalive at once, and queues calls. The other
answers the calls, the slow ones by a worker. The queue is short; when it is full, nothing more is
read, so that a client that asks faster than it is answered is held up by its own socket.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from domcaps.facts.tasks import end
from domcaps.one_call import one_call
from domcaps.serve import frames, read_only
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.frames import Frame, FrameError, ReplyStatus, Type
from domcaps.serve.jobs import arguments, as_libvirt_error, encode, job_of, outcome
from domcaps.serve.procedures import procedures
from domcaps.serve.sockets import has_left
from domcaps.serve.uploads import Uploads

if TYPE_CHECKING:
    from domcaps.serve.answers import Answers, Key
    from domcaps.serve.ledger import ClientAccount, Ledger
    from domcaps.serve.limits import ServerLimits
    from domcaps.serve.procedures import Procedure
    from domcaps.serve.session import ClientSession
    from domcaps.serve.workers.pool import WorkerPool
    from domcaps.serve.workers.usage import Usage

log = logging.getLogger("domcaps.serve")

_NOTICE_SECONDS = 1.0
_MOST_EVENTS = 1000
"""That wait for a client to read them."""


class Shared(NamedTuple):
    """What all connections of a server have in common."""

    limits: ServerLimits
    traffic: Ledger
    workers: WorkerPool
    answers: Answers


class Connection:
    """One client until it leaves."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        session: ClientSession,
        shared: Shared,
        name: str,
        usage: Usage,
    ) -> None:
        self._in, self._out = streams
        self._session = session
        self._limits, self._traffic, self._workers, self._answers = shared
        self._name = name
        self._account: ClientAccount = self._traffic.account(self.close)
        self._usage = usage
        self._calls: asyncio.Queue[Frame] = asyncio.Queue(self._limits.requests)
        self._heard = time.monotonic()
        self._closing = asyncio.Event()
        self._reason = ""
        self._is_finishing = False
        self._is_answering = False
        self._events: asyncio.Queue[Frame] = asyncio.Queue(_MOST_EVENTS)
        session.post = self._post
        self._uploads = Uploads()
        # drained means written: what is not yet read by the client is held for it
        self._out.transport.set_write_buffer_limits(high=0)

    def close(self, reason: str) -> None:
        """End the connection, for a reason that goes into the log."""
        self._reason = reason
        self._closing.set()

    def finish(self) -> None:
        """End the connection once the calls that were read are answered."""
        self._is_finishing = True
        if not self._is_answering and self._calls.empty():
            self._closing.set()

    async def serve(self) -> None:
        """Serve until the client leaves, misbehaves or falls silent; does not raise."""
        tasks = [
            asyncio.ensure_future(work())
            for work in (
                self._read_all,
                self._answer_all,
                self._watch,
                self._notice,
                self._send_events,
                self._closing.wait,
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._tell(task.exception())
            if self._reason:
                log.warning("client=%s dropped: %s", self._name, self._reason)
        finally:
            await end(tasks)
            self._session.close()
            self._leave()

    def _leave(self) -> None:
        """Close the stream; what was not written is given up when memory is needed."""
        if self._reason:
            self._out.transport.abort()
        else:
            self._out.close()
        self._account.end()

    def _tell(self, error: BaseException | None) -> None:
        if isinstance(error, FrameError):
            log.warning("client=%s dropped: %s", self._name, error)
        elif isinstance(error, (OSError, TimeoutError)):
            log.info("client=%s lost: %s", self._name, error or type(error).__name__)
        elif error is not None:
            log.error("client=%s failed", self._name, exc_info=error)

    async def _read_all(self) -> None:
        seconds = self._limits.message_seconds
        while True:
            frame = await frames.read_frame(self._in, self._largest, seconds, self._account)
            if frame is None:
                return
            self._heard = time.monotonic()
            if frame.program == frames.KEEPALIVE_PROGRAM:
                self._account.give(frame.size)
                if frame.procedure == frames.KEEPALIVE_PING:
                    await self._send(frames.pong())
            else:
                await self._calls.put(frame)

    def _largest(self) -> int:
        """Give what a message may have: little, before the connection is opened."""
        limits = self._limits
        return limits.message if self._session.is_open else min(limits.first, limits.message)

    async def _watch(self) -> None:
        """Close a connection that was never opened, or whose client is gone."""
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

    async def _notice(self) -> None:
        """Notice that the client left while more of its calls wait than are read."""
        connected = self._out.get_extra_info("socket")
        while connected is not None and not has_left(connected):
            await asyncio.sleep(_NOTICE_SECONDS)

    def _post(self, frame: Frame) -> None:
        """Have an event sent; a client that does not read its events is disconnected."""
        if self._events.full() or not self._account.keep(frame.size):
            self.close("it does not read its events")
        else:
            self._events.put_nowait(frame)

    async def _send_events(self) -> None:
        while True:
            frame = await self._events.get()
            self._account.give(frame.size)
            await self._send(frame)

    async def _answer_all(self) -> None:
        while not self._session.is_over:
            self._is_answering = False
            if self._is_finishing:
                self.finish()
            frame = await self._calls.get()
            self._is_answering = True
            began = time.perf_counter()
            reply = await self._answer(frame)
            size = frame.size
            del frame
            self._account.give(size)
            if reply is not None:
                await self._send(reply)
                log.debug(
                    "client=%s procedure=%d serial=%d status=%d bytes=%d ms=%.1f",
                    self._name,
                    reply.procedure,
                    reply.serial,
                    reply.status,
                    len(reply.payload),
                    (time.perf_counter() - began) * 1000,
                )

    async def _answer(self, frame: Frame) -> Frame | None:
        if frame.type == Type.STREAM:
            return self._uploads.answer(frame)
        if frame.type != Type.CALL:
            # what only a server sends
            log.debug("client=%s a message of type %d is ignored", self._name, frame.type)
            return None
        try:
            called = self._procedure(frame)
            results = await self._call(called, frame.payload)
            if called.opens_stream:
                self._uploads.begin(frame)
            return frame.reply(results)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            # no name for it: through its traceback it would keep this call's message alive
            return frame.reply(as_libvirt_error(error).encode(), ReplyStatus.ERROR)

    def _procedure(self, frame: Frame) -> Procedure:
        if (frame.program, frame.version) != (frames.REMOTE_PROGRAM, frames.VERSION):
            raise LibvirtError(
                ErrorNumber.RPC,
                f"there is no program {frame.program:#x} of version {frame.version}",
                ErrorDomain.RPC,
            )
        if frame.status != ReplyStatus.OK:
            raise LibvirtError(
                ErrorNumber.RPC, f"a call has no status {frame.status}", ErrorDomain.RPC
            )
        if self._session.is_open and self._session.read_only:
            read_only.check(frame.procedure, frame.payload)
        called = procedures().get(frame.procedure)
        if called is None:
            raise LibvirtError(
                ErrorNumber.RPC, f"unknown procedure: {frame.procedure}", ErrorDomain.RPC
            )
        if not called.early and not self._session.is_open:
            raise LibvirtError(ErrorNumber.INVALID_CONN, "it was not opened")
        return called

    async def _call(self, called: Procedure, payload: bytes) -> bytes:
        session = self._session
        if not called.slow:
            with one_call():
                return called.results(called.function(session, *arguments(called, payload)))
        if called.quick is not None:
            found = called.quick(session, *arguments(called, payload))
            if found is not None:
                return called.results(found)
        key = self._key(called, payload)
        known = self._answers.get(key) if key else None
        if known is not None:
            return known
        data = await self._work(called, payload)
        if key:
            self._answers.put(key, data)
        if called.adopt is not None:
            called.adopt(session, *arguments(called, payload))
        if called.then is None:
            return data
        kept = msgspec.msgpack.decode(data, type=called.keeps)
        return called.results(called.then(session, kept, *arguments(called, payload)))

    def _key(self, called: Procedure, payload: bytes) -> Key | None:
        """Say by what an answer is remembered, None where it is made each time."""
        if not called.pure:
            return None
        state = self._session.source.state(self._session.name)
        return None if state is None else ((self._session.name, state), called.number, payload)

    async def _work(self, called: Procedure, payload: bytes) -> bytes:
        """Have a worker make a call."""
        session = self._session
        given = called.given(session, *arguments(called, payload)) if called.given else b""
        job = job_of(session, called, payload, given)
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                return outcome(await self._workers.run(self._usage, encode(job)))
        except TimeoutError as error:
            detail = f"{called.name} took too long"
            raise LibvirtError(ErrorNumber.OPERATION_TIMEOUT, detail) from error

    async def _send(self, frame: Frame) -> None:
        """Write a message; a client that does not read must not make us keep its replies."""
        data = frame.encode()
        async with asyncio.timeout(self._limits.message_seconds):
            await self._account.take(len(data), is_reply=True)
            try:
                self._out.write(data)
                await self._out.drain()
            finally:
                self._account.give(len(data))
