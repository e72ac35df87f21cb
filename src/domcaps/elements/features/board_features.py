"""Features of certain boards: PCs, ARM's and RISC-V's ``virt``.

::

    <features>
      <vmport state='off'/>
      <ps2 state='off'/>
      <vmcoreinfo state='on'/>
    </features>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import NO_DMA
from domcaps.elements.boards.defaults import FEATURE_STATE, input_bus
from domcaps.elements.boards.families import ARM_VIRT, I440FX, ISAPC, Q35, RISCV_VIRT
from domcaps.elements.features.domain_features import Features, lacking
from domcaps.elements.features.features import PS2, VMCOREINFO
from domcaps.language.at_start import start_failure
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.observed import EmulatorFact, WorldFact, device
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF, OneOf

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate
    from domcaps.language.world import World

VMPORT = (I440FX | Q35 | ISAPC) & device("vmport")
"""VMware's port for absolute pointers can be switched."""


def _board_has(name: str) -> Predicate:
    """Say that the board ``virt`` has that property, whatever version of it is the newest."""

    def look(world: World) -> bool:
        for known in world.emulator.machines(world.target.virttype):
            if "virt" in {known.name, known.alias}:
                return name in world.emulator.object_properties(f"{known.name}-machine")
        return False

    text = f"QEMU's board 'virt' has the property {name!r}"
    return WorldFact(text, "qom-list-properties", look, key="[].name")


RAS = _board_has("ras")
AIA = _board_has("aia")
VIRTUALIZATION = EmulatorFact(
    "the emulator is one of 64-bit ARM",
    "query-target",
    lambda e: e.arch == "aarch64",
    lambda e: e.arch,
    "arch",
)


class Vmport(Part):
    """VMware's port."""

    path = "features/vmport"
    state = field("@state", ON_OFF)


class Vmcoreinfo(Part):
    """The guest tells where its kernel's crash information is."""

    path = "features/vmcoreinfo"
    state = field("@state", ON_OFF, default=FEATURE_STATE)


class Ras(Part):
    """ARM's reports of memory errors to the guest."""

    path = "features/ras"
    state = field("@state", ON_OFF, required=True)


class Ps2(Part):
    """The PS/2 controller."""

    path = "features/ps2"
    state = field("@state", ON_OFF, required=True)


class Aia(Part):
    """RISC-V's newer interrupt controllers."""

    path = "features/aia"
    value = field("@value", OneOf(("none", "aplic", "aplic-imsic")))


_F = "<features>{}</features>"
_USED = "<features><ps2 state='off'/></features><devices><input type='{}' bus='{}'/></devices>"


@rule(
    "features-vmport-unsupported",
    Vmport,
    bad=Sample(_F.format("<vmport/>"), arch="s390x"),
    good=_F.format("<acpi/>"),
)
def vmport_is_pc(vmport: Vmport) -> Problems:
    """``<vmport>`` requires an x86 PC machine type."""
    yield from lacking(vmport, VMPORT)


@rule(
    "features-vmport-without-ps2",
    Vmport,
    bad=_F.format("<vmport state='on'/><ps2 state='off'/>"),
    good=_F.format("<acpi/>"),
)
def vmport_needs_ps2(vmport: Vmport) -> Problems:
    """``<vmport state='on'>`` requires the PS/2 controller."""
    ps2 = vmport.domain.first(Ps2)
    on = vmport.raw("state") in {None, "on"}
    if on and ps2 is not None and ps2.state == "off":
        fix = set_value("off", "@state")
        yield problem(
            "<vmport> requires the PS/2 controller; remove <ps2 state='off'/>", vmport, fix=fix
        )


@rule(
    "features-vmcoreinfo-unsupported",
    Vmcoreinfo,
    bad=Sample(_F.format("<vmcoreinfo/>"), arch="s390x"),
    good=_F.format("<vmcoreinfo state='off'/>"),
)
def vmcoreinfo_is_supported(vmcoreinfo: Vmcoreinfo) -> Problems:
    """``<vmcoreinfo>`` requires a QEMU with the device ``vmcoreinfo``."""
    if vmcoreinfo.state == "on" and VMCOREINFO.supported is not None:
        yield from lacking(vmcoreinfo, VMCOREINFO.supported)


