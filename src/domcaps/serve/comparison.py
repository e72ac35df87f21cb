"""Whether a CPU that somebody describes is available from an emulator, or is that of a host.

For x86 all is arithmetic on sets of features, as `domcaps.cpu.x86map` keeps them. What counts as
an emulator's CPU is its host-model, as libvirt does for ``virConnectCompareHypervisorCPU``; a
host's is what its processor tells.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from domcaps.cpu.compare import judged_by_features
from domcaps.facts.arch import ARM, PPC64, X86
from domcaps.serve.errors import ErrorNumber, LibvirtError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.cpu import HostModel
    from domcaps.cpu.x86map import X86Map
    from domcaps.serve.xml.cpu import Described


class CpuComparison(enum.IntEnum):
    """``virCPUCompareResult``: what the CPU that there is is to the one described."""

    INCOMPATIBLE = 0
    IDENTICAL = 1
    SUPERSET = 2


_Result = tuple[CpuComparison, str]


def compare(there: HostModel, cpu: Described, known: X86Map) -> _Result:
    """Tell what a CPU of x86 is to another one, and why where it won't do.

    Raises `LibvirtError` for a model or feature that libvirt does not know.
    """
    if cpu.arch and cpu.arch not in X86:
        return CpuComparison.INCOMPATIBLE, f"it is one of {cpu.arch}"
    if cpu.vendor and cpu.vendor != there.vendor:
        return CpuComparison.INCOMPATIBLE, f"its vendor is {cpu.vendor}"
    offered = _offered(there, known)
    names = {name for name, _ in cpu.features}
    if unknown := next((name for name in names if name not in known.bits), ""):
        raise LibvirtError(ErrorNumber.INTERNAL_ERROR, f"no CPU feature is called {unknown!r}")
    required = features_of(cpu, known, "require")
    required |= model_of(cpu.model, known) if cpu.model else 0
    if forbidden := features_of(cpu, known, "forbid") & offered:
        return CpuComparison.INCOMPATIBLE, f"it forbids {_names(forbidden, known)}"
    free = features_of(cpu, known, "force", "optional", "disable")
    if missing := required & ~free & ~offered:
        return CpuComparison.INCOMPATIBLE, f"there is no {_names(missing, known)}"
    more = offered & ~free & ~required
    if more and cpu.match == "strict" and not cpu.arch:
        return CpuComparison.INCOMPATIBLE, f"it must not have {_names(more, known)}"
    return (CpuComparison.SUPERSET if more else CpuComparison.IDENTICAL), ""


def compare_with_emulator(
    there: HostModel,
    offered: Mapping[str, Iterable[str]],
    cpu: Described,
    known: X86Map,
) -> _Result:
    """Tell what an emulator's CPU is to another one.

    `offered` are the emulator's models, each with the features that keep it from running here. Of
    most models libvirt looks at these, and at features that are required besides. Of its older
    ones it looks at what they consist of, unless they run here as they are, or with less.
    """
    by_features = compare(there, cpu, known)
    lacking = offered.get(cpu.model)
    if lacking is None:
        return by_features
    policies = {} if cpu.arch else dict(cpu.features)
    if judged_by_features(cpu.model):
        is_plain = all(policies.get(name) == "disable" for name, _ in cpu.features)
        if lacking or not is_plain:
            return by_features
    missing = [name for name in lacking if policies.get(name) != "disable"]
    required = known.bits_of(name for name, policy in policies.items() if policy == "require")
    missing += known.names_of(required & ~_offered(there, known))
    if missing:
        return CpuComparison.INCOMPATIBLE, f"there is no {', '.join(dict.fromkeys(missing))}"
    if by_features[0] == CpuComparison.INCOMPATIBLE:
        return CpuComparison.SUPERSET, ""
    return by_features


def compare_elsewhere(arch: str, there: HostModel | None, cpu: Described) -> _Result:
    """Tell what the processor of a host that is not x86 is to a CPU.

    libvirt compares names at most: on s390x, RISC-V and LoongArch not even these.
    """
    if arch in ARM:
        if not cpu.arch:
            return CpuComparison.IDENTICAL, ""
    elif arch not in PPC64:
        return CpuComparison.IDENTICAL, ""
    if there is None:
        return CpuComparison.INCOMPATIBLE, "the host's CPU is not known"
    if arch in PPC64:
        if cpu.arch and cpu.arch not in PPC64:
            return CpuComparison.INCOMPATIBLE, f"it is one of {cpu.arch}"
        is_same = cpu.vendor in {"", there.vendor}
        is_same &= cpu.mode != "custom" or cpu.model == there.model
    else:
        is_same = (cpu.vendor, cpu.model) == (there.vendor, there.model)
    if is_same:
        return CpuComparison.IDENTICAL, ""
    return CpuComparison.INCOMPATIBLE, f"the host's CPU is {there.vendor} {there.model}".rstrip()


def features_of(cpu: Described, known: X86Map, *policies: str) -> int:
    """Give the features that a description names with one of some policies."""
    return known.bits_of(name for name, policy in cpu.features if policy in policies)


def model_of(name: str, known: X86Map) -> int:
    """Give the features of a model; raises `LibvirtError` where it is unknown it."""
    found = known.models.get(name)
    if found is None:
        raise LibvirtError(ErrorNumber.INTERNAL_ERROR, f"no CPU model is called {name!r}")
    return found.features


def _offered(there: HostModel, known: X86Map) -> int:
    offered = model_of(there.model, known)
    for feature in there.features:
        bit = known.bits_of((feature.name,))
        offered = offered | bit if feature.policy == "require" else offered & ~bit
    return offered


def _names(features: int, known: X86Map) -> str:
    return ", ".join(known.names_of(features))
