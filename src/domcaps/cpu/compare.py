"""Whether a host can give a guest the x86 CPU that its definition asks for.

libvirt compares before a guest starts, unless its definition says ``check='none'``. For its older
models it looks at what they consist of, for the others at what QEMU says that they lack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from domcaps.cpu.data import cpu_data
from domcaps.cpu.hostmodel import host_model
from domcaps.cpu.models import blockers_by_model
from domcaps.cpu.x86map import x86_map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.cpu.data import X86Feature
    from domcaps.cpu.x86map import X86Map
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.host import HostFacts
    from domcaps.facts.node import Cpuid
    from domcaps.facts.record import HostCpu
    from domcaps.language.dialect import Dialect

_SHOWN = ("cpuid 0x1 ", "cpuid 0x7 0x0 ", "cpuid 0x80000001 ")
"""Where those features are of which the kernel tells that the processor has them."""
_HIDDEN = frozenset(
    {"osxsave", "ospke", "mpx", "hypervisor", "x2apic", "sgx", "sgxlc", "fdp-excptn-only",
     "zero-fcs-fds", "pcommit", "cet-ss", "pks", "la57", "core-capability", "cvt16"}
)  # fmt: skip
"""Features there that it tells nothing of, or only where it uses them itself."""
_KERNEL_NAMES = {
    "pclmuldq": "pclmulqdq",
    "tsc-deadline": "tsc_deadline_timer",
    "cr8legacy": "cr8_legacy",
    "avx512vnni": "avx512_vnni",
    "avx512vbmi2": "avx512_vbmi2",
    "avx512bitalg": "avx512_bitalg",
    "tsx-ldtrk": "tsxldtrk",
    "cet-ibt": "ibt",
    "spec-ctrl": "ibrs",
}
"""What the kernel calls features in ``/proc/cpuinfo``, where that is more than - and . for _.

Of SPEC_CTRL it tells by the features that the processor has by it.
"""


@dataclass(frozen=True)
class Wanted:
    """What a definition asks for: `policies` of features by name, "" for what it leaves open."""

    model: str = ""
    vendor: str = ""
    strict: bool = False
    policies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Mismatch(NamedTuple):
    """Why a host can't give it: ``vendor``, ``forbidden``, ``missing`` or ``extra``; features."""

    kind: str
    features: tuple[str, ...] = ()


class _HostFeatures(NamedTuple):
    """What a host has: features that are sure, those that may be there too, those that it names."""

    vendor: str
    sure: int
    possible: int
    named: frozenset[str]


def mismatch(
    emulator: EmulatorFacts, accelerator: str, host: HostFacts, dialect: Dialect, wanted: Wanted
) -> Mismatch | None:
    """Tell what keeps a guest from having a CPU; None where nothing does, or where it's unknown.

    The model, where there is one, is one that libvirt knows. Raises `Unanswered` where the
    emulator was not asked.
    """
    has = _features(emulator, accelerator, host.arch, host.cpu, host.cpuid, dialect)
    if has is None:
        return None
    known = x86_map(dialect)
    if wanted.model and not judged_by_features(wanted.model):
        return _by_blockers(has, emulator, accelerator, known, wanted)
    return _by_features(has, known, wanted)


def forbidden(
    emulator: EmulatorFacts, accelerator: str, host: HostFacts, dialect: Dialect, wanted: Wanted
) -> tuple[str, ...]:
    """List the features that a definition forbids though the definition of the host names them."""
    has = _features(emulator, accelerator, host.arch, host.cpu, host.cpuid, dialect)
    names = [name for name, policy in wanted.policies.items() if policy == "forbid"]
    return tuple(name for name in names if has is not None and name in has.named)


