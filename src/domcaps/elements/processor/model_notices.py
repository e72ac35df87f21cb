"""CPU models that work, but are deprecated, and guests for which no model is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import X86
from domcaps.elements.processor.definition import Cpu
from domcaps.elements.processor.features import policies
from domcaps.elements.processor.model_reasons import explained_models, nearest_usable
from domcaps.elements.processor.nearest_model import left_out, usable_model
from domcaps.language.finding import Severity
from domcaps.language.part import Part
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODEL = "<cpu check='none'><model>{}</model></cpu>"


class ModelOfDomain(Part):
    """The domain as a whole."""

    path = ""


@rule(
    "cpu-model-deprecated",
    Cpu,
    bad=Sample(_MODEL.format("phenom-v1"), virttype="kvm"),
    good=Sample(_MODEL.format("qemu64"), virttype="kvm"),
    severity=Severity.WARNING,
)
def model_is_not_deprecated(cpu: Cpu) -> Problems:
    """The CPU model should not be deprecated: a later QEMU release removes it."""
    if not cpu.model or cpu.mode != "custom":
        return
    world = cpu.domain.world
    models = explained_models(world)
    found = models.get(cpu.model)
    if found is None or not found.deprecated:
        return
    current = [m for m in models.values() if m.usable == "yes" and not m.deprecated]
    newer = nearest_usable(world, found, current)
    advice = f". Use {newer!r}" if newer else ""
    message = f"the CPU model {cpu.model!r} is deprecated; a later QEMU release removes it{advice}"
    yield problem(message, cpu, "model", accepted=(newer,) if newer else ())


@rule(
    "cpu-model-feature-unsupported",
    Cpu,
    bad=_MODEL.format("Skylake-Server"),
    good=_MODEL.format("qemu64"),
    severity=Severity.NOTICE,
)
def model_has_all_its_features(cpu: Cpu) -> Problems:
    """QEMU should be able to give the guest every feature of its CPU model.

    QEMU starts the guest without the features that it cannot give. Libvirt refuses that only where
    it compares the CPU with that of the host. 'domcaps explain cpu.custom=MODEL' explains each.
    """
    world = cpu.domain.world
    found = explained_models(world).get(cpu.model) if cpu.model and cpu.mode == "custom" else None
    if found is None or found.usable != "no" or cpu.check == "full":
        return
    off = {name for name, policy in policies(cpu.domain).items() if policy in _LEFT_OUT}
    missing = [name for name in found.blockers if name not in off]
    if missing:
        message = (
            f"QEMU starts a guest with the CPU model {cpu.model!r} here without "
            f"{listed(missing)}{_advice(cpu, missing)}"
        )
        yield problem(message, cpu, "model")


_LEFT_OUT = frozenset({"disable", "forbid", "optional"})
"""Policies of features that a domain does not count on."""


def _advice(cpu: Cpu, missing: Sequence[str]) -> str:
    """Say what to write so that the domain asks for what its guest gets."""
    spared = left_out(missing)
    if spared:
        return f". Add {spared} to <cpu>"
    near = usable_model(cpu)
    return f". Use {near.says()}" if near is not None else ""


@rule(
    "cpu-not-chosen",
    ModelOfDomain,
    bad=Sample("<memory>1048576</memory>", virttype="kvm"),
    good=Sample("<cpu mode='host-passthrough'/>", virttype="kvm"),
    severity=Severity.NOTICE,
)
def a_model_is_chosen(guest: ModelOfDomain) -> Problems:
    """An x86 guest with KVM should have a ``<cpu>``: the default model has few features."""
    if guest.domain.virttype != "kvm" or not guest.holds(X86) or guest.find("cpu") is not None:
        return
    yield problem(
        "without <cpu> the guest gets QEMU's default model, which lacks host "
        "features such as AES and AVX. Use <cpu mode='host-passthrough'/> or "
        "<cpu mode='host-model'/>",
        guest,
    )
