"""``<hyperv>``: interfaces of Microsoft's hypervisor, for guests that expect them.

::

    <features>
      <hyperv mode='custom'>
        <relaxed state='on'/>
        <spinlocks state='on' retries='8191'/>
      </hyperv>
    </features>

QEMU tells what it offers when it is asked to expand a CPU model with ``hv-passthrough`` set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.remedies import kvm
from domcaps.elements.boards.families import KVM, X86
from domcaps.language import AnyChoice, Choice, Drift, Element, Enum, Place, Row, Rows, World
from domcaps.language.changes.features import (
    HYPERV_ACCELERATED,
    HYPERV_AVIC,
    HYPERV_BITMAP_AND_XMM,
    HYPERV_DEFAULTS,
    HYPERV_REPORTED,
)
from domcaps.language.observed import EmulatorFact, WorldFact, qapi, virttype
from domcaps.language.preference import Decision, Option, family
from domcaps.language.qemu_args import Alternatives, NotTriable, QemuArgs
from domcaps.language.remedy import Effort, Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.language.change import LibvirtChange
    from domcaps.language.predicate import Predicate

NEVER_NOTIFIES = 2**32 - 1
"""What QEMU calls a spinlock that never asks the hypervisor: as good as no default."""

_PASSTHROUGH = {"migratable": False, "hv-passthrough": True}


def _enlightenments(emulator: EmulatorFacts) -> Mapping[str, bool | int | str]:
    """Give what QEMU says of a processor, of which names with ``hv-`` are of Hyper-V."""
    accelerator = emulator.first_accelerator
    model = "max" if accelerator == "tcg" else "host"
    expansion = emulator.cpu_expansion(model, accelerator, "full", _PASSTHROUGH)
    return {} if expansion is None else expansion.props


def _value(emulator: EmulatorFacts, name: str) -> bool | int | str | None:
    # one of hundreds of properties is looked up, for each enlightenment
    told = _enlightenments(emulator)
    return told.get(f"hv-{name}", told.get(f"hv-{name.replace('_', '-')}"))


def _offers(emulator: EmulatorFacts, name: str) -> bool:
    """Tell whether an enlightenment has a value that means more than off."""
    value = _value(emulator, name)
    return value is not None and (isinstance(value, str) or value > 0)


def _advice(world: World) -> Remedy:
    if world.emulator.arch not in {"i686", "x86_64"}:
        return Remedy(Effort.ARCH, "only guests of x86 have it: --arch x86_64")
    if world.emulator.first_accelerator == "kvm":
        return Remedy(Effort.HARDWARE, "a host whose processor and KVM offer it")
    return kvm(world)


def _said(emulator: EmulatorFacts, name: str) -> str:
    value = _value(emulator, name)
    return "not there" if value is None else repr(value)


_ANY_ENLIGHTENMENT = Drift(
    title="Hyper-V enlightenments that are not listed",
    says="only enlightenments that the accelerator supports are listed",
    but="libvirt defines a domain with any enlightenment, and checks most of them only "
    "after QEMU has started; 'virsh define' does not refuse a missing one",
    evidence="libvirt 11.3 and 12.8 take <vpindex state='on'/> for aarch64's virt and for x86 with "
    "TCG, neither of which lists it",
    listed=False,
    instead="use the listed ones only: an accepted definition does not prove that the guest gets "
    "them",
)


# what stands in a domain beside a switch, as one needs another or more than on and off
_ALONGSIDE = {
    "stimer": "<vpindex state='on'/><synic state='on'/>",
    "tlbflush": "<vpindex state='on'/>",
    "ipi": "<vpindex state='on'/>",
    "evmcs": "<vapic state='on'/>",
}
_MORE = {"spinlocks": " retries='8191'", "vendor_id": " value='KVM Hv'"}
_CLOCK = "<clock offset='utc'><timer name='hypervclock' present='yes'/></clock>"


def _sample(name: str) -> str:
    switch = f"<{name} state='on'{_MORE.get(name, '')}/>"
    features = f"<features><hyperv>{_ALONGSIDE.get(name, '')}{switch}</hyperv></features>"
    return features + _CLOCK if name == "stimer" else features


_NEEDS = {
    "synic": ("vpindex",),
    "stimer": ("vpindex", "synic", "time"),
    "tlbflush": ("vpindex",),
    "ipi": ("vpindex",),
    "evmcs": ("vapic",),
    "reenlightenment": ("vpindex", "synic", "time", "stimer", "frequencies"),
}
_SAID = {"spinlocks": "=0x1fff", "vendor_id": "=sample"}


_TAKEN_ANYWAY = Drift(
    title="Hyper-V enlightenments that QEMU ignores",
    says="enlightenments that KVM supports are listed",
    but="QEMU may ignore an enlightenment that KVM does not support instead of failing",
    evidence="verify on a host whose KVM offers two enlightenments: QEMU 11.1 starts with each of "
    "the others, too",
    where=X86 & KVM,
    listed=False,
    instead="use the listed ones only: a successful start does not prove that the guest gets them",
    targets="x86 guests with KVM",
)
_UNNOTICED = NotTriable("QEMU ignores it without KVM", when=X86 & ~KVM)


def _args(name: str) -> Alternatives:
    """Switch it on, with what it needs, for a CPU that every host has."""
    needs = "".join(f",hv-{needed}=on" for needed in _NEEDS.get(name, ()))
    switch = f"hv-{name.replace('_', '-')}{_SAID.get(name, '=on')}"
    return (QemuArgs(cpu=f"qemu64{needs},{switch}", when=X86 & KVM), _UNNOTICED)


def _choice(name: str, since: LibvirtChange | None = None) -> Choice:
    return Choice(
        name,
        EmulatorFact(
            f"QEMU offers the enlightenment {name!r}",
            "query-cpu-model-expansion, hv-passthrough",
            lambda emulator: _offers(emulator, name),
            lambda emulator: _said(emulator, name),
            f"model.props.hv-{name.replace('_', '-')}",
            _advice,
        ),
        since=since,
        drifts=(_ANY_ENLIGHTENMENT,),
        sample=_sample(name),
        qemu_args=_args(name),
        at_start=(_TAKEN_ANYWAY,),
    )


_LATE = {
    "avic": HYPERV_AVIC,
    "emsr_bitmap": HYPERV_BITMAP_AND_XMM,
    "xmm_input": HYPERV_BITMAP_AND_XMM,
}

FEATURES = Enum(
    "features",
    choices=tuple(
        _choice(name, _LATE.get(name))
        for name in (
            "relaxed",
            "vapic",
            "spinlocks",
            "vpindex",
            "runtime",
            "synic",
            "stimer",
            "reset",
            "vendor_id",
            "frequencies",
            "reenlightenment",
            "tlbflush",
            "ipi",
            "evmcs",
            "avic",
            "emsr_bitmap",
            "xmm_input",
        )
    ),
)


def _defaults(world: World) -> tuple[Row, ...]:
    """Give what the enlightenments that are more than a switch are set to."""
    told = _enlightenments(world.emulator)
    rows = []
    retries = told.get("hv-spinlocks", NEVER_NOTIFIES)
    if retries != NEVER_NOTIFIES:
        rows.append(Row("spinlocks", str(retries)))
    for row, name, part_of in _DIRECT:
        if name in told and _offers(world.emulator, part_of):
            rows.append(Row(row, "on" if told.get(name) is True else "off"))
    if told.get("hv-vendor-id"):
        rows.append(Row("vendor_id", str(told["hv-vendor-id"])))
    return tuple(rows)


# our name, QEMU's name, and the enlightenment that it is a part of
_DIRECT = (
    ("stimer_direct", "hv-stimer-direct", "stimer"),
    ("tlbflush_direct", "hv-tlbflush-direct", "tlbflush"),
    ("tlbflush_extended", "hv-tlbflush-ext", "tlbflush"),
)

DEFAULTS = Element(
    "defaults",
    supported=None,
    since=HYPERV_DEFAULTS,
    shown=WorldFact(
        "some enlightenment has a default that says more than on",
        "query-cpu-model-expansion, hv-passthrough",
        lambda world: bool(_defaults(world)),
        lambda world: ", ".join(f"{r.name}={r.text}" for r in _defaults(world)) or "none",
        "model.props",
        _advice,
    ),
    content=(Rows(_defaults),),
)

# A QEMU that tells which accelerator it uses is not asked about Hyper-V where it uses none; of an
# older one libvirt takes what it fills in for an offer, even without an accelerator.
NOT_EMULATED = ~(
    qapi("query-accelerators")
    & EmulatorFact(
        "QEMU was asked without an accelerator",
        "query-accelerators",
        lambda emulator: emulator.first_accelerator == "tcg",
        lambda emulator: emulator.first_accelerator,
        "enabled",
        advice_against=_advice,
    )
)

UNTIL = Element(
    "hyperv",
    place=Place.FEATURES,
    order=120,
    shown=AnyChoice(FEATURES),
    content=(FEATURES, DEFAULTS),
    since=HYPERV_REPORTED,
    until=HYPERV_ACCELERATED,
)


def _offered(*names: str) -> Predicate:
    """QEMU offers all of these enlightenments."""
    return EmulatorFact(
        f"QEMU offers the enlightenments {', '.join(names)}",
        "query-cpu-model-expansion, hv-passthrough",
        lambda emulator: all(_offers(emulator, name) for name in names),
    )


CLOCK = _offered("time")
"""The hypervisor can tell a Windows guest the time."""

PREFERENCE = Decision(
    "features.hyperv",
    order=135,
    title="Microsoft's interfaces to the hypervisor",
    options=(
        Option(
            "on",
            "Windows runs faster with them",
            guest=family("windows"),
            when=X86 & virttype("kvm") & _offered("relaxed", "vapic", "spinlocks"),
            xml="<features><hyperv mode='custom'><relaxed state='on'/><vapic state='on'/>"
            "<spinlocks state='on' retries='8191'/></hyperv></features>",
        ),
        Option("", "the guest would not use them"),
    ),
)

ELEMENT = Element(
    "hyperv",
    place=Place.FEATURES,
    order=120,
    shown=NOT_EMULATED & AnyChoice(FEATURES),
    content=(FEATURES, DEFAULTS),
    since=HYPERV_ACCELERATED,
)
