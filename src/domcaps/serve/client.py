"""The client's half of libvirt's protocol: a few calls to a libvirt that runs.

Without libvirt's library: a connection over a UNIX socket, one call after the other.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from domcaps.errors import LibvirtCallError, RequestError
from domcaps.serve.errors import ERROR
from domcaps.serve.frames import REMOTE_PROGRAM, SMALLEST, VERSION, Frame, Type
from domcaps.serve.xdr import (
    INT,
    OPTIONAL_STRING,
    UHYPER,
    UINT,
    XML,
    Array,
    Record,
    XdrError,
    pack,
    unpack_first,
)

if TYPE_CHECKING:
    from domcaps.serve.xdr import Codec

_SECONDS = 60.0
_MOST = 64 << 20
_AUTH_LIST, _OPEN, _LIB_VERSION, _DOMAIN_CAPABILITIES = 66, 1, 157, 342
_AUTH_NONE, _AUTH_POLKIT = 0, 2
_AUTHS = Array(INT, 20)
_ASKED = Record(OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, UINT)
_SYSTEM = ("/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock",
           "/var/run/libvirt/libvirt-sock")  # fmt: skip
_MILLION, _THOUSAND = 1_000_000, 1_000


def socket_of(uri: str) -> tuple[str, str]:
    """Give the path of the socket that a URI means, and the URI that libvirt gets.

    Takes ``qemu:///system``, ``qemu:///session``, both with ``?socket=PATH``, and
    ``qemu+unix://…``. Raises `RequestError` for others.
    """
    parts = urlsplit(uri)
    if parts.scheme not in {"qemu", "qemu+unix"} or parts.netloc:
        raise RequestError(
            f"only a libvirt for QEMU on this machine can be asked, not {uri!r}",
            remedy="use qemu:///system, qemu:///session or qemu:///system?socket=PATH",
        )
    named = parse_qs(parts.query).get("socket")
    path = named[-1] if named else _usual(parts.path)
    return path, f"qemu://{parts.path or '/system'}"


def _usual(kind: str) -> str:
    if kind != "/session":
        return next(filter(os.path.exists, _SYSTEM), _SYSTEM[0])
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    names = ("virtqemud-sock", "libvirt-sock")
    found = (f"{runtime}/libvirt/{name}" for name in names)
    return next(filter(os.path.exists, found), f"{runtime}/libvirt/libvirt-sock")


class LibvirtClient:
    """A connection to a libvirt; a context manager, leaving it closes the connection."""

    def __init__(self, uri: str) -> None:
        """Connect; raises `LibvirtCallError`, or `RequestError` for the URI."""
        self._path, told = socket_of(uri)
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_SECONDS)
        try:
            self._socket.connect(self._path)
            self._open(told)
        except OSError as error:
            self._socket.close()
            raise self._error(f"no connection: {error.strerror or error}") from error
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *details: object) -> None:
        """Close the connection."""
        self._socket.close()

    def _open(self, uri: str) -> None:
        kinds = self._call(_AUTH_LIST, b"", _AUTHS)
        if kinds and _AUTH_NONE not in kinds:
            raise self._error(
                "it wants to know who connects",
                "run this as root" if _AUTH_POLKIT in kinds else "use a socket without a password",
            )
        self._call(_OPEN, pack(Record(OPTIONAL_STRING, UINT), (uri, 0)))

    def release(self) -> tuple[int, int]:
        """Give the release of libvirt: major and minor number."""
        number = self._call(_LIB_VERSION, b"", UHYPER)
        return number // _MILLION, number // _THOUSAND % _THOUSAND

    def domain_capabilities(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
    ) -> bytes:
        """Give what ``virConnectGetDomainCapabilities`` gives."""
        asked = pack(_ASKED, (emulator, arch, machine, virttype, 0))
        found: bytes = self._call(_DOMAIN_CAPABILITIES, asked, XML)
        return found

    def _call(self, procedure: int, payload: bytes, gives: Codec | None = None) -> Any:
        """Call and wait for the reply; raises `LibvirtCallError` for one that is a refusal."""
        self._serial += 1
        frame = Frame(REMOTE_PROGRAM, VERSION, procedure, Type.CALL, self._serial, 0, payload)
        try:
            self._socket.sendall(frame.encode())
            status, reply = self._reply()
            if status:
                raise self._error(str(unpack_first(ERROR, reply)[2]))
            return None if gives is None else unpack_first(gives, reply)
        except TimeoutError as error:
            raise self._error(f"no answer within {_SECONDS:g} s") from error
        except (XdrError, struct.error, UnicodeDecodeError) as error:
            raise self._error(f"it does not speak libvirt's protocol: {error}") from error

    def _reply(self) -> tuple[int, bytes]:
        """Read messages until the reply to the last call; events and pings are overlooked."""
        while True:
            size = struct.unpack(">I", self._exactly(4))[0]
            if not SMALLEST <= size <= _MOST:
                raise self._error(f"it sends a message of {size} bytes")
            body = self._exactly(size - 4)
            program, _, _, kind, serial, status = struct.unpack_from(">IIiIII", body)
            if (program, kind, serial) == (REMOTE_PROGRAM, Type.REPLY, self._serial):
                return status, body[24:]

    def _exactly(self, size: int) -> bytes:
        parts, left = [], size
        while left:
            part = self._socket.recv(min(left, 1 << 20))
            if not part:
                raise self._error("it closed the connection")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _error(self, message: str, remedy: str = "") -> LibvirtCallError:
        return LibvirtCallError(message, where=self._path, remedy=remedy)
