"""Calls about what a guest can be given: domain capabilities and CPU models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu import host_model
from domcaps.cpu.models import libvirt_models
from domcaps.cpu.x86map import x86_map
from domcaps.errors import UnsupportedTargetError
from domcaps.facts.arch import ARCHITECTURES, X86
from domcaps.facts.emulator import ACCELERATORS, Unanswered
from domcaps.serve.comparison import Comparison, compare, read_cpu
from domcaps.serve.faults import Code, Fault
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UINT, Array

if TYPE_CHECKING:
    from domcaps.api import Host
    from domcaps.serve.session import Session

_DISABLE_DEPRECATED, _EXPAND, _SUPPORTED = 1, 2, 4
"""``VIR_CONNECT_GET_DOMAIN_CAPABILITIES_…``."""

_FAIL_INCOMPATIBLE = 1
"""``VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE``."""

_MODELS_MOST = 8192


@procedure(
    342,
    takes=(OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, UINT),
    gives=(STRING,),
    slow=True,
)
def connect_get_domain_capabilities(
    session: Session,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    flags: int,
) -> tuple[str]:
    """Give ``<domainCapabilities>``."""
    check_flags(flags, _DISABLE_DEPRECATED | _EXPAND | _SUPPORTED)
    served = session.served()
    host = served.host

    def make() -> str:
        return host.domain_capabilities(
            emulator,
            arch,
            machine,
            virttype,
            session.libvirt,
            disable_deprecated_features=bool(flags & _DISABLE_DEPRECATED),
            expand_cpu_features=bool(flags & _EXPAND),
            supported_cpu_features=bool(flags & _SUPPORTED),
        ).xml

    key = ("domain capabilities", emulator, arch, machine, virttype, flags, session.libvirt)
    try:
        return (served.answer(key, make),)
    except UnsupportedTargetError as error:
        if emulator is None:
            _check_emulator(host, arch, error)
        raise


def _check_emulator(host: Host, arch: str | None, error: UnsupportedTargetError) -> None:
    """Say so where it is an emulator that is missing: libvirt has a class of its own for that.

    Only asked when there is no answer, since on a live host the question costs as much as one.
    """
    if (arch is None or arch in ARCHITECTURES) and not host.has_emulator(arch):
        raise Fault(Code.CONFIG_UNSUPPORTED, str(error)) from error


@procedure(312, takes=(STRING, INT, UINT), gives=(Array(STRING, _MODELS_MOST), INT))
def connect_get_cpu_model_names(
    session: Session, arch: str, need_results: int, flags: int
) -> tuple[list[str], int]:
    """Name the CPU models that libvirt knows; none where it takes whatever QEMU names."""
    check_flags(flags, 0)
    if arch not in ARCHITECTURES:
        raise Fault(Code.INVALID_ARG, f"no architecture is called {arch!r}")
    names = list(libvirt_models(arch, (session.dialect.major, session.dialect.minor)) or ())
    return (names if need_results else []), len(names)


@procedure(
    393,
    takes=(OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, OPTIONAL_STRING, STRING, UINT),
    gives=(INT,),
    slow=True,
)
def connect_compare_hypervisor_cpu(
    session: Session,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virttype: str | None,
    xml: str,
    flags: int,
) -> tuple[int]:
    """Tell whether an emulator can give a guest a CPU. XML is not checked against a schema."""
    check_flags(flags, _FAIL_INCOMPATIBLE)
    world = session.served().host.world(emulator, arch, machine, virttype, session.libvirt)
    dialect = (session.dialect.major, session.dialect.minor)
    if world.target.arch not in X86:
        raise Fault(Code.OPERATION_UNSUPPORTED, f"CPUs of {world.target.arch} are not compared")
    accelerator = ACCELERATORS[world.target.virttype]
    try:
        found = host_model(world.emulator, accelerator, world.host.record, dialect)
    except Unanswered as unanswered:
        raise Fault(Code.OPERATION_UNSUPPORTED, str(unanswered)) from unanswered
    if found is None or found.fallback != "forbid":
        raise Fault(
            Code.OPERATION_UNSUPPORTED,
            f"{world.target.emulator} does not tell what it makes of the host's CPU",
        )
    result, reason = compare(found, read_cpu(xml), x86_map(dialect))
    if result == Comparison.INCOMPATIBLE and flags & _FAIL_INCOMPATIBLE:
        raise Fault(Code.CPU_INCOMPATIBLE, reason)
    return (result,)
