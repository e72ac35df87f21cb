"""Messages of libvirt's RPC: a length, six numbers and a payload.

Source: libvirt's document *RPC infrastructure* (``internals/rpc``) and ``virnetprotocol.x``. The
length counts its own four bytes.
"""

from __future__ import annotations

import asyncio
import enum
import struct
from typing import TYPE_CHECKING

import msgspec

from domcaps.serve.ledger import LITTLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.ledger import ClientAccount

REMOTE_PROGRAM = 0x20008086
KEEPALIVE_PROGRAM = 0x6B656570
VERSION = 1
"""The version of both programs."""

KEEPALIVE_PING = 1
KEEPALIVE_PONG = 2

_HEADER = struct.Struct(">IIiIII")
_LENGTH = struct.Struct(">I")
PIECE = 16 * 1024
"""Bytes that are read at a time; also what a stream keeps before it is read."""

SMALLEST = _LENGTH.size + _HEADER.size
"""Bytes of a message without payload."""


class Type(enum.IntEnum):
    """What a message is."""

    CALL = 0
    REPLY = 1
    MESSAGE = 2
    STREAM = 3


class ReplyStatus(enum.IntEnum):
    """How a call went."""

    OK = 0
    ERROR = 1


class FrameError(Exception):
    """What came is no message of this protocol; the stream can't be read on."""


class Frame(msgspec.Struct, frozen=True):
    """One message. `type` and `status` are as they came, which may be undefined values."""

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int = ReplyStatus.OK
    payload: bytes = b""

    def encode(self) -> bytes:
        """Give its bytes."""
        head = _HEADER.pack(
            self.program, self.version, self.procedure, self.type, self.serial, self.status
        )
        return _LENGTH.pack(SMALLEST + len(self.payload)) + head + self.payload

    @property
    def size(self) -> int:
        """Bytes after its length."""
        return _HEADER.size + len(self.payload)

    def reply(self, payload: bytes, status: ReplyStatus = ReplyStatus.OK) -> Frame:
        """Give the answer to this call."""
        return Frame(
            self.program, self.version, self.procedure, Type.REPLY, self.serial, status, payload
        )


def ping() -> Frame:
    """Ask whether the peer is still there."""
    return Frame(KEEPALIVE_PROGRAM, VERSION, KEEPALIVE_PING, Type.MESSAGE, 0)


def pong() -> Frame:
    """Say that one is."""
    return Frame(KEEPALIVE_PROGRAM, VERSION, KEEPALIVE_PONG, Type.MESSAGE, 0)


def decode(header: bytes, payload: bytes) -> Frame:
    """Make a message of its six numbers and its payload."""
    program, version, procedure, kind, serial, status = _HEADER.unpack(header)
    return Frame(program, version, procedure, kind, serial, status, payload)


async def read_frame(
    stream: asyncio.StreamReader, largest: Callable[[], int], seconds: float, account: ClientAccount
) -> Frame | None:
    """Read a message, None at the end of the stream.

    A message may be long in coming, but once its first bytes are there, the rest has to follow
    within `seconds`. Its bytes are held in `account` as they arrive. Raises `FrameError` where it
    is larger than `largest` gives then, too small, too slow or cut off.
    """
    first = await stream.read(1)
    if not first:
        return None
    try:
        async with asyncio.timeout(seconds):
            (length,) = _LENGTH.unpack(first + await stream.readexactly(_LENGTH.size - 1))
            if not SMALLEST <= length <= largest():
                raise FrameError(
                    f"a message of {length} bytes; {SMALLEST} to {largest()} are taken"
                )
            await account.take(_HEADER.size)
            header = await stream.readexactly(_HEADER.size)
            return decode(header, await _payload(stream, length - SMALLEST, account))
    except asyncio.IncompleteReadError as error:
        raise FrameError("the stream ended within a message") from error
    except TimeoutError as error:
        raise FrameError(f"a message was not complete after {seconds:g} s") from error


async def _payload(stream: asyncio.StreamReader, size: int, account: ClientAccount) -> bytes:
    """Read so many bytes: what a message announces takes no memory, only what was sent does."""
    payload = bytearray()
    while (left := size - len(payload)) > 0:
        if len(payload) >= LITTLE:
            await account.wait_turn(min(left, PIECE))
        await account.take(min(left, PIECE))
        payload += await stream.readexactly(min(left, PIECE))
    return bytes(payload)
