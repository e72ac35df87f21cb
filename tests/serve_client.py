"""A client of libvirt's protocol that is small, and may be as bad as a test wants it."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any, Self

from domcaps.serve.errors import ERROR
from domcaps.serve.xdr import OPTIONAL_STRING, STRING, UINT, Codec, Record, pack, unpack

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = 0x20008086
KEEPALIVE = 0x6B656570


def message(
    procedure: int,
    payload: bytes = b"",
    *,
    program: int = PROGRAM,
    version: int = 1,
    kind: int = 0,
    serial: int = 1,
    status: int = 0,
) -> bytes:
    """Give a message's bytes, written down without the code that is tested."""
    head = struct.pack(">IIiIII", program, version, procedure, kind, serial, status)
    return struct.pack(">I", 28 + len(payload)) + head + payload


class CallError(Exception):
    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


def listens(path: Path) -> bool:
    """Whether a server accepts connections at a path: its name appears a moment before."""
    with socket.socket(socket.AF_UNIX) as trying:
        return path.exists() and trying.connect_ex(str(path)) == 0


class Client:
    """One connection over a UNIX socket."""

    def __init__(self, path: Path, *, opened: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        # with a time limit it would not wait for a server that is busy with others
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(10)
        self.serial = 0
        if opened:
            self.call(66)
            self.call(1, pack(Record(OPTIONAL_STRING, UINT), ("qemu:///system", 0)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> tuple[tuple[int, ...], bytes] | None:
        """Give the six numbers and the payload, None when the server hung up."""
        first = self._exactly(4)
        if first is None:
            return None
        body = self._exactly(struct.unpack(">I", first)[0] - 4)
        assert body is not None
        return struct.unpack(">IIiIII", body[:24]), body[24:]

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            data += more
        return data

    def call(self, procedure: int, payload: bytes = b"", **head: int) -> bytes:
        """Call, and give the payload of the reply; raises `CallError`."""
        self.serial += 1
        self.send(message(procedure, payload, serial=self.serial, **head))
        found = self.receive()
        assert found is not None, "the server hung up"
        (_, _, answered, kind, serial, status), reply = found
        assert (answered, kind, serial) == (procedure, 1, self.serial)
        if status:
            error = unpack(ERROR, reply)
            raise CallError(error[0], error[2])
        return reply

    def ask(self, procedure: int, gives: Codec, *arguments: tuple[Codec, Any]) -> Any:
        """Call with arguments, and give the only result."""
        payload = b"".join(pack(codec, value) for codec, value in arguments)
        return unpack(gives, self.call(procedure, payload))

    def hostname(self) -> str:
        found: str = self.ask(59, STRING)
        return found
