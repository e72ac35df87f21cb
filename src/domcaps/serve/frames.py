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

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

REMOTE_PROGRAM = 0x20008086
KEEPALIVE_PROGRAM = 0x6B656570
VERSION = 1
"""The version of both programs."""

KEEPALIVE_PING = 1
KEEPALIVE_PONG = 2

_HEADER = struct.Struct(">IIiIII")
_LENGTH = struct.Struct(">I")
SMALLEST = _LENGTH.size + _HEADER.size
"""Bytes of a message without payload."""


class Type(enum.IntEnum):
    """What a message is."""

    CALL = 0
    REPLY = 1
    MESSAGE = 2
    STREAM = 3


class Status(enum.IntEnum):
    """How a call went."""

    OK = 0
    ERROR = 1


class FrameError(Exception):
    """What came is no message of this protocol; the stream can't be read on."""


class Frame(msgspec.Struct, frozen=True):
    """One message. `type` and `status` are as they came, which may be what nobody defined."""

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int = Status.OK
    payload: bytes = b""

    def encode(self) -> bytes:
        """Give its bytes."""
        head = _HEADER.pack(
            self.program, self.version, self.procedure, self.type, self.serial, self.status
        )
        return _LENGTH.pack(SMALLEST + len(self.payload)) + head + self.payload

    def reply(self, payload: bytes, status: Status = Status.OK) -> Frame:
        """Give the answer to this call."""
        return Frame(
            self.program, self.version, self.procedure, Type.REPLY, self.serial, status, payload
        )


def decode(body: bytes) -> Frame:
    """Make a message of what follows its length; raises `FrameError`."""
    if len(body) < _HEADER.size:
        raise FrameError(f"a message of {len(body)} bytes has no header")
    program, version, procedure, kind, serial, status = _HEADER.unpack_from(body)
    return Frame(program, version, procedure, kind, serial, status, body[_HEADER.size :])


def ping() -> Frame:
    """Ask whether the peer is still there."""
    return Frame(KEEPALIVE_PROGRAM, VERSION, KEEPALIVE_PING, Type.MESSAGE, 0)


def pong() -> Frame:
    """Say that one is."""
    return Frame(KEEPALIVE_PROGRAM, VERSION, KEEPALIVE_PONG, Type.MESSAGE, 0)


async def read_frame(
    stream: asyncio.StreamReader,
    largest: int,
    seconds: float,
    room: Callable[[int], AbstractAsyncContextManager[None]],
) -> Frame | None:
    """Read a message, None at the end of the stream.

    A message may be long in coming, but once its first bytes are there, the rest has to follow
    within `seconds`. `room` is asked for the bytes that are about to be kept. Raises `FrameError`
    where it is too large, too small, too slow or cut off.
    """
    first = await stream.read(1)
    if not first:
        return None
    try:
        async with asyncio.timeout(seconds):
            (length,) = _LENGTH.unpack(first + await stream.readexactly(_LENGTH.size - 1))
            if not SMALLEST <= length <= largest:
                raise FrameError(f"a message of {length} bytes; {SMALLEST} to {largest} are taken")
            async with room(length):
                return decode(await stream.readexactly(length - _LENGTH.size))
    except asyncio.IncompleteReadError as error:
        raise FrameError("the stream ended within a message") from error
    except TimeoutError as error:
        raise FrameError(f"a message was not complete after {seconds:g} s") from error
