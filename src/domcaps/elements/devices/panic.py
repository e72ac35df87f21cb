"""``<panic>``: a device through which the guest says that it has crashed.

::

    <panic model='isa'/>

Mainframes and IBM's POWER servers report crashes by themselves: there one is added.
"""

from __future__ import annotations

from domcaps.elements.advice.drifts import NO_PCI
from domcaps.elements.base.device import Device
from domcaps.elements.boards.defaults import panic_model
from domcaps.elements.boards.families import PSERIES, S390_CCW, X86
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language import AnyChoice, Choice, Element, Enum
from domcaps.language.changes.devices import PANIC_PVPANIC, PANIC_REPORTED
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.qemu_args import LIBVIRTS_OWN, QemuArgs
from domcaps.language.rule import Problems, Sample, problem, rule

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("isa", device("pvpanic"), qemu_args=QemuArgs("-device pvpanic", alone=True)),
        # firmware of the board: no device has to be added
        Choice("pseries", PSERIES, qemu_args=QemuArgs(when=PSERIES)),
        # a crash register of Hyper-V, part of the CPU
        Choice("hyperv", X86, qemu_args=QemuArgs(cpu="qemu64,hv-crash", when=X86)),
        Choice("s390", S390_CCW, qemu_args=QemuArgs(when=S390_CCW)),
        Choice(
            "pvpanic",
            device("pvpanic-pci"),
            since=PANIC_PVPANIC,
            at_start=(NO_PCI,),
            qemu_args=QemuArgs("-device pvpanic-pci"),
        ),
        # another way to say nothing
        Choice("default", listed=False, qemu_args=LIBVIRTS_OWN),
    ),
)

ELEMENT = Element(
    "panic",
    order=120,
    since=PANIC_REPORTED,
    supported=AnyChoice(MODEL),
    content=(MODEL,),
)

_ADDRESSES = {"isa": "isa", "pvpanic": "pci"}


class Panic(Device):
    """A device for reports of crashes."""

    path = "devices/panic"

    named = field("@model", choice=MODEL)

    @cached_property
    def model(self) -> str:
        """The model, libvirt's default where none is named, "" where there is no default."""
        return panic_model(self.node, self.domain)


@rule(
    "panic-model-undetermined",
    Panic,
    bad=Sample("<panic/>", arch="riscv64"),
    good="<panic/>",
)
def model_has_a_default(panic: Panic) -> Problems:
    """``<panic>`` needs the attribute ``model``, except for x86, Arm ``virt``, s390x and pseries
    machine types.
    """
    if not panic.model:
        choices = MODEL.spoken(panic.domain.world.target.dialect)
        yield problem(
            "<panic> has no default model for this machine type; set the attribute 'model'",
            panic,
            "@model",
            accepted=[choice.name for choice in choices if panic.holds(choice.when)],
        )


@rule(
    "panic-default-unsupported",
    Panic,
    bad="<panic/>",
    good="<panic/>",
)
def default_is_there(panic: Panic) -> Problems:
    """QEMU must support the default model of ``<panic>``."""
    if panic.named in {None, "default"} and panic.model:
        choice = MODEL.find(panic.model, panic.domain.world.target.dialect)
        if choice is not None and panic.domain.world.truth(choice.when).value == "no":
            yield problem(
                f"<panic> defaults to model {panic.model!r}, which this QEMU does not have", panic,
                reason=choice.when.explain(panic.domain.world),
            )  # fmt: skip


@rule(
    "panic-model-duplicate",
    Panic,
    bad="<panic model='isa'/><panic/>",
    good="<panic model='isa'/><panic model='hyperv'/>",
)
def models_are_single(panic: Panic) -> Problems:
    """A domain may have at most one ``<panic>`` device of each model."""
    same = [p for p in panic.domain.all(Panic) if p.model == panic.model]
    if panic.model and same[0].node is not panic.node:
        yield problem(
            f"the domain has two <panic> devices of model {panic.model!r}; remove one",
            panic,
            "@model",
        )


@rule(
    "panic-address-unsupported",
    Panic,
    bad="<panic model='pvpanic'><address type='isa' iobase='0x505'/></panic>",
    good="<panic model='isa'><address type='isa' iobase='0x505'/></panic>",
)
def address_fits_the_model(panic: Panic) -> Problems:
    """The ``<address>`` of ``<panic>`` must be of type ``isa`` for model ``isa``, and ``pci`` for
    ``pvpanic``; other models have none.
    """
    if panic.address_type is None or not panic.model:
        return
    wanted = _ADDRESSES.get(panic.model)
    if wanted is None:
        yield problem(
            f"<panic model={panic.model!r}> cannot have an <address>; remove it", panic, "address"
        )
    elif panic.address_type != wanted:
        yield problem(
            f"<panic model={panic.model!r}> needs an <address> of type {wanted!r}",
            panic,
            "address/@type",
            accepted=[wanted],
        )


@rule(
    "panic-pci-missing",
    Panic,
    bad=Sample("<panic model='pvpanic'/>", arch="armv7l", machine="vexpress-a15"),
    good=Sample("<panic model='pvpanic'/>", arch="aarch64", machine="virt"),
)
def pvpanic_finds_pci(panic: Panic) -> Problems:
    """``<panic model='pvpanic'>`` requires a machine type with PCI."""
    hardware = panic.domain.first(InstalledControllers)
    if panic.model == "pvpanic" and hardware is not None and not hardware.supports_pci:
        yield problem(
            "this machine type has no PCI bus for <panic model='pvpanic'>; remove it",
            panic,
            "@model",
        )