@rule(
    "features-vmcoreinfo-fails-at-start",
    Vmcoreinfo,
    bad=Sample(_F.format("<vmcoreinfo/>"), arch="riscv64", machine="virt"),
    good=_F.format("<vmcoreinfo/>"),
    stage=Stage.START,
)
def vmcoreinfo_has_its_channel(vmcoreinfo: Vmcoreinfo) -> Problems:
    """``<vmcoreinfo>`` requires fw_cfg with DMA; RISC-V guests have it from QEMU 8.0 on."""
    world = vmcoreinfo.domain.world
    if vmcoreinfo.state == "on" and start_failure(VMCOREINFO, world) is not None:
        reason = NO_DMA.where.explain(world)
        yield problem(
            "this machine type has no fw_cfg with DMA, which <vmcoreinfo> requires; remove it",
            vmcoreinfo,
            reason=reason,
            fix=set_value("off", "@state"),
        )


@rule(
    "features-ras-unsupported",
    Ras,
    bad=_F.format("<ras state='on'/>"),
    good=Sample(_F.format("<ras state='on'/>"), arch="aarch64"),
)
def ras_is_arm(ras: Ras) -> Problems:
    """``<ras>`` requires the Arm machine type ``virt``."""
    if ras.state is not None:
        yield from lacking(ras, ARM_VIRT & RAS)


@rule(
    "features-ps2-unsupported",
    Ps2,
    bad=Sample(_F.format("<ps2 state='off'/>"), arch="s390x"),
    good=_F.format("<acpi/>"),
)
def ps2_is_optional(ps2: Ps2) -> Problems:
    """``<ps2>`` requires an x86 PC machine type, and QEMU 7.0 or later."""
    if PS2.supported is not None:
        yield from lacking(ps2, PS2.supported)


@rule(
    "features-ps2-in-use",
    Ps2,
    bad=_USED.format("mouse", "ps2"),
    good=_USED.format("tablet", "usb"),
)
def ps2_devices_need_it(ps2: Ps2) -> Problems:
    """``<ps2 state='off'>`` cannot be combined with ``<input bus='ps2'>``."""
    if ps2.state != "off":
        return
    for node in ps2.domain.root.iterfind("devices/input"):
        if input_bus(node, ps2.domain) == "ps2":
            yield problem(
                "<ps2 state='off'> cannot be combined with <input bus='ps2'>; use "
                "bus='usb' or 'virtio'",
                node,
                "@bus",
                accepted=["usb", "virtio"],
            )


@rule(
    "features-aia-unsupported",
    Aia,
    bad=_F.format("<aia value='aplic'/>"),
    good=Sample(_F.format("<aia value='aplic'/>"), arch="riscv64"),
)
def aia_is_riscv(aia: Aia) -> Problems:
    """``<aia>`` requires the RISC-V machine type ``virt``."""
    if aia.value is not None:
        yield from lacking(aia, RISCV_VIRT & AIA)


@rule(
    "features-virtualization-unsupported",
    Features,
    bad=_F.format("<virtualization/>"),
    good=Sample(_F.format("<virtualization/>"), arch="aarch64"),
)
def nesting_is_arm(features: Features) -> Problems:
    """``<virtualization>`` requires the Arm machine type ``virt``."""
    node = features.find("virtualization")
    if node is not None and not features.holds(ARM_VIRT):
        why = ARM_VIRT.explain(features.domain.world)
        yield problem(
            "<virtualization> requires the Arm machine type 'virt'; remove it", node, reason=why
        )


@rule(
    "features-virtualization-lacking",
    Features,
    bad=Sample(_F.format("<virtualization/>"), arch="armv7l"),
    good=Sample(_F.format("<virtualization/>"), arch="aarch64"),
    stage=Stage.START,
)
def nesting_is_supported(features: Features) -> Problems:
    """``<virtualization>`` requires a 64-bit Arm emulator."""
    node = features.find("virtualization")
    world = features.domain.world
    if node is None or not features.holds(ARM_VIRT):
        return
    if world.truth(VIRTUALIZATION) is Truth.NO:
        why = VIRTUALIZATION.explain(world)
        yield problem(
            "this emulator does not support <virtualization>; remove it", node, reason=why
        )
