"""QEMU arguments for CPU modes and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu import custom_models, host_model
from domcaps.cpu.names import qemu_name
from domcaps.elements.boards.families import X86
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language.qemu_args import Alternatives, QemuArgs, Trial

if TYPE_CHECKING:
    from domcaps.language import World

_POLICIES = {"require": "on", "disable": "off"}


def host_model_args(world: World) -> Alternatives:
    """Tell of the host's model with all features that make it up."""
    found = host_model(
        world.emulator,
        ACCELERATORS[world.target.virttype],
        world.host.record,
        world.target.dialect,
    )
    if found is None:
        return ()
    features = "".join(
        f",{qemu_name(world.target.arch, feature.name)}={_POLICIES[feature.policy]}"
        for feature in found.features
    )
    return (QemuArgs(cpu=f"{_qemu_name(found.model)}{features}"),)


def model_trials(world: World) -> tuple[Trial, ...]:
    """Try each model; on x86 QEMU is to refuse one of which it can't give every feature."""
    enforce = ",enforce" if world.truth(X86) else ""
    return tuple(
        Trial(
            f"cpu.custom model {model.name}",
            (QemuArgs(cpu=f"{_qemu_name(model.name)}{enforce}"),),
            promised=model.usable == "yes",
        )
        for model in custom_models(
            world.emulator,
            ACCELERATORS[world.target.virttype],
            world.target.arch,
            world.target.dialect,
        )
    )


def _qemu_name(model: str) -> str:
    """Give QEMU's name of a model: POWER's are in upper case with libvirt."""
    return model.lower() if model.startswith("POWER") else model
