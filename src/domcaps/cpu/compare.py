"""Whether a host can give a guest the x86 CPU that its definition asks for.

libvirt compares before a guest starts, unless its definition says ``check='none'``. For its older
models it looks at what they consist of, for the others at what QEMU says that they lack.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from domcaps.cpu.data import cpu_data
from domcaps.cpu.hostmodel import host_model
from domcaps.cpu.kernel import kernel_features
from domcaps.cpu.models import blockers_by_model
from domcaps.cpu.processor import ProcessorFeatures, processor_features
from domcaps.cpu.x86map import x86_map
from domcaps.language.struct import Struct
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.cpu.x86map import X86Map
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.host import HostFacts
    from domcaps.facts.node import Cpuid
    from domcaps.facts.record import HostCpu
    from domcaps.language.dialect import Dialect


class Wanted(Struct, frozen=True):
    """What a definition asks for: `policies` of features by name, "" for what it leaves open."""

    model: str = ""
    vendor: str = ""
    strict: bool = False
    policies: Mapping[str, str] = msgspec.field(default_factory=lambda: MappingProxyType({}))


class Mismatch(NamedTuple):
    """Why a host can't give it: ``vendor``, ``forbidden``, ``missing`` or ``extra``; features."""

    kind: str
    features: tuple[str, ...] = ()


class OfferedFeatures(NamedTuple):
    """What a host has: features that are sure, those that may be there too, those that it names.

    `blockers` are the models that QEMU offers, each with the features that it lacks there.
    """

    vendor: str
    sure: int
    possible: int
    named: frozenset[str]
    blockers: Mapping[str, tuple[str, ...]]


def mismatch(has: OfferedFeatures | None, known: X86Map, wanted: Wanted) -> Mismatch | None:
    """Tell what keeps a guest from having a CPU; None where nothing does, or where it's unknown.

    The model, where there is one, is one that libvirt knows.
    """
    if has is None:
        return None
    if wanted.model and not judged_by_features(wanted.model):
        return _by_blockers(has, known, wanted)
    return _by_features(has, known, wanted)


def forbidden(has: OfferedFeatures | None, wanted: Wanted) -> tuple[str, ...]:
    """List the features that a definition forbids though the definition of the host names them."""
    names = [name for name, policy in wanted.policies.items() if policy == "forbid"]
    return tuple(name for name in names if has is not None and name in has.named)


def not_read(has: OfferedFeatures | None, known: X86Map, wanted: Wanted) -> tuple[str, ...]:
    """List the features that a definition requires and that the host may have or not."""
    if has is None:
        return ()
    return tuple(known.names_of(_chosen(wanted, known, "require") & has.possible & ~has.sure))


def optional_switches(
    has: OfferedFeatures | None, known: X86Map, names: Iterable[str]
) -> dict[str, str]:
    """Tell of features that are optional whether a guest gets them: ``on`` or ``off``.

    Those of which it is not known are left out.
    """
    if has is None:
        return {}
    places = {name: known.bits[name] for name in names if name in known.bits}
    sure = {name: "on" for name, bit in places.items() if bit & has.sure}
    return sure | {name: "off" for name, bit in places.items() if not bit & has.possible}


def host_features(
    emulator: EmulatorFacts, accelerator: str, host: HostFacts, dialect: Dialect
) -> OfferedFeatures | None:
    """Give what a host can give a guest, None where that is not known.

    Raises `Unanswered` where the emulator was not asked.
    """
    cpu = host.cpu
    if accelerator != "tcg" and not cpu.flags and not host.cpuid.leaves:
        # KVM does not offer guests all that the processor has, and libvirt looks at the processor
        return None
    of_host = _Host(host.arch, cpu)
    model = host_model(emulator, accelerator, of_host, dialect)
    full = host_model(emulator, accelerator, of_host, dialect, expand=True)
    if model is None or full is None:
        return None
    known, blockers = x86_map(dialect), blockers_by_model(emulator, accelerator)
    sure = known.bits_of(feature.name for feature in full.features if feature.policy == "require")
    if accelerator == "tcg":
        required = (feature.name for feature in model.features if feature.policy == "require")
        return OfferedFeatures(full.vendor, sure, sure, frozenset(required), blockers)
    processor = of_processor(host.cpuid, cpu, known)
    sure |= processor.present
    possible = sure | processor.unread
    return OfferedFeatures(full.vendor, sure, possible, frozenset(known.names_of(sure)), blockers)


class _Host(Struct, frozen=True):
    arch: str
    cpu: HostCpu


def of_processor(cpuid: Cpuid, cpu: HostCpu, known: X86Map) -> ProcessorFeatures:
    """Give what the processor itself has, though KVM may not offer it to guests."""
    return processor_features(cpuid, cpu, known) if cpuid.leaves else kernel_features(cpu, known)


def judged_by_features(model: str) -> bool:
    """Tell whether libvirt looks at what a model consists of rather than at what QEMU says."""
    return any(m.name == model and m.partial == "compat" for m in cpu_data().x86.models)


def _chosen(wanted: Wanted, known: X86Map, *policies: str) -> int:
    return known.bits_of(name for name, policy in wanted.policies.items() if policy in policies)


def _by_blockers(has: OfferedFeatures, known: X86Map, wanted: Wanted) -> Mismatch | None:
    blockers = has.blockers.get(wanted.model, ())
    off = {name for name, policy in wanted.policies.items() if policy in {"disable", "forbid"}}
    missing = [name for name in blockers if name not in off]
    added = _chosen(wanted, known, "require") & ~has.possible
    missing += [name for name in known.names_of(added) if name not in missing]
    return Mismatch("missing", tuple(missing)) if missing else None


def _by_features(has: OfferedFeatures, known: X86Map, wanted: Wanted) -> Mismatch | None:
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
