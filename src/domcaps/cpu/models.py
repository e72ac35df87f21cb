"""The CPU models that a domain may name (``<cpu mode='custom'>``)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.cpu.answers import CustomModel
from domcaps.cpu.data import cpu_data, known_in
from domcaps.cpu.names import libvirt_names
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import ARM, PPC64, S390, X86
from domcaps.language.changes.processor import CPU_MODELS_SORTED, CPU_VENDOR_IBM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.facts.emulator import CpuDefinition, EmulatorFacts
    from domcaps.language.dialect import Dialect

_WITH_CPUS = X86 | PPC64 | S390 | ARM | {"riscv64", "loongarch64"}
"""Architectures for which libvirt can name a CPU model at all."""
_FORBIDDEN = "host"
"""A mode of its own in libvirt."""


@functools.cache
def libvirt_models(arch: str, dialect: Dialect) -> Mapping[str, str] | None:
    """Give the models that libvirt knows, with their vendors ("" for none).

    None where libvirt takes whatever QEMU names.
    """
    if arch in X86:
        return {model.name: model.vendor for model in x86_map(dialect).models.values()}
    if arch in PPC64:
        models = cpu_data().ppc64.models
        return {model.name: model.vendor for model in models if known_in(model, dialect)}
    return None


def custom_models(
    emulator: EmulatorFacts, accelerator: str, arch: str, dialect: Dialect
) -> tuple[CustomModel, ...]:
    """List the models that a domain may name, in the order of the report.

    `arch` is that of the domain. An empty list means that this mode is not supported. Raises
    `Unanswered` where the emulator was not asked for its models.
    """
    if arch not in _WITH_CPUS:
        return ()
    known = libvirt_models(arch, dialect)
    canonical = x86_map(dialect).canonical if arch in X86 else {}
    found, of_qemu = [], emulator.arch
    for name, definition in _definitions(emulator, accelerator):
        if name == _FORBIDDEN or (known is not None and name not in known):
            continue
        vendor = known[name] if known else _vendor(of_qemu, name, dialect)
        numbered = canonical.get(name, "")
        found.append(_custom_model(of_qemu, name, definition, vendor, numbered))
    if not dialect.has(CPU_MODELS_SORTED):
        return tuple(found)
    return tuple(sorted(found, key=lambda model: model.name))


def blockers_by_model(emulator: EmulatorFacts, accelerator: str) -> dict[str, tuple[str, ...]]:
    """Give the models that QEMU offers, each with the features it lacks here."""
    found: dict[str, tuple[str, ...]] = {}
    arch = emulator.arch
    for name, definition in _definitions(emulator, accelerator):
        if name not in found:
            found[name] = libvirt_names(arch, definition.unavailable_features or ())
    return found


def has_maximum(emulator: EmulatorFacts) -> bool:
    """Tell whether QEMU has the model ``max`` with any of its accelerators."""
    return any(
        definition.name == "max"
        for session in emulator.record.sessions
        if session.failure is None
        for definition in emulator.cpu_definitions(session.accelerator)
    )


def _definitions(emulator: EmulatorFacts, accelerator: str) -> list[tuple[str, CpuDefinition]]:
    """Pair QEMU's models with libvirt's names for them: POWER's are in upper case there."""
    definitions = emulator.cpu_definitions(accelerator)
    if emulator.arch not in PPC64:
        return [(definition.name, definition) for definition in definitions]
    upper = {model.name.lower(): model.name for model in cpu_data().ppc64.models}
    return [(upper.get(d.name.lower(), d.name), d) for d in definitions]


def _vendor(arch: str, name: str, dialect: Dialect) -> str:
    known = arch in S390 and name.startswith(("z", "gen")) and dialect.has(CPU_VENDOR_IBM)
    return "IBM" if known else ""


def _custom_model(
    arch: str, name: str, definition: CpuDefinition, vendor: str, canonical: str
) -> CustomModel:
    unavailable = definition.unavailable_features
    usable = "unknown" if unavailable is None else "no" if unavailable else "yes"
    # QEMU names a feature once for each other one that it drags along
    blockers = tuple(sorted(set(libvirt_names(arch, set(unavailable or ())))))
    return CustomModel(
        name, usable, definition.deprecated, vendor or "unknown", canonical, blockers
    )
