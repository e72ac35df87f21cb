"""QMP as a probe needs it: many questions in flight, and replies kept as they came.

The transport, its states and its shutdown are those of `qemu.qmp`. Its `QMPClient` is not used:
it decodes every reply into Python objects and formats each message for its log even if logging
is off, which takes longer than the emulator needs to answer. Here only the envelope of a
message is looked at; what QEMU returned stays raw.

Source of the protocol: QEMU's ``docs/interop/qmp-spec.rst``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from qemu.qmp.error import ProtocolError
from qemu.qmp.protocol import AsyncProtocol

from domcaps.facts.process import quotable
from domcaps.facts.record import Answer, Failure
from domcaps.facts.tasks import to_its_end

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.facts.question import QmpCommand

LINE_LIMIT = 16 << 20
"""Bytes that one message may have. QEMU's largest, the schema, has about 250,000."""

TOTAL_LIMIT = 128 << 20
"""Bytes that one emulator may send altogether."""


_NOTHING = msgspec.Raw(b"")
_NULL = msgspec.Raw(b"null")


class _Refusal(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="class", default="GenericError")
    text: str = msgspec.field(name="desc", default="")


class _Greeting(msgspec.Struct, frozen=True):
    capabilities: tuple[str, ...] = ()


class _Envelope(msgspec.Struct, frozen=True):
    """What a message is, without what it says."""

    id: int | None = None
    reply: msgspec.Raw = msgspec.field(name="return", default=_NOTHING)
    error: _Refusal | None = None
    event: str | None = None
    greeting: _Greeting | None = msgspec.field(name="QMP", default=None)


class _Command(msgspec.Struct, frozen=True, omit_defaults=True):
    execute: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    id: int = 0


_Arrival = tuple[int, msgspec.Raw, Failure | None]

_ENVELOPE = msgspec.json.Decoder(_Envelope)
_COMMAND = msgspec.json.Encoder()
_OUT_OF_BAND = b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}\n'
_IN_BAND = b'{"execute":"qmp_capabilities"}\n'


class Monitor(AsyncProtocol[bytes]):
    """A connection to an emulator's monitor.

    `connect` awaits the greeting and negotiates; it raises `qemu.qmp.ConnectError` with the cause
    in it. Then `send` questions, and await an `answer` for each; `outstanding` holds those that
    have none yet, the oldest first. `disconnect` raises what ended the connection, if it ended.
    """

    def __init__(self) -> None:
        super().__init__(readbuflen=LINE_LIMIT)
        self.outstanding: dict[int, QmpCommand] = {}
        self._arrived: asyncio.Queue[_Arrival | None] = asyncio.Queue()
        self._asked = 0
        self._received = 0

    def send(self, questions: Iterable[QmpCommand]) -> None:
        """Send questions in one go; QEMU answers them in their order."""
        batch = [self._encode(question) for question in questions]
        if batch:
            self._outgoing.put_nowait(b"".join(batch))

    async def answer(self) -> Answer | None:
        """Give the next answer, None when the connection has ended."""
        while (arrived := await self._arrived.get()) is not None:
            number, reply, failure = arrived
            question = self.outstanding.pop(number, None)
            # the specification wants replies to unknown questions to be dropped
            if question is not None:
                return Answer(question, reply, failure)
        return None

    async def close(self) -> None:
        """End the connection at once, without sending what is left; raises as `disconnect`.

        It comes to its end even where the caller is cancelled: left half-way, `disconnect` forgets
        an exception that asyncio then prints.
        """
        if self._writer is not None:
            # an emulator that does not read would never let the rest go out
            self._writer.transport.abort()
        await to_its_end(self.disconnect())

    def _encode(self, question: QmpCommand) -> bytes:
        self._asked += 1
        self.outstanding[self._asked] = question
        arguments = msgspec.Raw(question.arguments.encode())
        # QEMU reads its monitor byte by byte: what is not sent saves more than it looks like
        if question.arguments == "{}":
            return b'{"execute":"%s","id":%d}\n' % (question.command.encode(), self._asked)
        return _COMMAND.encode(_Command(question.command, arguments, self._asked)) + b"\n"

    # -- what AsyncProtocol leaves to the protocol -----------------------------------------------

    async def _establish_session(self) -> None:
        greeting = _decode(await self._recv()).greeting
        if greeting is None:
            raise ProtocolError("its first message is not the greeting of QMP")
        # Out-of-band execution is not used, but it moves the reading of commands into a thread
        # of its own, and the main thread has more time for the answers.
        await self._send(_OUT_OF_BAND if "oob" in greeting.capabilities else _IN_BAND)
        while (envelope := _decode(await self._recv())).event is not None:
            continue
        if envelope.reply == _NOTHING:
            raise ProtocolError("it refused the capabilities of QMP that it offers")
        await super()._establish_session()

    async def _do_recv(self) -> bytes:
        try:
            line = await self._readline()
        except ValueError as error:
            raise ProtocolError(f"it sent a message of more than {LINE_LIMIT} bytes") from error
        if not line.endswith(b"\n"):
            # it ended in the middle of a message
            raise EOFError
        self._received += len(line)
        if self._received > TOTAL_LIMIT:
            raise ProtocolError(f"it sent more than {TOTAL_LIMIT} bytes")
        return line

    def _do_send(self, msg: bytes) -> None:
        assert self._writer is not None  # noqa: S101 - the base class promises it
        self._writer.write(msg)

    # The base class formats every message here for its log.
    def _cb_inbound(self, msg: bytes) -> bytes:
        return msg

    def _cb_outbound(self, msg: bytes) -> bytes:
        return msg

    async def _on_message(self, msg: bytes) -> None:
        envelope = _decode(msg)
        if envelope.event is not None or envelope.greeting is not None:
            return
        if envelope.id is None:
            raise ProtocolError(f"it sent a reply to nothing: {quotable(msg[:160])}")
        if envelope.error is not None:
            failure = Failure(envelope.error.kind, envelope.error.text)
            self._arrived.put_nowait((envelope.id, _NULL, failure))
        elif envelope.reply == _NOTHING:
            raise ProtocolError(f"it sent a reply without content: {quotable(msg[:160])}")
        else:
            self._arrived.put_nowait((envelope.id, envelope.reply, None))

    async def _bh_disconnect(self) -> None:
        try:
            await super()._bh_disconnect()
        finally:
            self._arrived.put_nowait(None)


def _decode(message: bytes) -> _Envelope:
    try:
        if not message.isascii():
            # the decoder does not look into what is kept raw
            message.decode()
        return _ENVELOPE.decode(message)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        said = quotable(message[:160])
        raise ProtocolError(f"it does not speak QMP, but says: {said}") from error
