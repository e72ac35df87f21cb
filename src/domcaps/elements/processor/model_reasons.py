"""Why a CPU model can be used on a host or not, and why the host model has a feature or not.

A model is blocked by features that QEMU can't give a guest here. For each of them this tells where
that comes from: the processor does not have it (CPUID, or the kernel's flags where CPUID was not
read), or the processor has it and the accelerator does not offer it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.compare import of_processor
from domcaps.cpu.data import cpu_data
from domcaps.cpu.hostmodel import host_model
from domcaps.cpu.model_loss import SPARED, Yardstick
from domcaps.cpu.models import custom_models, libvirt_models
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import X86, is_native
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.remedy import Effort, Remedy
from domcaps.language.table import RowReason
from domcaps.language.truth import Reason, Truth
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.cpu.answers import CustomModel
    from domcaps.cpu.processor import ProcessorFeatures
    from domcaps.language.world import World

_MODELS = "query-cpu-definitions"
_OFFERED, _PROCESSOR = "explained CPU models", "features of the processor"
_USABLE = {"yes": Truth.YES, "no": Truth.NO, "unknown": Truth.UNKNOWN}


def explain_model(world: World, name: str) -> RowReason | None:
    """Explain a CPU model by the features that block it; None for a name that no model has."""
    offered = explained_models(world)
    found = offered.get(name)
    if found is None:
        return _not_offered(world, name, offered)
    blocking = tuple(_blocking(world, feature) for feature in found.blockers)
    truth = _USABLE[found.usable]
    reason = Reason(
        truth,
        f"the CPU model {name!r} can be used on this host with all its features",
        _MODELS,
        blocking,
        f"{name}.unavailable-features",
        "" if blocking else found.usable,
    )
    return RowReason(reason, _remedies(world, found, offered) if truth is Truth.NO else ())


def explained_models(world: World) -> dict[str, CustomModel]:
    """Give the models by name; they are remembered, since a comparison explains hundreds."""

    def compute() -> dict[str, CustomModel]:
        target = world.target
        kind = ACCELERATORS[target.virttype]
        found = custom_models(world.emulator, kind, target.arch, target.dialect)
        return {model.name: model for model in found}

    return world.keep(_OFFERED, compute)


def _not_offered(world: World, name: str, offered: dict[str, CustomModel]) -> RowReason | None:
    known = libvirt_models(world.target.arch, world.target.dialect)
    every = cpu_data().x86.models if world.target.arch in X86 else ()
    if (known is None or name not in known) and all(model.name != name for model in every):
        return None
    near = close_matches(name, offered, n=1)
    remedies = [Remedy(Effort.DOMAIN, f"use the model {near[0]!r}")] if near else []
    if known is not None and name not in known:
        statement = f"libvirt {world.target.dialect} knows the CPU model {name!r}"
        return RowReason(Reason(Truth.NO, statement, "libvirt's CPU map"), tuple(remedies))
    statement = f"this QEMU has the CPU model {name!r}"
    remedies.append(Remedy(Effort.QEMU, "use a QEMU that has this model"))
    return RowReason(Reason(Truth.NO, statement, _MODELS), tuple(remedies))


# -- where a missing feature comes from ----------------------------------------------------------


def _blocking(world: World, feature: str) -> Reason:
    statement = f"the CPU feature {feature!r} is available to guests"
    if ACCELERATORS[world.target.virttype] == "tcg":
        return Reason(Truth.NO, statement, value="QEMU does not emulate it (TCG)", source=_MODELS)
    of_processor = _of_processor(world, feature)
    if of_processor is None:
        return Reason(Truth.NO, statement, _MODELS)
    if of_processor.truth is Truth.YES:
        told = "the processor has it, but the host's KVM does not offer it to guests"
    elif of_processor.truth is Truth.NO:
        told = "the processor does not have it, or the firmware or hypervisor hides it"
    else:
        told = "whether the processor has it is unknown"
    return Reason(Truth.NO, statement, _MODELS, (of_processor,), value=told)


def _of_processor(world: World, name: str) -> Reason | None:
    """Tell whether the host's processor has a feature; None for names that libvirt doesn't know."""
    known = x86_map(world.target.dialect)
    bit = known.bits.get(name, 0)
    if not bit or world.target.arch not in X86 or world.host.arch not in X86:
        return None
    if not world.host.cpuid.leaves and not world.host.cpu.flags:
        return None
    found: ProcessorFeatures = world.keep(
        _PROCESSOR, lambda: of_processor(world.host.cpuid, world.host.cpu, known)
    )
    source = _word(name) if world.host.cpuid.leaves else "flags in /proc/cpuinfo"
    truth = Truth.UNKNOWN if bit & found.unread else Truth.of(bool(bit & found.present))
    return Reason(truth, f"the host's processor has {name!r}", source)


def _word(name: str) -> str:
    return next((f"{f.word} bit {f.bit}" for f in cpu_data().x86.features if f.name == name), "")


# -- what to use instead -------------------------------------------------------------------------


def _remedies(
    world: World, blocked: CustomModel, offered: dict[str, CustomModel]
) -> tuple[Remedy, ...]:
    usable = [model for model in offered.values() if model.usable == "yes"]
    found = []
    if world.target.arch in X86 and len(blocked.blockers) <= SPARED:
        off = ", ".join(f"<feature policy='disable' name='{name}'/>" for name in blocked.blockers)
        found.append(Remedy(Effort.DOMAIN, f"keep the model and add {off}"))
    near = nearest_usable(world, blocked, usable)
    if near:
        found.append(Remedy(Effort.DOMAIN, f"use the nearest usable model, {near!r}"))
    native = is_native(world.host.arch, world.emulator.arch)
    if native and ACCELERATORS[world.target.virttype] != "tcg":
        found.append(Remedy(Effort.DOMAIN, "use <cpu mode='host-model'/>"))
    return tuple(found)


def nearest_usable(world: World, wanted: CustomModel, usable: Iterable[CustomModel]) -> str:
    """Name the usable model that loses least, and then adds least; of the same vendor if possible.

    Deprecated models come last. "" where no model is usable.
    """
    if world.target.arch not in X86:
        names = [model.name for model in usable]
        return next(iter(close_matches(wanted.name, names, n=1, cutoff=0)), "")
    known = x86_map(world.target.dialect)
    features, yardstick = known.models[wanted.name].features, Yardstick(known)

    def distance(model: CustomModel) -> tuple[bool, bool, int, int, str]:
        foreign = model.vendor not in {wanted.vendor, "unknown"}
        has = known.models[model.name].features
        lost, added = yardstick.lost(features, has), yardstick.added(features, has)
        return model.deprecated, foreign, lost, added, model.name

    return min(usable, key=distance).name if any(usable) else ""


# -- the host model ------------------------------------------------------------------------------


def explain_host_feature(world: World, name: str) -> RowReason | None:
    """Explain why the host model has a feature, disables it, or does not mention it."""
    target = world.target
    kind = ACCELERATORS[target.virttype]
    record = world.host.record
    full = host_model(world.emulator, kind, record, target.dialect, expand=True)
    if full is None or (target.arch in X86 and name not in x86_map(target.dialect).bits):
        return None
    policies = {feature.name: feature.policy for feature in full.features}
    has = policies.get(name) == "require"
    reason = _of_processor(world, name) if kind != "tcg" else None
    statement = f"QEMU can provide the CPU feature {name!r} on this host"
    offered = Reason(Truth.of(has), statement, "query-cpu-model-expansion")
    return RowReason(
        Reason(
            Truth.of(has),
            f"the host model has the feature {name!r}",
            because=(offered, *((reason,) if reason else ()), *_of_model(world, full.model, name)),
        )
    )


def _of_model(world: World, model: str, name: str) -> tuple[Reason, ...]:
    """Tell whether a feature is part of the host model's named model, so that it is not listed."""
    if world.target.arch not in X86:
        return ()
    known = x86_map(world.target.dialect)
    has = bool(known.models[model].features & known.bits_of((name,)))
    statement = f"the base model of host-model includes {name!r}"
    return (Reason(Truth.of(has), statement, "libvirt's CPU map", value=model),)
