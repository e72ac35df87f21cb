"""Calls about domains that were defined: over this connection, or in its sandbox."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.errors import UntoldError
from domcaps.native.line import as_shell
from domcaps.serve import verdict
from domcaps.serve.defining import keep_definition
from domcaps.serve.domains import DefinedDomain, refusal
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.events import DomainEvent
from domcaps.serve.kept_domain import (
    DomainHandle,
    DomainState,
    find_domain,
    invalid,
)
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags, check_most
from domcaps.serve.xdr import INT, STRING, UHYPER, UINT, UUID, XML, Array, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.kept_domain import KeptDomain
    from domcaps.serve.session import ClientSession

DOMAIN = Record(STRING, UUID, INT)

_LIST_MOST = 16384
_LABEL_MOST = 4097

_NATIVE = "qemu-argv"
_DEFINE_VALIDATE = 1
_XML_SECURE, _XML_INACTIVE, _XML_UPDATE_CPU, _XML_MIGRATABLE = 1, 2, 4, 8
_UNDEFINE_SAVED, _UNDEFINE_NVRAM, _KEEP_NVRAM = 1, 4, 8
_UNDEFINE_FLAGS = 0x7F
"""``VIR_DOMAIN_UNDEFINE_…``: managed save, snapshots, NVRAM, checkpoints, TPM."""


def _keep(session: ClientSession, definition: DefinedDomain, *_: object) -> tuple[DomainHandle]:
    """Keep a definition that was found acceptable."""
    return (keep_definition(session.inventory, definition).handle,)


@procedure(11, takes=(XML,), gives=(DOMAIN,), slow=True, keeps=DefinedDomain, then=_keep)
def domain_define_xml(session: ClientSession, xml: bytes) -> DefinedDomain:
    """Judge a domain, and keep it."""
    return verdict.definition(session, xml)


@procedure(350, takes=(XML, UINT), gives=(DOMAIN,), slow=True, keeps=DefinedDomain, then=_keep)
def domain_define_xml_flags(session: ClientSession, xml: bytes, flags: int) -> DefinedDomain:
    """Do the same; it is validated whether that is asked for or not."""
    check_flags(flags, _DEFINE_VALIDATE)
    return verdict.definition(session, xml)


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


def _undefine(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    inventory = session.inventory
    domain = find_domain(session, handle)
    if domain.config is None:
        raise invalid("cannot undefine transient domain")
    if domain.is_saved and not flags & _UNDEFINE_SAVED:
        raise invalid("Refusing to undefine while domain managed save image exists")
    if domain.has_variables and not flags & (_UNDEFINE_NVRAM | _KEEP_NVRAM):
        raise invalid("cannot undefine domain with nvram")
    domain.is_saved = domain.autostart = False
    if domain.live is None:
        inventory.forget(domain)
    else:
        domain.config = None
        inventory.keep(domain.uuid, domain.size)
    inventory.tell(DomainEvent.REMOVED, domain)


@procedure(35, takes=(DOMAIN,))
def domain_undefine(session: ClientSession, handle: DomainHandle) -> None:
    """Forget the definition; a domain that runs is transient then."""
    _undefine(session, handle, 0)


@procedure(231, takes=(DOMAIN, UINT))
def domain_undefine_flags(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """Do the same, with what else has to be removed."""
    check_flags(flags, _UNDEFINE_FLAGS)
    _undefine(session, handle, flags)


@procedure(14, takes=(DOMAIN, UINT), gives=(STRING,))
def domain_get_xml_desc(session: ClientSession, handle: DomainHandle, flags: int) -> tuple[str]:
    """Give the XML as it was defined, with its UUID. The CPU is not filled in."""
    check_flags(flags, _XML_SECURE | _XML_INACTIVE | _XML_MIGRATABLE | _xml_flags(session))
    inactive, secure = bool(flags & _XML_INACTIVE), bool(flags & _XML_SECURE)
    return (find_domain(session, handle).xml(inactive=inactive, secure=secure),)


def _xml_flags(session: ClientSession) -> int:
    return _XML_UPDATE_CPU if session.inventory.runs else 0


@procedure(16, takes=(DOMAIN,), gives=(UINT, UHYPER, UHYPER, UINT, UHYPER))
def domain_get_info(session: ClientSession, handle: DomainHandle) -> tuple[int, int, int, int, int]:
    """Give state, memory (KiB), CPUs and CPU time."""
    domain = find_domain(session, handle)
    found = domain.current
    # the wire takes 64 bits of memory, and 16 of CPUs
    cpus = min(found.online if domain.is_active else found.vcpus, 0xFFFF)
    return domain.state, found.memory_kib, found.current_kib, cpus, domain.nanoseconds


@procedure(212, takes=(DOMAIN, UINT), gives=(INT, INT))
def domain_get_state(session: ClientSession, handle: DomainHandle, flags: int) -> tuple[int, int]:
    """Give the state, and why it is in it."""
    check_flags(flags, 0)
    domain = find_domain(session, handle)
    return domain.state, domain.reason


@procedure(19, takes=(DOMAIN,), gives=(STRING,))
def domain_get_os_type(session: ClientSession, handle: DomainHandle) -> tuple[str]:
    """Give the type of its system."""
    return (find_domain(session, handle).current.os_type,)


@procedure(22, takes=(INT,), gives=(DOMAIN,))
def domain_lookup_by_id(session: ClientSession, number: int) -> tuple[DomainHandle]:
    """Find one that runs by its number."""
    if number < 0:
        detail = "id in virDomainLookupByID must be zero or greater"
        raise LibvirtError(ErrorNumber.INVALID_ARG, detail)
    for found in session.inventory.domains.values():
        if found.id == number:
            return (found.handle,)
    raise LibvirtError(ErrorNumber.NO_DOMAIN, f"none with the id {number}")


@procedure(23, takes=(STRING,), gives=(DOMAIN,))
def domain_lookup_by_name(session: ClientSession, name: str) -> tuple[DomainHandle]:
    """Find one by its name."""
    for found in session.inventory.domains.values():
        if found.name == name:
            return (found.handle,)
    raise LibvirtError(ErrorNumber.NO_DOMAIN, f"none with the name {name!r}")


@procedure(24, takes=(UUID,), gives=(DOMAIN,))
def domain_lookup_by_uuid(session: ClientSession, identity: bytes) -> tuple[DomainHandle]:
    """Find one by its UUID."""
    return (find_domain(session, ("", identity, -1)).handle,)


def _fits(domain: KeptDomain, flags: int) -> bool:
    """Tell whether a domain fits: of each group of flags that is asked for, one has to fit."""
    return all(
        not flags & group or flags & group & own for group, own in _listed_as(domain).items()
    )


def listed(session: ClientSession, flags: int) -> list[KeptDomain]:
    """Give the domains that fit ``VIR_CONNECT_LIST_DOMAINS_…``."""
    return [domain for domain in session.inventory.domains.values() if _fits(domain, flags)]


def _listed_as(domain: KeptDomain) -> dict[int, int]:
    """Give what a domain is among ``VIR_CONNECT_LIST_DOMAINS_…``, for each group of flags."""
    states = {DomainState.RUNNING: 0x10, DomainState.PAUSED: 0x20, DomainState.SHUT_OFF: 0x40}
    return {
        0x3: 0x1 if domain.is_active else 0x2,
        0xC: 0x8 if domain.config is None else 0x4,
        0xF0: states[domain.state],
        0x300: 0x100 if domain.is_saved else 0x200,
        0xC00: 0x400 if domain.autostart else 0x800,
        0x3000: 0x2000,  # without snapshots
        0xC000: 0x8000,  # without checkpoints
    }


@procedure(273, takes=(INT, UINT), gives=(Array(DOMAIN, _LIST_MOST), UINT))
def connect_list_all_domains(
    session: ClientSession, need_results: int, flags: int
) -> tuple[list[DomainHandle], int]:
    """List those that fit the flags."""
    check_flags(flags, 0xFFFF)
    handles = [domain.handle for domain in listed(session, flags)]
    return (handles if need_results else []), len(handles)


def _active(session: ClientSession, *, active: bool = True) -> list[KeptDomain]:
    return [one for one in session.inventory.domains.values() if one.is_active is active]


@procedure(51, gives=(INT,))
def connect_num_of_domains(session: ClientSession) -> tuple[int]:
    """Count those that run."""
    return (len(_active(session)),)


@procedure(37, takes=(INT,), gives=(Array(INT, _LIST_MOST),))
def connect_list_domains(session: ClientSession, most: int) -> tuple[list[int]]:
    """List those that run."""
    check_most(most, _LIST_MOST, "ids", "DOMAIN")
    return ([domain.id for domain in _active(session)][:most],)


@procedure(25, gives=(INT,))
def connect_num_of_defined_domains(session: ClientSession) -> tuple[int]:
    """Count those that do not."""
    return (len(_active(session, active=False)),)


@procedure(21, takes=(INT,), gives=(Array(STRING, _LIST_MOST),))
def connect_list_defined_domains(session: ClientSession, most: int) -> tuple[list[str]]:
    """Name those that do not."""
    check_most(most, _LIST_MOST, "names", "DOMAIN")
    return ([domain.name for domain in _active(session, active=False)][:most],)


def _telling(fits: Callable[[KeptDomain], bool]) -> Callable[..., tuple[int]]:
    def tell(session: ClientSession, handle: DomainHandle) -> tuple[int]:
        """Tell whether a domain is so."""
        return (int(fits(find_domain(session, handle))),)

    return tell


@procedure(183, takes=(DOMAIN, UINT), gives=(INT,))
def domain_has_managed_save_image(
    session: ClientSession, handle: DomainHandle, flags: int
) -> tuple[int]:
    """Tell whether it was saved, so that its next start restores it."""
    check_flags(flags, 0)
    return (int(find_domain(session, handle).is_saved),)


@procedure(121, takes=(DOMAIN,), gives=(Array(INT, _LABEL_MOST), INT))
def domain_get_security_label(
    session: ClientSession, handle: DomainHandle
) -> tuple[list[int], int]:
    """Give its label: it has none before it is started."""
    find_domain(session, handle)
    return [0], 0


@procedure(426, takes=(DOMAIN, UINT), gives=(Array(STRING, _LIST_MOST),))
def domain_get_messages(
    session: ClientSession, handle: DomainHandle, flags: int
) -> tuple[list[str]]:
    """Tell what happened to it since it was started: nothing."""
    find_domain(session, handle)
    return ([],)


for _number, _fitting in (
    (15, lambda domain: domain.autostart),
    (150, lambda domain: domain.is_active),
    (151, lambda domain: domain.config is not None),
    (202, lambda domain: domain.is_updated),
    (449, lambda domain: False),  # noqa: ARG005
):
    procedure(_number, takes=(DOMAIN,), gives=(INT,))(_telling(_fitting))
