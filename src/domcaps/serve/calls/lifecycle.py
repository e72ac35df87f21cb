"""Calls that start and end domains: carried out in a sandbox, elsewhere answered with a verdict."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.serve import verdict
from domcaps.serve.calls.by_name import in_sandbox
from domcaps.serve.calls.domain import DOMAIN
from domcaps.serve.defining import start_definition
from domcaps.serve.domains import DefinedDomain
from domcaps.serve.events import REBOOT
from domcaps.serve.kept_domain import DomainHandle, Stopped, find_domain, invalid
from domcaps.serve.procedure_names import function_name
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, STRING, UINT, XML

if TYPE_CHECKING:
    from domcaps.serve.session import ClientSession

_START_PAUSED, _START_AUTODESTROY = 1, 2
_START_FLAGS = 0x3F
"""``VIR_DOMAIN_START_…``: paused, autodestroy, bypass cache, force boot, validate, reset NVRAM."""

_GRACEFUL_AND_LOGS = 0x3
_WAYS_OUT = 0x1F
"""``VIR_DOMAIN_SHUTDOWN_…`` and ``…_REBOOT_…``: how a guest is asked."""

_SAVE_FLAGS = 0xF


class StartRequest(msgspec.Struct, frozen=True):
    """What a worker needs to judge a start: the definition, and what the sandbox holds."""

    xml: bytes
    made: tuple[str, ...]
    last_interface: int


def _request(session: ClientSession, xml: bytes) -> bytes:
    inventory = session.inventory
    asked = StartRequest(xml, inventory.made_paths, inventory.last_interface)
    return msgspec.msgpack.encode(asked)


def _of_config(session: ClientSession, handle: DomainHandle, *_: object) -> bytes:
    """Give the definition that would be started."""
    domain = find_domain(session, handle)
    if domain.is_active:
        raise invalid("domain is already running")
    return _request(session, domain.current.xml.encode())


def _of_nothing(session: ClientSession, *_: object) -> bytes:
    return _request(session, b"")


def _judge(session: ClientSession, number: int, xml: bytes = b"") -> DefinedDomain:
    """Judge a start, and give the definition of the machine that would run."""
    asked = msgspec.msgpack.decode(session.given, type=StartRequest)
    if not session.inventory.runs:
        raise verdict.not_run(session, function_name(number), xml or asked.xml)
    if xml:
        xml = verdict.definition(session, xml).xml.encode()
    verdict.require(session, xml or asked.xml, asked.made, start=True)
    return verdict.live_definition(xml or asked.xml, asked.last_interface)


def _run(
    session: ClientSession, live: DefinedDomain, handle: DomainHandle, flags: int = 0
) -> tuple[DomainHandle]:
    domain = find_domain(session, handle)
    domain.start(session.inventory, live, paused=bool(flags & _START_PAUSED))
    session.inventory.last_interface += len(live.cards)
    domain.owner = session if flags & _START_AUTODESTROY else None
    return (domain.handle,)


def _run_old(session: ClientSession, live: DefinedDomain, handle: DomainHandle) -> None:
    _run(session, live, handle)


def _run_xml(
    session: ClientSession, live: DefinedDomain, xml: bytes, flags: int
) -> tuple[DomainHandle]:
    domain = start_definition(session.inventory, live, paused=bool(flags & _START_PAUSED))
    session.inventory.last_interface += len(live.cards)
    domain.owner = session if flags & _START_AUTODESTROY else None
    return (domain.handle,)


@procedure(9, takes=(DOMAIN,), slow=True, given=_of_config, keeps=DefinedDomain, then=_run_old)
def domain_create(session: ClientSession, handle: DomainHandle) -> DefinedDomain:
    """Start a domain that was defined."""
    return _judge(session, 9)


def _offer_start(number: int) -> None:
    @procedure(
        number, takes=(DOMAIN, UINT), gives=(DOMAIN,), slow=True, given=_of_config,
        keeps=DefinedDomain, then=_run,
    )  # fmt: skip
    def domain_create_with_flags(
        session: ClientSession, handle: DomainHandle, flags: int
    ) -> DefinedDomain:
        """Start a domain that was defined, as the flags say."""
        check_flags(flags, _START_FLAGS)
        return _judge(session, number)


def _offer_transient(number: int) -> None:
    @procedure(
        number, takes=(XML, UINT), gives=(DOMAIN,), slow=True, given=_of_nothing,
        keeps=DefinedDomain, then=_run_xml,
    )  # fmt: skip
    def domain_create_xml(session: ClientSession, xml: bytes, flags: int) -> DefinedDomain:
        """Start a domain that is not defined."""
        check_flags(flags, _START_FLAGS)
        return _judge(session, number, xml)


# those with files of the client take none here: a descriptor can't be sent to this server
for _number in (196, 310):
    _offer_start(_number)
for _number in (10, 309):
    _offer_transient(_number)


@in_sandbox(34)
def domain_suspend(session: ClientSession, handle: DomainHandle) -> None:
    """Pause a domain."""
    find_domain(session, handle).suspend(session.inventory)


@in_sandbox(28)
def domain_resume(session: ClientSession, handle: DomainHandle) -> None:
    """Let it run on."""
    find_domain(session, handle).resume(session.inventory)


@in_sandbox(33)
def domain_shutdown(session: ClientSession, handle: DomainHandle) -> None:
    """Have the guest shut down, which it does at once."""
    find_domain(session, handle).power_off(session.inventory)


@in_sandbox(258, takes=(DOMAIN, UINT))
def domain_shutdown_flags(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """Do the same, in the ways that the flags name."""
    check_flags(flags, _WAYS_OUT)
    find_domain(session, handle).power_off(session.inventory)


@in_sandbox(27, takes=(DOMAIN, UINT))
def domain_reboot(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """Have the guest reboot, which it does at once."""
    check_flags(flags, _WAYS_OUT)
    domain = find_domain(session, handle)
    domain.reboot(session.inventory)
    if domain.is_active:
        session.inventory.send(REBOOT, domain.uuid, (domain.handle,))


@in_sandbox(245, takes=(DOMAIN, UINT))
def domain_reset(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """Reset a machine: it runs on as if it had been started anew."""
    check_flags(flags, 0)
    find_domain(session, handle).require_active()


@in_sandbox(12)
def domain_destroy(session: ClientSession, handle: DomainHandle) -> None:
    """End a domain at once."""
    find_domain(session, handle).stop(session.inventory, Stopped.DESTROYED)


@in_sandbox(234, takes=(DOMAIN, UINT))
def domain_destroy_flags(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """Do the same."""
    check_flags(flags, _GRACEFUL_AND_LOGS)
    find_domain(session, handle).stop(session.inventory, Stopped.DESTROYED)


@in_sandbox(182, takes=(DOMAIN, UINT))
def domain_managed_save(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """End a domain so that its next start goes on where it was; no memory is saved."""
    check_flags(flags, _SAVE_FLAGS)
    domain = find_domain(session, handle)
    domain.require_active()
    if domain.config is None:
        raise invalid("cannot do managed save for transient domain")
    domain.is_saved = True
    domain.stop(session.inventory, Stopped.SAVED)


@in_sandbox(184, takes=(DOMAIN, UINT))
def domain_managed_save_remove(session: ClientSession, handle: DomainHandle, flags: int) -> None:
    """Forget what was saved."""
    check_flags(flags, 0)
    find_domain(session, handle).is_saved = False


@in_sandbox(29, takes=(DOMAIN, INT))
def domain_set_autostart(session: ClientSession, handle: DomainHandle, autostart: int) -> None:
    """Note whether a domain is to be started with the host."""
    domain = find_domain(session, handle)
    if domain.config is None:
        raise invalid("cannot set autostart for transient domain")
    domain.autostart = bool(autostart)


@in_sandbox(277, takes=(DOMAIN, UINT), gives=(STRING,))
def domain_get_hostname(session: ClientSession, handle: DomainHandle, flags: int) -> tuple[str]:
    """Name the guest as its domain is named."""
    domain = find_domain(session, handle)
    domain.require_active()
    return (domain.name,)
