"""Calls about domains: those of this connection, which are never started."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from domcaps.errors import UntoldError
from domcaps.native.line import as_shell
from domcaps.serve.domains import DefinedDomain, domain_of, refusal
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags, check_most
from domcaps.serve.xdr import INT, STRING, UHYPER, UINT, UUID, XML, Array, Record

if TYPE_CHECKING:
    from domcaps.serve.session import ClientSession

DOMAIN = Record(STRING, UUID, INT)
_Handle = tuple[str, bytes, int]

_LIST_MOST = 16384
_LABEL_MOST = 4097
_MOST_DOMAINS = 100
"""That a client may define over one connection."""

_NATIVE = "qemu-argv"
_DEFINE_VALIDATE = 1
_XML_SECURE, _XML_INACTIVE, _XML_UPDATE_CPU, _XML_MIGRATABLE = 1, 2, 4, 8
_SHUT_OFF, _NO_REASON = 5, 0

# what a domain here is and is not, among ``VIR_CONNECT_LIST_DOMAINS_…``: of each of these groups
# of flags that is asked for, at least one has to fit
_LISTED = (
    (0x3, 0x2),  # active, inactive
    (0xC, 0x4),  # persistent, transient
    (0xF0, 0x40),  # running, paused, shut off, other
    (0x300, 0x200),  # with, without managed save
    (0xC00, 0x800),  # with, without autostart
    (0x3000, 0x2000),  # with, without snapshots
    (0xC000, 0x8000),  # with, without checkpoints
)


def _find(session: ClientSession, handle: _Handle) -> DefinedDomain:
    """Give a domain by its UUID, as libvirt does."""
    found = session.domains.get(handle[1])
    if found is None:
        raise LibvirtError(
            ErrorNumber.NO_DOMAIN,
            f"none with the uuid {uuid.UUID(bytes=handle[1])} ({handle[0]})",
        )
    return found


def _judge(session: ClientSession, xml: bytes) -> DefinedDomain:
    """Validate a domain; raises `LibvirtError` with what libvirt would refuse."""
    found = session.served().host.validate(xml, session.libvirt)
    if not found.definable:
        raise refusal(found)
    return domain_of(xml)


def _keep(session: ClientSession, domain: DefinedDomain) -> tuple[_Handle]:
    """Keep a domain that was found acceptable while the connection lasts."""
    for known in session.domains.values():
        if known.name == domain.name and known.uuid != domain.uuid:
            raise LibvirtError(
                ErrorNumber.OPERATION_FAILED,
                f"the domain {domain.name!r} has another uuid already",
            )
    if len(session.domains) >= _MOST_DOMAINS and domain.uuid not in session.domains:
        raise LibvirtError(
            ErrorNumber.OPERATION_FAILED,
            f"{_MOST_DOMAINS} domains were defined over this connection",
        )
    session.keep(domain.uuid, domain.size)
    session.domains[domain.uuid] = domain
    return (domain.handle,)


def _undefine(session: ClientSession, handle: _Handle) -> None:
    found = _find(session, handle)
    session.drop(found.uuid)
    del session.domains[found.uuid]


@procedure(11, takes=(XML,), gives=(DOMAIN,), slow=True, keeps=DefinedDomain, then=_keep)
def domain_define_xml(session: ClientSession, xml: bytes) -> DefinedDomain:
    """Look at a domain, and keep it while this connection lasts."""
    return _judge(session, xml)


@procedure(350, takes=(XML, UINT), gives=(DOMAIN,), slow=True, keeps=DefinedDomain, then=_keep)
def domain_define_xml_flags(session: ClientSession, xml: bytes, flags: int) -> DefinedDomain:
    """Do the same; it is validated whether that is asked for or not."""
    check_flags(flags, _DEFINE_VALIDATE)
    return _judge(session, xml)


@procedure(136, takes=(STRING, XML, UINT), gives=(STRING,), slow=True)
def connect_domain_xml_to_native(
    session: ClientSession, kind: str, xml: bytes, flags: int
) -> tuple[str]:
    """Give the command line of a domain, or report why it cannot be run or translated."""
    check_flags(flags, 0)
    if kind != _NATIVE:
        raise LibvirtError(
            ErrorNumber.INVALID_ARG, f"unsupported config type {kind} (there is {_NATIVE})"
        )
    host = session.served().host
    found = host.validate(xml, session.libvirt)
    if not found.accepted:
        raise refusal(found)
    try:
        return (as_shell(host.native(xml, session.libvirt, judge=False)),)
    except UntoldError as error:
        raise LibvirtError(
            ErrorNumber.OPERATION_UNSUPPORTED, str(error), ErrorDomain.DOMAIN
        ) from None


@procedure(35, takes=(DOMAIN,))
def domain_undefine(session: ClientSession, handle: _Handle) -> None:
    """Forget it."""
    _undefine(session, handle)


@procedure(231, takes=(DOMAIN, UINT))
def domain_undefine_flags(session: ClientSession, handle: _Handle, flags: int) -> None:
    """Forget it; there is nothing else to remove that flags could mean."""
    _undefine(session, handle)


@procedure(14, takes=(DOMAIN, UINT), gives=(STRING,))
def domain_get_xml_desc(session: ClientSession, handle: _Handle, flags: int) -> tuple[str]:
    """Give the XML as it was defined, with its UUID. The CPU is not filled in."""
    check_flags(flags, _XML_SECURE | _XML_INACTIVE | _XML_MIGRATABLE)
    return (_find(session, handle).xml,)


@procedure(16, takes=(DOMAIN,), gives=(UINT, UHYPER, UHYPER, UINT, UHYPER))
def domain_get_info(session: ClientSession, handle: _Handle) -> tuple[int, int, int, int, int]:
    """Give state, memory (KiB), CPUs and CPU time."""
    found = _find(session, handle)
    # the wire takes 64 bits of memory, and 16 of CPUs
    return _SHUT_OFF, found.memory_kib, found.current_kib, min(found.vcpus, 0xFFFF), 0


@procedure(212, takes=(DOMAIN, UINT), gives=(INT, INT))
def domain_get_state(session: ClientSession, handle: _Handle, flags: int) -> tuple[int, int]:
    """Give the state."""
    check_flags(flags, 0)
    _find(session, handle)
    return _SHUT_OFF, _NO_REASON


@procedure(19, takes=(DOMAIN,), gives=(STRING,))
def domain_get_os_type(session: ClientSession, handle: _Handle) -> tuple[str]:
    """Give the type of its system."""
    return (_find(session, handle).os_type,)


@procedure(22, takes=(INT,), gives=(DOMAIN,))
def domain_lookup_by_id(session: ClientSession, number: int) -> Any:
    """Find none: domains have a number while they run."""
    if number < 0:
        detail = "id in virDomainLookupByID must be zero or greater"
        raise LibvirtError(ErrorNumber.INVALID_ARG, detail)
    raise LibvirtError(ErrorNumber.NO_DOMAIN, f"none with the id {number}")


@procedure(23, takes=(STRING,), gives=(DOMAIN,))
def domain_lookup_by_name(session: ClientSession, name: str) -> tuple[_Handle]:
    """Find one by its name."""
    for found in session.domains.values():
        if found.name == name:
            return (found.handle,)
    raise LibvirtError(ErrorNumber.NO_DOMAIN, f"none with the name {name!r}")


@procedure(24, takes=(UUID,), gives=(DOMAIN,))
def domain_lookup_by_uuid(session: ClientSession, identity: bytes) -> tuple[_Handle]:
    """Find one by its UUID."""
    return (_find(session, ("", identity, -1)).handle,)


@procedure(273, takes=(INT, UINT), gives=(Array(DOMAIN, _LIST_MOST), UINT))
def connect_list_all_domains(
    session: ClientSession, need_results: int, flags: int
) -> tuple[list[_Handle], int]:
    """List those of this connection that fit the flags."""
    check_flags(flags, 0xFFFF)
    fits = all(not flags & group or flags & group & own for group, own in _LISTED)
    handles = [domain.handle for domain in session.domains.values()] if fits else []
    return (handles if need_results else []), len(handles)


@procedure(51, gives=(INT,))
def connect_num_of_domains(session: ClientSession) -> tuple[int]:
    """Count those that run."""
    return (0,)


@procedure(37, takes=(INT,), gives=(Array(INT, _LIST_MOST),))
def connect_list_domains(session: ClientSession, most: int) -> tuple[list[int]]:
    """List those that run."""
    check_most(most, _LIST_MOST, "ids", "DOMAIN")
    return ([],)


@procedure(25, gives=(INT,))
def connect_num_of_defined_domains(session: ClientSession) -> tuple[int]:
    """Count those that do not."""
    return (len(session.domains),)


@procedure(21, takes=(INT,), gives=(Array(STRING, _LIST_MOST),))
def connect_list_defined_domains(session: ClientSession, most: int) -> tuple[list[str]]:
    """Name those that do not."""
    check_most(most, _LIST_MOST, "names", "DOMAIN")
    return ([domain.name for domain in session.domains.values()][:most],)


def _yes(session: ClientSession, handle: _Handle) -> tuple[int]:
    """Tell of a domain that it is so: it is persistent."""
    _find(session, handle)
    return (1,)


def _no(session: ClientSession, handle: _Handle) -> tuple[int]:
    """Tell of a domain that it is not so: active, changed since, started with the host, or once."""
    _find(session, handle)
    return (0,)


@procedure(183, takes=(DOMAIN, UINT), gives=(INT,))
def domain_has_managed_save_image(
    session: ClientSession, handle: _Handle, flags: int
) -> tuple[int]:
    """Tell that it was never saved."""
    check_flags(flags, 0)
    return _no(session, handle)


@procedure(121, takes=(DOMAIN,), gives=(Array(INT, _LABEL_MOST), INT))
def domain_get_security_label(session: ClientSession, handle: _Handle) -> tuple[list[int], int]:
    """Give its label: it has none before it is started."""
    _find(session, handle)
    return [0], 0


@procedure(426, takes=(DOMAIN, UINT), gives=(Array(STRING, _LIST_MOST),))
def domain_get_messages(session: ClientSession, handle: _Handle, flags: int) -> tuple[list[str]]:
    """Tell what happened to it since it was started: nothing."""
    _find(session, handle)
    return ([],)


procedure(151, takes=(DOMAIN,), gives=(INT,))(_yes)
for _number in (15, 150, 202, 449):
    procedure(_number, takes=(DOMAIN,), gives=(INT,))(_no)
