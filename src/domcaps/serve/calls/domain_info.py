"""Calls that read what a domain has and how it is doing: CPUs, memory, statistics, snapshots.

Nothing runs, so that counters are 0, except the CPU time: that is the time since the start.
"""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from domcaps.serve.calls.domain import DOMAIN, listed
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.kept_domain import DomainHandle, KeptDomain, find_domain, invalid
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags, check_most
from domcaps.serve.typed import TYPED, Typed, typed_int, typed_uint, typed_ullong
from domcaps.serve.xdr import INT, STRING, UHYPER, UINT, Array, Opaque, Record

if TYPE_CHECKING:
    from domcaps.serve.domains import DefinedDomain
    from domcaps.serve.session import ClientSession

_LIVE, _CONFIG, _MAXIMUM, _GUEST = 1, 2, 4, 8
_VCPU = Record(UINT, INT, UHYPER, INT)
_VCPU_RUNNING = 1
_MOST_VCPUS, _MOST_BYTES = 16384, 8388608
_STATS_MOST = 262144
_STATE, _CPU, _BALLOON, _VCPUS = 1, 2, 4, 8
"""``virDomainStatsTypes``, those that are given; 0 asks for all of them."""

_ENFORCED = 1 << 31
_SNAPSHOT = Record(STRING, DOMAIN)
_FIELDS_OF_JOB = 11


def _definition(session: ClientSession, handle: DomainHandle, flags: int = 0) -> DefinedDomain:
    domain = find_domain(session, handle)
    if flags & _LIVE:
        domain.require_active()
    if not flags & _CONFIG:
        return domain.current
    if domain.config is None:
        raise invalid("transient domains do not have any persistent config")
    return domain.config


@procedure(17, takes=(DOMAIN,), gives=(UHYPER,))
def domain_get_max_memory(session: ClientSession, handle: DomainHandle) -> tuple[int]:
    """Give the memory in KiB that a domain has at most."""
    return (_definition(session, handle).memory_kib,)


@procedure(18, takes=(DOMAIN,), gives=(INT,))
def domain_get_max_vcpus(session: ClientSession, handle: DomainHandle) -> tuple[int]:
    """Give how many CPUs a domain that runs has at most."""
    return (_definition(session, handle, _LIVE).vcpus,)


@procedure(200, takes=(DOMAIN, UINT), gives=(INT,))
def domain_get_vcpus_flags(session: ClientSession, handle: DomainHandle, flags: int) -> tuple[int]:
    """Give how many CPUs a domain has, now or at most."""
    if flags & _GUEST:
        detail = "QEMU guest agent is not connected"
        raise LibvirtError(ErrorNumber.AGENT_UNRESPONSIVE, detail)
    found = _definition(session, handle, flags)
    return (found.vcpus if flags & _MAXIMUM else found.online,)


@procedure(20, takes=(DOMAIN, INT, INT), gives=(Array(_VCPU, _MOST_VCPUS), Opaque(_MOST_BYTES)))
def domain_get_vcpus(
    session: ClientSession, handle: DomainHandle, most: int, width: int
) -> tuple[list[tuple[int, int, int, int]], bytes]:
    """Describe the CPUs of a domain that runs; each may run on every CPU of the host."""
    domain = find_domain(session, handle)
    if not domain.is_active:
        raise invalid("cannot list vcpus for an inactive domain")
    _check_map(most, width)
    count = min(domain.current.online, most)
    share = domain.nanoseconds // max(domain.current.online, 1)
    cpus = [(number, _VCPU_RUNNING, share, 0) for number in range(count)]
    return cpus, b"\xff" * (count * width)


@procedure(230, takes=(DOMAIN, INT, INT, UINT), gives=(Opaque(_MOST_BYTES), INT))
def domain_get_vcpu_pin_info(
    session: ClientSession, handle: DomainHandle, most: int, width: int, flags: int
) -> tuple[bytes, int]:
    """Give the CPUs of the host for each CPU of a domain: all of them."""
    _check_map(most, width)
    count = min(_definition(session, handle, flags).vcpus, most)
    return b"\xff" * (count * width), count


@procedure(280, takes=(DOMAIN, INT, UINT), gives=(Opaque(_MOST_BYTES), INT))
def domain_get_emulator_pin_info(
    session: ClientSession, handle: DomainHandle, width: int, flags: int
) -> tuple[bytes, int]:
    """Give the CPUs of the host for the emulator: all of them."""
    _check_map(1, width)
    _definition(session, handle, flags)
    return b"\xff" * width, 1


def _check_map(most: int, width: int) -> None:
    if most < 0 or width < 0 or most > _MOST_VCPUS or most * width > _MOST_BYTES:
        raise LibvirtError(ErrorNumber.RPC, "maxinfo * maplen is too large", ErrorDomain.RPC)


# -- statistics ------------------------------------------------------------------------------------


