"""The client's half of libvirt's protocol: a few calls to a libvirt that runs.

Without libvirt's library: one call after the other over a stream, which is a UNIX socket of this
machine or what `domcaps.serve.links` connects. Size and time of what the other side sends are
limited.
"""

from __future__ import annotations

import math
import os
import socket
import struct
import time
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
_AUTH_LIST, _OPEN, _VERSION, _CAPABILITIES, _LIB_VERSION = 66, 1, 4, 7, 157
_DOMAIN_CAPABILITIES = 342
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


class CallRefusedError(LibvirtCallError):
    """Libvirt answered a call with an error."""


class LibvirtLink:
    """A stream to a libvirt: `where` names it in errors, `told` is the URI that libvirt gets."""

    def __init__(self, stream: socket.socket, where: str, told: str) -> None:
        self.stream, self.where, self.told = stream, where, told

    def complaint(self) -> str:
        """Give what a program that connects complained about, "" for none."""
        return ""

    def close(self) -> None:
        """End the connection."""
        self.stream.close()


def unix_link(path: str, told: str, seconds: float = _SECONDS) -> LibvirtLink:
    """Connect to a socket of this machine; raises `LibvirtCallError`."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(seconds)
    try:
        stream.connect(path)
    except OSError as error:
        stream.close()
        text = f"no connection: {error.strerror or error}"
        raise LibvirtCallError(text, where=path) from error
    return LibvirtLink(stream, path, told)


class LibvirtClient:
    """A connection to a libvirt; a context manager, leaving it closes the connection."""

    def __init__(self, uri: str, link: LibvirtLink | None = None, *, end: float = math.inf) -> None:
        """Connect to this machine's libvirt, or take a connection.

        All calls have to come back until `end`, a time of `time.monotonic`, each within a minute.
        Raises `LibvirtCallError`, or `RequestError` for the URI.
        """
        self._link = link or unix_link(*socket_of(uri))
        self._socket = self._link.stream
        self._serial, self._end, self._until = 0, end, end
        try:
            self._open(self._link.told)
        except BaseException:
            self._link.close()
            raise

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *details: object) -> None:
        """Close the connection."""
        self._link.close()

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
        return _numbers(self._call(_LIB_VERSION, b"", UHYPER))[:2]

    def qemu_version(self) -> tuple[int, int, int]:
        """Give the version of the QEMU for the host's own architecture."""
        return _numbers(self._call(_VERSION, b"", UHYPER))

    def capabilities(self) -> bytes:
        """Give what ``virConnectGetCapabilities`` gives."""
        found: bytes = self._call(_CAPABILITIES, b"", XML)
        return found

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
        self._until = min(self._end, time.monotonic() + _SECONDS)
        frame = Frame(REMOTE_PROGRAM, VERSION, procedure, Type.CALL, self._serial, 0, payload)
        try:
            self._wait()
            self._socket.sendall(frame.encode())
            status, reply = self._reply()
            if status:
                text = str(unpack_first(ERROR, reply)[2])
                raise CallRefusedError(text, where=self._link.where)
            return None if gives is None else unpack_first(gives, reply)
        except TimeoutError as error:
            raise self._error("no answer in time") from error
        except ConnectionError as error:
            raise self._closed() from error
        except OSError as error:
            raise self._error(f"the connection failed: {error.strerror or error}") from error
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
            self._wait()
            part = self._socket.recv(min(left, 1 << 20))
            if not part:
                raise self._closed()
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _wait(self) -> None:
        """Set for how long the next part may be waited for; raises `TimeoutError`."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _closed(self) -> LibvirtCallError:
        return self._error(self._link.complaint() or "it closed the connection")

    def _error(self, message: str, remedy: str = "") -> LibvirtCallError:
        return LibvirtCallError(message, where=self._link.where, remedy=remedy)


def _numbers(version: int) -> tuple[int, int, int]:
    return version // _MILLION, version // _THOUSAND % _THOUSAND, version % _THOUSAND
