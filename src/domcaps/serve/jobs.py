"""Calls as a worker gets them, and what it answers: the same for threads and processes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import DomcapsError
from domcaps.one_call import one_call
from domcaps.serve.access import Peer
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError, libvirt_error
from domcaps.serve.procedures import procedures
from domcaps.serve.session import ClientSession
from domcaps.serve.storage import Pool
from domcaps.serve.xdr import XdrError

if TYPE_CHECKING:
    from domcaps.language import Dialect
    from domcaps.serve.hosts import HostSource
    from domcaps.serve.procedures import Procedure

log = logging.getLogger("domcaps.serve")


class Job(msgspec.Struct, frozen=True, array_like=True):
    """A call: the procedure, its arguments as they came, and what the connection is about.

    `host` is in bytes, since a file's name may be no UTF-8. `given` is what the server adds to the
    arguments, such as the definition of the domain that they name. `runs` tells whether domains can
    be started, as in a sandbox.
    """

    procedure: int
    payload: bytes
    host: bytes
    read_only: bool
    peer: Peer = Peer()
    pools: tuple[Pool, ...] = ()
    given: bytes = b""
    runs: bool = False


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """Its results: as they stand on the wire, or what a procedure `keeps`."""

    data: bytes


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The error that it has."""

    code: int
    detail: str
    domain: int

    def error(self) -> LibvirtError:
        """Give it to be raised."""
        return LibvirtError(ErrorNumber(self.code), self.detail, ErrorDomain(self.domain))


def job_of(session: ClientSession, called: Procedure, payload: bytes, given: bytes) -> Job:
    """Describe a call over a connection for a worker."""
    return Job(
        called.number,
        payload,
        session.name.encode(errors="surrogateescape"),
        session.read_only,
        session.peer,
        tuple(session.pools.values()) if called.sees_pools else (),
        given,
        session.inventory.runs,
    )


_ENCODER = msgspec.msgpack.Encoder()
_JOB = msgspec.msgpack.Decoder(Job)
_OUTCOME: msgspec.msgpack.Decoder[Done | Failed] = msgspec.msgpack.Decoder(Done | Failed)


def encode(value: object) -> bytes:
    """Give the bytes of a job, or of what a procedure keeps."""
    return _ENCODER.encode(value)


def outcome(data: bytes) -> bytes:
    """Read what a worker answered; raises the `LibvirtError` that the call has."""
    found = _OUTCOME.decode(data)
    if isinstance(found, Failed):
        raise found.error()
    return found.data


def perform(source: HostSource, dialect: Dialect, data: bytes) -> bytes:
    """Make a call, and give what came of it; does not raise."""
    try:
        job = _JOB.decode(data)
        called = procedures()[job.procedure]
        with one_call():
            done = Done(_results(called, ClientSession.of_job(source, dialect, job), job.payload))
        return _ENCODER.encode(done)
    except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
        return _ENCODER.encode(_failed(as_libvirt_error(error)))


def _failed(error: LibvirtError) -> Failed:
    return Failed(error.code, _encodable(error.detail), error.domain)


def _results(called: Procedure, session: ClientSession, payload: bytes) -> bytes:
    values = called.function(session, *arguments(called, payload))
    return called.results(values) if called.then is None else encode(values)


def arguments(called: Procedure, payload: bytes) -> tuple[object, ...]:
    """Read the arguments of a call; raises `LibvirtError`."""
    try:
        return called.arguments(payload)
    except XdrError as error:
        raise LibvirtError(ErrorNumber.RPC, f"{called.name}: {error}", ErrorDomain.RPC) from error


def as_libvirt_error(error: Exception) -> LibvirtError:
    """Turn any failure into an error for the client; internal errors are logged."""
    if isinstance(error, LibvirtError):
        return error
    if isinstance(error, DomcapsError):
        return libvirt_error(error)
    if isinstance(error, OSError):
        return LibvirtError(ErrorNumber.SYSTEM_ERROR, error.strerror or str(error))
    if isinstance(error, MemoryError):
        return LibvirtError(ErrorNumber.NO_MEMORY, "the call needs more than a call may have")
    if isinstance(error, XdrError):
        return LibvirtError(ErrorNumber.RPC, f"the reply can't be sent: {error}", ErrorDomain.RPC)
    log.error("a call failed", exc_info=error)
    return LibvirtError(ErrorNumber.INTERNAL_ERROR, "domcaps failed; its log tells how")


def _encodable(text: str) -> str:
    """Give text without surrogates, which have no UTF-8."""
    return text[:16384].encode(errors="backslashreplace").decode()