def _stats(domain: KeptDomain, asked: int) -> list[tuple[str, Typed]]:
    found = domain.current
    groups: list[tuple[int, list[tuple[str, Typed]]]] = [
        (_STATE, [("state.state", typed_int(domain.state)),
                  ("state.reason", typed_int(domain.reason))]),
        (_CPU, [("cpu.time", typed_ullong(domain.nanoseconds))] if domain.is_active else []),
        (_BALLOON, [("balloon.current", typed_ullong(found.current_kib)),
                    ("balloon.maximum", typed_ullong(found.memory_kib))]),
        (_VCPUS, [("vcpu.current", typed_uint(found.online)),
                  ("vcpu.maximum", typed_uint(found.vcpus))]),
    ]  # fmt: skip
    return [item for group, items in groups if not asked or asked & group for item in items]


@procedure(
    344,
    takes=(Array(DOMAIN, 16384), UINT, UINT),
    gives=(Array(Record(DOMAIN, Array(TYPED, _STATS_MOST)), 4096),),
)
def connect_get_all_domain_stats(
    session: ClientSession, handles: list[DomainHandle], stats: int, flags: int
) -> tuple[list[tuple[DomainHandle, list[tuple[str, Typed]]]]]:
    """Give statistics of some domains, or of all that fit the flags."""
    flags &= ~_ENFORCED & 0xFFFFFFFF
    domains = [find_domain(session, one) for one in handles] or listed(session, flags & 0xFF)
    return ([(domain.handle, _stats(domain, stats)) for domain in domains],)


def _active(session: ClientSession, handle: DomainHandle) -> KeptDomain:
    domain = find_domain(session, handle)
    domain.require_active()
    return domain


@procedure(64, takes=(DOMAIN, STRING), gives=(UHYPER,) * 5)
def domain_block_stats(session: ClientSession, handle: DomainHandle, path: str) -> tuple[int, ...]:
    """Give what a disk was read and written: nothing."""
    _active(session, handle)
    return (0,) * 5


@procedure(65, takes=(DOMAIN, STRING), gives=(UHYPER,) * 8)
def domain_interface_stats(
    session: ClientSession, handle: DomainHandle, device: str
) -> tuple[int, ...]:
    """Give what a network card received and sent: nothing."""
    _active(session, handle)
    return (0,) * 8


@procedure(159, takes=(DOMAIN, UINT, UINT), gives=(Array(Record(INT, UHYPER), 1024),))
def domain_memory_stats(
    session: ClientSession, handle: DomainHandle, most: int, flags: int
) -> tuple[list[tuple[int, int]]]:
    """Give the size of the balloon, the one thing that is known of a guest's memory."""
    check_flags(flags, 0)
    return ([(6, _active(session, handle).current.current_kib)][:most],)


@procedure(229, takes=(DOMAIN, UINT), gives=(UINT, UINT, UHYPER))
def domain_get_control_info(
    session: ClientSession, handle: DomainHandle, flags: int
) -> tuple[int, int, int]:
    """Tell that a domain can be controlled."""
    check_flags(flags, 0)
    _active(session, handle)
    return 0, 0, 0


@procedure(163, takes=(DOMAIN,), gives=(INT, *(UHYPER,) * _FIELDS_OF_JOB))
def domain_get_job_info(session: ClientSession, handle: DomainHandle) -> tuple[int, ...]:
    """Tell that no job goes on."""
    _active(session, handle)
    return (0,) * (1 + _FIELDS_OF_JOB)


@procedure(337, takes=(DOMAIN, UINT), gives=(UHYPER, UINT))
def domain_get_time(session: ClientSession, handle: DomainHandle, flags: int) -> tuple[int, int]:
    """Give the time of the host for that of the guest."""
    check_flags(flags, 0)
    _active(session, handle)
    return int(time.time()), 0


# -- what a domain here never has ------------------------------------------------------------------


def _no_objects(
    session: ClientSession, handle: DomainHandle, need_results: int, flags: int
) -> tuple[list[Any], int]:
    """List snapshots or checkpoints: there are none."""
    find_domain(session, handle)
    return [], 0


def _no_number(session: ClientSession, handle: DomainHandle, flags: int) -> tuple[int]:
    """Count snapshots: there are none."""
    find_domain(session, handle)
    return (0,)


def _no_names(
    session: ClientSession, handle: DomainHandle, most: int, flags: int
) -> tuple[list[str]]:
    """Name snapshots: there are none."""
    check_most(most, 16384, "names", "DOMAIN_SNAPSHOT")
    find_domain(session, handle)
    return ([],)


for _number in (274, 413):
    procedure(_number, takes=(DOMAIN, INT, UINT), gives=(Array(_SNAPSHOT, 16384), INT))(_no_objects)
for _number in (187, 190):
    procedure(_number, takes=(DOMAIN, UINT), gives=(INT,))(_no_number)
procedure(188, takes=(DOMAIN, INT, UINT), gives=(Array(STRING, 16384),))(_no_names)
