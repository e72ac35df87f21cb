"""One connection: HTTP/1.1 with a client that sends each request in time, and reads the answers."""

from __future__ import annotations

import asyncio
import functools
import weakref
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from domcaps.serve.http.limits import HttpLimits
from domcaps.serve.http.questions import JSON, failed
from domcaps.serve.http.sending import PacedSending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_READ = 8 << 10
"""What is read at once: a client whose data takes long to read gives others their turn often."""

_HEADER_BYTES = 16 << 10
_CHUNKS, _CHUNK_BYTES = 1000, 64
_LINGER_SECONDS = 2.0
_MOST_REFUSED = 100
"""Connections that are refused with an answer at the same time; more are dropped."""

_CLOSE = (b"connection", b"close")
_BUFFER = bytearray(_READ)
"""Of all connections: what is read is copied out of it before anything else is read."""


class _RequestError(h11.RemoteProtocolError):
    """A request that h11 accepts, and this service does not."""


class _StrictConnection(h11.Connection):
    """Refuses what costs much to read, and what others may read in another way."""

    trouble = ""
    _chunks = _bytes = 0

    def next_event(self) -> Any:
        """Give the next event; raises `h11.RemoteProtocolError`."""
        try:
            return self._checked(super().next_event())
        except _RequestError as error:
            self.trouble = str(error)
            raise

    def _checked(self, event: Any) -> Any:
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
            _check(event)
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            self._bytes += len(event.data)
            if self._chunks > _CHUNKS and self._bytes < self._chunks * _CHUNK_BYTES:
                raise _RequestError("the chunks are too small")
        return event


def _check(request: h11.Request) -> None:
    names = [name for name, _ in request.headers]
    if b"transfer-encoding" in names and b"content-length" in names:
        raise _RequestError("Content-Length with Transfer-Encoding")
    size = len(request.target) + sum(len(n) + len(v) + 4 for n, v in request.headers)
    if size > _HEADER_BYTES:
        raise _RequestError("the header is too large")


class PatientProtocol(H11Protocol, asyncio.BufferedProtocol):
    """HTTP/1.1 with a client that must send each request in time, and read the answers.

    uvicorn closes a connection that is idle after an answer; a client that then sends a part of a
    request, or that reads nothing, would hold the connection for ever. It also reads the rest of a
    request that is answered already; here the connection is closed after such an answer.
    """

    limits = HttpLimits()
    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _is_over = _is_refused = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _StrictConnection(h11.SERVER, _HEADER_BYTES)
        self.app = functools.partial(_paced, self.app, weakref.ref(self))

    def get_buffer(self, _: int) -> bytearray:
        """Give the place for what is read."""
        return _BUFFER

    def buffer_updated(self, size: int) -> None:
        """Take what was read, or drop it if the answer to it was given already."""
        if not self._is_over:
            self.data_received(bytes(memoryview(_BUFFER)[:size]))

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        lingering: Any = _LingeringTransport(transport, weakref.ref(self))
        super().connection_made(lingering)
        beyond = len(self.connections) - self.limits.connections
        if beyond > _MOST_REFUSED:
            self.transport.abort()
        elif beyond > 0:
            self._refuse(503, "too many connections")
        else:
            self._expect(self.limits.receive_seconds, None)

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
        self._expect(self.timeout_keep_alive + self.limits.receive_seconds, answered)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and close the connection."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        self._refuse(400, getattr(self.conn, "trouble", "") or msg)

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is no request, or no request yet, and close the connection."""
        self._is_refused = True
        answer = failed(status, message)
        headers = [
            (b"content-type", JSON.encode()),
            (b"content-length", str(len(answer.data)).encode()),
            _CLOSE,
        ]
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append((b"retry-after", b"5"))
        reason = HTTPStatus(status).phrase.encode()
        for event in (
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.Data(data=answer.data),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def is_sending(self) -> bool:
        """Tell whether more of a request may come, or what comes is no request."""
        return self._is_refused or self.conn.their_state in {h11.SEND_BODY, h11.ERROR}

    def drop(self) -> None:
        """End the connection of a client that reads too slowly."""
        self.transport.abort()

    def end_reading(self) -> None:
        """Read no more requests, and drop the connection soon if the client does not read."""
        self._is_over = True
        self._expect_reading()

    def _expect(self, seconds: float, answered: object) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(seconds, self._look, answered)

    def _look(self, answered: object) -> None:
        """Close the connection if no request came after the one that was answered."""
        if self.cycle is answered:
            self.transport.close()

    def _expect_reading(self) -> None:
        if self._unread is None and self.transport.get_write_buffer_size():
            self._unread = self.loop.call_later(self.limits.reading_seconds, self.drop)


class _LingeringTransport:
    """A transport whose end does not cost the client the answer.

    If a socket is closed while there is something to read, the client gets an error in the place of
    the answer. So what it sends is read, and dropped, for a while.
    """

    def __init__(self, transport: Any, protocol: weakref.ref[PatientProtocol]) -> None:
        self._transport, self._protocol = transport, protocol
        self._is_closing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Tell whether it is closed, or will be."""
        return self._is_closing or self._transport.is_closing()

    def close(self) -> None:
        """Close it when all is sent, and the client has stopped sending or had time to."""
        protocol = self._protocol()
        if self._transport.is_closing() or self._is_closing or protocol is None:
            self._transport.close()
            return
        self._is_closing = True
        protocol.end_reading()
        if not protocol.is_sending:
            self._transport.close()
            return
        self._transport.resume_reading()
        self._transport.write_eof()
        protocol.loop.call_later(_LINGER_SECONDS, self._transport.close)


async def _paced(
    app: Callable[..., Awaitable[None]],
    reference: weakref.ref[PatientProtocol],
    scope: Any,
    receive: Any,
    send: Any,
) -> None:
    """Run the application with answers that leave piece by piece."""
    protocol = reference()
    if protocol is None:
        return

    def drop() -> None:
        found = reference()
        if found is not None:
            found.drop()

    async def closing(message: Any) -> None:
        found = reference()
        if message["type"] == "http.response.start" and found is not None and found.is_sending:
            message = {**message, "headers": [*message["headers"], _CLOSE]}
        await send(message)

    paced = PacedSending(closing, drop, protocol.limits)
    del protocol
    try:
        await app(scope, receive, paced)
    except asyncio.CancelledError:
        # the service ends, and the client's question with it
        drop()
        await asyncio.sleep(0)


def protocol_with(limits: HttpLimits) -> type[PatientProtocol]:
    """Give the protocol with these limits."""

    class Limited(PatientProtocol):
        pass

    Limited.limits = limits
    return Limited
