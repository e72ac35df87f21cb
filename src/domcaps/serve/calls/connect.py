"""Calls about the connection and the host."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.procedures import procedure
from domcaps.serve.session import READ_ONLY, check_flags, host_name
from domcaps.serve.xdr import (
    INT,
    OPTIONAL_STRING,
    STRING,
    UHYPER,
    UINT,
    Array,
)
from domcaps.serve.xml.capabilities import capabilities_xml

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.serve.session import ClientSession

_AUTH_NONE = 0
_AUTH_MOST = 20


class DriverFeature(enum.IntEnum):
    """``VIR_DRV_FEATURE_…``: what a client asks whether it is there, those that are."""

    REMOTE = 2
    TYPED_PARAM_STRING = 9
    PROGRAM_KEEPALIVE = 10
    REMOTE_EVENT_CALLBACK = 14
    REMOTE_CLOSE_CALLBACK = 15
    NETWORK_UPDATE_HAS_CORRECT_ORDER = 16


@procedure(66, gives=(Array(INT, _AUTH_MOST),), early=True)
def auth_list(session: ClientSession) -> tuple[list[int]]:
    """Report that no authentication is required."""
    return ([_AUTH_NONE],)


class _Opened(msgspec.Struct, frozen=True):
    """What a client asked for, once its host was found."""

    uri: bytes | None
    flags: int


def _open_known(session: ClientSession, uri: str | None, flags: int) -> tuple[()] | None:
    """Connect to a host that was found before, in the same state."""
    check_flags(flags, READ_ONLY)
    if not session.source.is_found(host_name(uri or "")):
        return None
    session.open(uri, flags)
    return ()


def _open_found(session: ClientSession, opened: _Opened, *_: object) -> None:
    uri = None if opened.uri is None else opened.uri.decode(errors="surrogateescape")
    session.open(uri, opened.flags)
    session.source.note_found(session.name)


# slow, since a recording may have to be read
@procedure(
    1,
    takes=(OPTIONAL_STRING, UINT),
    slow=True,
    early=True,
    quick=_open_known,
    keeps=_Opened,
    then=_open_found,
)
def connect_open(session: ClientSession, uri: str | None, flags: int) -> _Opened:
    """Connect to a host."""
    check_flags(flags, READ_ONLY)
    session.source.get(host_name(uri or ""))
    return _Opened(None if uri is None else uri.encode(errors="surrogateescape"), flags)


@procedure(2, early=True)
def connect_close(session: ClientSession) -> None:
    """Leave."""
    session.close()


@procedure(60, takes=(INT,), gives=(INT,), early=True)
def connect_supports_feature(session: ClientSession, feature: int) -> tuple[int]:
    """Tell whether there is a feature; what has to do with migration and descriptors is not."""
    if feature == DriverFeature.PROGRAM_KEEPALIVE:
        session.wants_pings = True
    elif not session.is_open:
        raise LibvirtError(ErrorNumber.INVALID_CONN, "it was not opened")
    return (int(feature in set(DriverFeature)),)


@procedure(360)
def connect_register_close_callback(session: ClientSession) -> None:
    """Promise to tell when the hypervisor goes away: it can't."""


@procedure(361)
def connect_unregister_close_callback(session: ClientSession) -> None:
    """Take the promise back."""


@procedure(3, gives=(STRING,))
def connect_get_type(session: ClientSession) -> tuple[str]:
    """Name the hypervisor."""
    return ("QEMU",)


@procedure(110, gives=(STRING,))
def connect_get_uri(session: ClientSession) -> tuple[str]:
    """Give the URI that the client asked for."""
    return (session.uri,)


@procedure(59, gives=(STRING,))
def connect_get_hostname(session: ClientSession) -> tuple[str]:
    """Name the host; a recording by its file."""
    return (session.source.name_of(session.name),)


@procedure(4, gives=(UHYPER,), slow=True, pure=True)
def connect_get_version(session: ClientSession) -> tuple[int]:
    """Give the version of the host's emulator, or of any where it has none of its own."""
    return (_number(_usual_emulator_version(session.served().host)),)


@procedure(157, gives=(UHYPER,))
def connect_get_lib_version(session: ClientSession) -> tuple[int]:
    """Give the libvirt that is emulated."""
    return (_number((session.dialect.major, session.dialect.minor, 0)),)


@procedure(149, gives=(INT,))
def connect_is_secure(session: ClientSession) -> tuple[int]:
    """No one else can listen: it is a UNIX socket or the loopback interface."""
    return (1,)


@procedure(5, takes=(OPTIONAL_STRING,), gives=(INT,), slow=True, pure=True)
def connect_get_max_vcpus(session: ClientSession, virttype: str | None) -> tuple[int]:
    """Give the most CPUs that a guest of a type can have."""
    host = session.served().host
    virttype = virttype.lower() if virttype else None  # as libvirt does here, and nowhere else
    machines = host.world(virttype=virttype, libvirt=session.libvirt).emulator.machines(
        virttype or host.world(libvirt=session.libvirt).target.virttype
    )
    return (max((machine.cpu_max for machine in machines), default=1),)


@procedure(7, gives=(STRING,), slow=True, pure=True)
def connect_get_capabilities(session: ClientSession) -> tuple[str]:
    """Describe the host and the guests that it can run."""
    return (capabilities_xml(session.served().host, session.dialect),)


def _usual_emulator_version(host: Host) -> tuple[int, int, int]:
    paths = host.emulators.paths()
    path = host.default_emulator() if host.has_emulator() or not paths else paths[0]
    return host.emulators.get(path).version


def _number(version: tuple[int, int, int]) -> int:
    major, minor, micro = version
    return major * 1_000_000 + minor * 1_000 + micro
