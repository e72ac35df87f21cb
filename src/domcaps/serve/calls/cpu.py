"""Calls about what a guest can be given: domain capabilities, and CPUs for an emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.cpu import host_model
from domcaps.cpu.hostmodel import told_features
from domcaps.cpu.models import blockers_by_model, libvirt_models
from domcaps.cpu.x86map import x86_map
from domcaps.errors import UnsupportedTargetError
from domcaps.facts.arch import ARCHITECTURES, S390, X86
from domcaps.facts.emulator import ACCELERATORS, Unanswered
from domcaps.serve import s390_cpu
from domcaps.serve.baseline import baseline_x86, check_models, expanded, lowest_limit
from domcaps.serve.comparison import CpuComparison, compare_with_emulator
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UINT, XML, Array
from domcaps.serve.xml.cpu import check_names, read_cpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.cpu import HostModel
    from domcaps.facts.dialogue import Talk
    from domcaps.hosts.host import Host
    from domcaps.language import World
    from domcaps.language.dialect import Dialect
    from domcaps.serve.session import ClientSession
    from domcaps.serve.xml.cpu import Baseline, Described

T = TypeVar("T")

_DISABLE_DEPRECATED, _EXPAND, _SUPPORTED = 1, 2, 4
"""``VIR_CONNECT_GET_DOMAIN_CAPABILITIES_…``."""

FAIL_INCOMPATIBLE, VALIDATE_XML = 1, 2
"""``VIR_CONNECT_COMPARE_CPU_…``."""

EXPAND_FEATURES, MIGRATABLE = 1, 2
"""``VIR_CONNECT_BASELINE_CPU_…``."""

_MODELS_MOST = 8192
_CPUS_MOST = 256


_Target = tuple[str | None, str | None, str | None, str | None]
_TARGET = (OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING)


def _options(session: ClientSession, target: _Target, flags: int) -> dict[str, Any]:
    """Say what report is wanted, as `Host.domain_capabilities` takes it."""
    check_flags(flags, _DISABLE_DEPRECATED | _EXPAND | _SUPPORTED)
    return {
        **dict(zip(("emulator", "arch", "machine", "virttype"), target, strict=True)),
        "libvirt": session.libvirt,
        "disable_deprecated_features": bool(flags & _DISABLE_DEPRECATED),
        "expand_cpu_features": bool(flags & _EXPAND),
        "supported_cpu_features": bool(flags & _SUPPORTED),
    }


def _known_report(session: ClientSession, *arguments: Any) -> tuple[str] | None:
    """Give ``<domainCapabilities>`` if it is known to hold, without a look at anything."""
    *target, flags = arguments
    options = _options(session, tuple(target), flags)
    served = session.known()
    found = served.ready(options) if served else None
    return (found,) if found else None


def _adopt_report(session: ClientSession, *arguments: Any) -> None:
    """Have a live host remember a report that a worker made."""
    *target, flags = arguments
    served = session.known()
    if served is not None:
        served.adopt(_options(session, tuple(target), flags))


@procedure(
    342,
    takes=(*_TARGET, UINT),
    gives=(STRING,),
    slow=True,
    pure=True,
    quick=_known_report,
    adopt=_adopt_report,
)
def connect_get_domain_capabilities(
    session: ClientSession,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    flags: int,
) -> tuple[str]:
    """Give ``<domainCapabilities>``."""
    options = _options(session, (emulator, arch, machine, virttype), flags)
    host = session.served().host
    try:
        return (host.domain_capabilities(**options).xml,)
    except UnsupportedTargetError as error:
        if emulator is None:
            _check_emulator(host, arch, error)
        raise


def _check_emulator(host: Host, arch: str | None, error: UnsupportedTargetError) -> None:
    """Say so where it is an emulator that is missing: libvirt has a class of its own for that.

    Only asked when there is no answer, since on a live host the question costs as much as one.
    """
    if (arch is None or arch in ARCHITECTURES) and not host.has_emulator(arch):
        raise LibvirtError(ErrorNumber.CONFIG_UNSUPPORTED, str(error)) from error


@procedure(312, takes=(STRING, INT, UINT), gives=(Array(STRING, _MODELS_MOST), INT))
def connect_get_cpu_model_names(
    session: ClientSession, arch: str, need_results: int, flags: int
) -> tuple[list[str], int]:
    """Name the CPU models that libvirt knows; none where it takes whatever QEMU names."""
    check_flags(flags, 0)
    if arch not in ARCHITECTURES:
        raise LibvirtError(ErrorNumber.INVALID_ARG, f"no architecture is called {arch!r}")
    names = list(libvirt_models(arch, session.dialect) or ())
    return (names if need_results else []), len(names)


def _world(session: ClientSession, target: _Target) -> World:
    """Settle for which emulator a CPU is meant."""
    return session.served().host.known_world(*target, session.libvirt)


@procedure(393, takes=(*_TARGET, XML, UINT), gives=(INT,), slow=True)
def connect_compare_hypervisor_cpu(
    session: ClientSession,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    xml: bytes,
    flags: int,
) -> tuple[int]:
    """Tell whether an emulator can give a guest a CPU."""
    check_flags(flags, FAIL_INCOMPATIBLE | VALIDATE_XML)
    world = _world(session, (emulator, arch, machine, virttype))
    dialect = session.dialect
    found = _own_model(world, dialect)
    if world.target.arch not in X86 and not _qemu_compares(world, s390_cpu.COMPARISON):
        raise LibvirtError(
            ErrorNumber.OPERATION_UNSUPPORTED, f"CPUs of {world.target.arch} are not compared"
        )
    if flags & VALIDATE_XML:
        check_names(xml)
    cpu = read_cpu(xml)
    if world.target.arch not in X86:
        own = s390_cpu.S390CpuModel(
            found.model, tuple((f.name, f.policy == "require") for f in found.features)
        )
        talk = s390_cpu.comparison(own, s390_cpu.model_of(cpu))
        return (verdict((_talk(session, world, talk), "QEMU says so"), flags),)
    offered = blockers_by_model(world.emulator, ACCELERATORS[world.target.virttype])
    result = compare_with_emulator(found, offered, cpu, x86_map(dialect))
    return (verdict(result, flags),)


def _qemu_compares(world: World, command: str) -> bool:
    """Tell whether QEMU itself compares CPUs of the architecture, and can."""
    return world.target.arch in S390 and world.emulator.schema.has(command)


def _talk(session: ClientSession, world: World, talk: Talk[T]) -> T:
    """Ask the emulator in turn."""
    try:
        return session.served().host.talk(world, talk)
    except Unanswered as unanswered:
        raise LibvirtError(
            ErrorNumber.OPERATION_UNSUPPORTED, f"QEMU was not asked {unanswered.question}"
        ) from unanswered


def _own_model(world: World, dialect: Dialect) -> HostModel:
    accelerator = ACCELERATORS[world.target.virttype]
    try:
        found = host_model(world.emulator, accelerator, world.host.record, dialect)
    except Unanswered as unanswered:
        raise LibvirtError(ErrorNumber.OPERATION_UNSUPPORTED, str(unanswered)) from unanswered
    if found is None or found.fallback != "forbid":
        raise LibvirtError(
            ErrorNumber.OPERATION_UNSUPPORTED,
            f"{world.target.emulator} does not tell what it makes of the host's CPU",
        )
    return found


def verdict(result: tuple[CpuComparison, str], flags: int) -> int:
    """Give the number of a result, or raise the `LibvirtError` that is wanted instead."""
    found, reason = result
    if found == CpuComparison.INCOMPATIBLE and flags & FAIL_INCOMPATIBLE:
        raise LibvirtError(ErrorNumber.CPU_INCOMPATIBLE, reason)
    return int(found)


@procedure(394, takes=(*_TARGET, Array(XML, _CPUS_MOST), UINT), gives=(STRING,), slow=True)
def connect_baseline_hypervisor_cpu(
    session: ClientSession,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    xmls: list[bytes],
    flags: int,
) -> tuple[str]:
    """Find the CPU that an emulator can give on all hosts whose CPUs are described."""
    check_flags(flags, EXPAND_FEATURES | MIGRATABLE)
    cpus = [read_cpu(xml) for xml in xmls]
    world = _world(session, (emulator, arch, machine, virttype))
    known = x86_map(session.dialect)
    accelerator = ACCELERATORS[world.target.virttype]
    try:
        offered = blockers_by_model(world.emulator, accelerator)
        if world.target.arch not in X86:
            return (_baseline_by_qemu(session, world, cpus, flags).xml,)
        check_models(cpus)
        migratable = bool(flags & MIGRATABLE)
        told = told_features(world.emulator, accelerator, migratable=migratable)
    except Unanswered as unanswered:
        raise LibvirtError(ErrorNumber.OPERATION_UNSUPPORTED, str(unanswered)) from unanswered
    found = baseline_x86(
        cpus, known, offered=offered, told=told, migratable=migratable and told is None
    )
    if flags & EXPAND_FEATURES:
        found = expanded(found, known)
    found = msgspec.structs.replace(found, fallback="forbid", limit=lowest_limit(cpus))
    return (found.xml,)


def _baseline_by_qemu(
    session: ClientSession, world: World, cpus: Sequence[Described], flags: int
) -> Baseline:
    """Have QEMU find a baseline."""
    if not _qemu_compares(world, s390_cpu.BASELINE):
        raise LibvirtError(
            ErrorNumber.OPERATION_UNSUPPORTED, f"there are no baselines of {world.target.arch}"
        )
    check_models(cpus)
    s390_cpu.check_offered(
        cpus, blockers_by_model(world.emulator, ACCELERATORS[world.target.virttype])
    )
    talk = s390_cpu.baseline(cpus, expand=bool(flags & EXPAND_FEATURES))
    found = _talk(session, world, talk)
    return msgspec.structs.replace(found, limit=lowest_limit(cpus))
