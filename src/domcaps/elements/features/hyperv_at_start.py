"""Enlightenments that QEMU refuses to start with, where the host's KVM does not offer them.

With others it starts all the same, and the guest does not find them. Seen with QEMU 11.1 on a KVM
that offers none: ``vpindex`` and ``synic`` ("kernel doesn't allow setting HyperV VP_INDEX"),
``vapic``, ``reenlightenment`` and the clock ("failed to set MSR"). ``tlbflush``, ``ipi`` and
``evmcs`` are no failures of their own: they start on such a KVM, where libvirt does not require
``vpindex`` or ``vapic`` with them (seen with 11.3 and QEMU 10.0).
"""

from __future__ import annotations

from domcaps.elements.boards.families import ARM, KVM, X86
from domcaps.elements.features.hyperv import CLOCK, FEATURES
from domcaps.elements.features.hyperv_rules import Hyperv
from domcaps.facts.kvm import KVM_UNSEEN
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.part import Part
from domcaps.language.rule import Problem, Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.wording import alternatives

_REFUSED = ("vpindex", "synic", "stimer", "vapic", "reenlightenment")
_HERE = X86 & KVM
_CHOICES = {choice.name: choice for choice in FEATURES.choices}
_RELAXED = "<relaxed state='on'/>"
_HV = "<features><hyperv>{}</hyperv></features>"


@rule(
    "features-hyperv-unavailable",
    Hyperv,
    bad=Sample(_HV.format("<vpindex state='on'/>"), virttype="kvm"),
    good=Sample(_HV.format("<relaxed state='on'/>"), virttype="kvm"),
    stage=Stage.START,
)
def kvm_offers_what_is_on(hyperv: Hyperv) -> Problems:
    """The KVM of the host must support the Hyper-V enlightenments; otherwise QEMU fails at
    start.
    """
    world = hyperv.domain.world
    if world.truth(_HERE) is not Truth.YES:
        return
    refused = []
    for name in _REFUSED:
        if hyperv.is_on(name) and world.emulator.kvm_unseen:
            world.unknown.add(f"KVM supports <{name}> ({KVM_UNSEEN})")
        elif hyperv.is_on(name) and world.truth(_CHOICES[name].when) is Truth.NO:
            refused.append(name)
    if refused:
        yield _not_offered(hyperv, refused)


def _not_offered(hyperv: Hyperv, refused: list[str]) -> Problem:
    """One KVM is one cause: all that it lacks is one finding, at the first."""
    nodes = [node for name in refused if (node := hyperv.find(name)) is not None]
    first = nodes[0] if nodes else hyperv
    others = tuple((f"{path_of(node)}/@state", "off") for node in nodes)
    listed = alternatives([f"<{name}> ({_spelled(name)})" for name in refused])
    return problem(
        f"the host's KVM does not support {listed}",
        first,
        "@state",
        accepted=["off"],
        reason=_CHOICES[refused[0]].when.explain(hyperv.domain.world),
        fix=Fix(values=others) if len(others) > 1 else (),
    )


def _spelled(name: str) -> str:
    return f"Hyper-V's {'VP_INDEX' if name == 'vpindex' else name}"


@rule(
    "features-hyperv-arch-unsupported",
    Hyperv,
    bad=Sample(
        f"<cpu mode='maximum'/>{_HV.format(_RELAXED)}",
        arch="aarch64",
        machine="virt",
    ),
    good=_HV.format(_RELAXED),
    stage=Stage.START,
    fix=Fix(without=("",)),
)
def arm_has_no_enlightenments(hyperv: Hyperv) -> Problems:
    """Hyper-V enlightenments in ``<hyperv>`` require an x86 guest.

    Libvirt defines them for Arm as well, but QEMU 11.1 refuses to start: "Property
    'max-arm-cpu.hv-relaxed' not found".
    """
    is_on = any(child.get("state") == "on" for child in hyperv.node.iterchildren("*"))
    if hyperv.holds(ARM) and (is_on or hyperv.node.get("mode") == "passthrough"):
        yield problem("QEMU has no <hyperv> for Arm guests; remove it", hyperv)


class HypervClock(Part):
    """The clock that guests of Hyper-V have."""

    path = "clock/timer[@name='hypervclock']"


_CLOCK = "<clock offset='utc'><timer name='hypervclock' present='{}'/></clock>"


@rule(
    "clock-timer-hypervclock-unavailable",
    HypervClock,
    bad=Sample(_CLOCK.format("yes"), virttype="kvm"),
    good=Sample(_CLOCK.format("no"), virttype="kvm"),
    stage=Stage.START,
)
def kvm_offers_the_clock(clock: HypervClock) -> Problems:
    """``<timer name='hypervclock'>`` requires a KVM that supports it; otherwise QEMU fails at
    start.
    """
    world = clock.domain.world
    if clock.node.get("present") != "yes" or world.truth(_HERE) is not Truth.YES:
        return
    if world.emulator.kvm_unseen:
        world.unknown.add(f"KVM supports the timer 'hypervclock' ({KVM_UNSEEN})")
    elif world.truth(CLOCK) is Truth.NO:
        yield problem(
            "the host's KVM does not support the timer 'hypervclock'; remove it", clock, "@present",
            accepted=["no"], requires=CLOCK, fix=set_value("no", "@present"),
        )  # fmt: skip