@lru_cache(maxsize=64)
def _features(
    emulator: EmulatorFacts,
    accelerator: str,
    arch: str,
    cpu: HostCpu,
    cpuid: Cpuid,
    dialect: Dialect,
) -> _HostFeatures | None:
    if accelerator != "tcg" and not cpu.flags and not cpuid.leaves:
        # KVM does not offer guests all that the processor has, and libvirt looks at the processor
        return None
    host = _Host(arch, cpu)
    model = host_model(emulator, accelerator, host, dialect)
    full = host_model(emulator, accelerator, host, dialect, expand=True)
    if model is None or full is None:
        return None
    known = x86_map(dialect)
    sure = known.bits_of(feature.name for feature in full.features if feature.policy == "require")
    named = full if accelerator != "tcg" else model
    required = {feature.name for feature in named.features if feature.policy == "require"}
    if accelerator == "tcg":
        return _HostFeatures(full.vendor, sure, sure, frozenset(required))
    if cpuid.leaves:
        sure |= known.bits_of(_owned(cpuid))
        return _HostFeatures(full.vendor, sure, sure | _unread(known), frozenset(required))
    return _HostFeatures(full.vendor, sure, sure | _possible(cpu, known), frozenset(required))


@dataclass(frozen=True)
class _Host:
    arch: str
    cpu: HostCpu


def _owned(cpuid: Cpuid) -> frozenset[str]:
    """Name the features that the processor says it has."""
    words = cpuid.words()
    return frozenset(
        feature.name
        for feature in cpu_data().x86.features
        if words.get(feature.word, 0) >> feature.bit & 1
    )


def _unread(known: X86Map) -> int:
    """Give the features of model-specific registers that only the kernel can read."""
    return known.msr_features & ~known.arch_capabilities


def _possible(cpu: HostCpu, known: X86Map) -> int:
    """Give what the processor may have, by the kernel's names, where CPUID was not asked."""
    flags = set(cpu.flags)
    found = 0
    for feature in cpu_data().x86.features:
        told = feature.word.startswith(_SHOWN) and feature.name not in _HIDDEN
        if not told or not flags.isdisjoint(_spellings(feature)):
            found |= known.bits.get(feature.name, 0)
    return found


def _spellings(feature: X86Feature) -> tuple[str, ...]:
    plain = feature.name.replace("-", "_").replace(".", "_")
    return feature.name, plain, _KERNEL_NAMES.get(feature.name, plain), *feature.linux


def judged_by_features(model: str) -> bool:
    """Tell whether libvirt looks at what a model consists of rather than at what QEMU says."""
    return any(m.name == model and m.partial == "compat" for m in cpu_data().x86.models)


def _chosen(wanted: Wanted, known: X86Map, *policies: str) -> int:
    return known.bits_of(name for name, policy in wanted.policies.items() if policy in policies)


def _by_blockers(
    has: _HostFeatures, emulator: EmulatorFacts, accelerator: str, known: X86Map, wanted: Wanted
) -> Mismatch | None:
    blockers = blockers_by_model(emulator, accelerator).get(wanted.model, ())
    off = {name for name, policy in wanted.policies.items() if policy in {"disable", "forbid"}}
    missing = [name for name in blockers if name not in off]
    added = _chosen(wanted, known, "require") & ~has.possible
    missing += [name for name in known.names_of(added) if name not in missing]
    return Mismatch("missing", tuple(missing)) if missing else None


def _by_features(has: _HostFeatures, known: X86Map, wanted: Wanted) -> Mismatch | None:
    if wanted.vendor and wanted.vendor != has.vendor:
        return Mismatch("vendor")
    unwanted = _chosen(wanted, known, "forbid") & has.sure
    if unwanted:
        return Mismatch("forbidden", tuple(known.names_of(unwanted)))
    model = known.models.get(wanted.model)
    needed = (model.features if model else 0) | _chosen(wanted, known, "require")
    free = _chosen(wanted, known, "force", "optional", "disable")
    missing = needed & ~free & ~has.possible
    if missing:
        return Mismatch("missing", tuple(known.names_of(missing)))
    extra = has.sure & ~free & ~needed if wanted.strict else 0
    return Mismatch("extra", tuple(known.names_of(extra))) if extra else None
