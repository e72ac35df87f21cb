"""A proxy between a client and a libvirt that changes the report on its way."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

from domcaps.serve.xdr import XML, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DOMAIN_CAPABILITIES = 342
_LIB_VERSION = 157
_REPLY = 1


def _exactly(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _message(stream: socket.socket) -> bytes:
    return _exactly(stream, struct.unpack(">I", _exactly(stream, 4))[0] - 4)


def _changed(body: bytes, lie: Callable[[str], str], release: int | None) -> bytes:
    _, _, procedure, kind, _, status = struct.unpack_from(">IIiIII", body)
    head, payload = body[:24], body[24:]
    if (kind, status, procedure) == (_REPLY, 0, _DOMAIN_CAPABILITIES):
        return head + pack(XML, lie(unpack(XML, payload).decode()).encode())
    if release is not None and (kind, procedure) == (_REPLY, _LIB_VERSION):
        return head + struct.pack(">Q", release)
    return body


def _between(
    client: socket.socket, behind: Path, lie: Callable[[str], str], release: int | None
) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(str(behind))
        with contextlib.suppress(EOFError, OSError):
            while True:
                call = _message(client)
                server.sendall(struct.pack(">I", len(call) + 4) + call)
                reply = _changed(_message(server), lie, release)
                client.sendall(struct.pack(">I", len(reply) + 4) + reply)


@contextlib.contextmanager
def lying(
    path: Path, behind: Path, lie: Callable[[str], str], release: int | None = None
) -> Iterator[None]:
    """Listen at `path`; `lie` changes the text of a report, `release` the version."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.2)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = listener.accept()
                    client.settimeout(None)
                    _between(client, behind, lie, release)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
