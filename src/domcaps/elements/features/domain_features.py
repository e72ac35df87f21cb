"""``<features>``: what the guest's platform has besides its devices.

::

    <features>
      <acpi/>
      <apic eoi='on'/>
      <smm state='on'>
        <tseg unit='MiB'>48</tseg>
      </smm>
    </features>

Those of certain boards stand in `features.board_features` and `features.pseries`,
of hypervisors in `features.hypervisor_features` and `features.hyperv`, ARM's
interrupt controller in `features.gic`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import FEATURE_STATE
from domcaps.elements.boards.families import Q35, X86, machine_type
from domcaps.elements.features.features import ASYNC_TEARDOWN
from domcaps.language.changes.features import (
    AIA_KNOWN,
    ASYNC_TEARDOWN_KNOWN,
    FEATURE_VIRTUALIZATION,
    PS2_KNOWN,
    RAS_KNOWN,
    TCG_FEATURES,
)
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import tag_of
from domcaps.language.observed import arch, device_property
from domcaps.language.part import Part, field
from domcaps.language.preference import Decision, Option
from domcaps.language.quantities import MIB, SIZE, UNIT, OrEmpty, size_of
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.spelling import nearest
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF, YES_NO, OneOf

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate

# fmt: off
NAMES = frozenset((
    "acpi", "apic", "pae", "hap", "viridian", "privnet", "hyperv", "kvm", "pvspinlock",
    "capabilities", "pmu", "vmport", "gic", "smm", "ioapic", "hpt", "vmcoreinfo", "htm",
    "nested-hv", "msrs", "ccf-assist", "xen", "cfpc", "sbbc", "ibs",
))
# fmt: on
"""Features that libvirt has always known by name."""

DATED = {
    "tcg": TCG_FEATURES,
    "async-teardown": ASYNC_TEARDOWN_KNOWN,
    "ras": RAS_KNOWN,
    "ps2": PS2_KNOWN,
    "aia": AIA_KNOWN,
    "virtualization": FEATURE_VIRTUALIZATION,
}
"""Features that came with changes of libvirt."""

TSEG = device_property("mch", "extended-tseg-mbytes")
"""The size of SMM's memory can be chosen."""


PREFERENCE = Decision(
    "features.acpi",
    order=35,
    title="how the guest finds its devices",
    options=(
        Option("on", "PCs are found by it", when=X86, xml="<features><acpi/><apic/></features>"),
        Option(
            "on",
            "UEFI hands it over",
            given=(("os.firmware", ("efi",)),),
            when=arch("armv7l", "aarch64", "loongarch64", "riscv64"),
            xml="<features><acpi/></features>",
        ),
        Option("", "the board has another way"),
    ),
)


class Features(Part):
    """All of them."""

    path = "features"
    knows = ("acpi", "pae", "viridian", "privnet", "virtualization")


class Apic(Part):
    """The interrupt controller of x86 processors."""

    path = "features/apic"
    eoi = field("@eoi", ON_OFF, strict=VALUES_STRICT, before=OrEmpty(ON_OFF))


class Hap(Part):
    """Paging with the processor's help."""

    path = "features/hap"
    state = field("@state", ON_OFF)


class Pmu(Part):
    """The unit that counts events of the processor."""

    path = "features/pmu"
    state = field("@state", ON_OFF)


class Pvspinlock(Part):
    """Spinlocks that tell the hypervisor that they wait."""

    path = "features/pvspinlock"
    state = field("@state", ON_OFF)


class Smm(Part):
    """System management mode."""

    path = "features/smm"
    state = field("@state", ON_OFF, default=FEATURE_STATE)
    tseg = field("tseg")
    tseg_unit = field("tseg/@unit")


class Ioapic(Part):
    """Where the interrupt controller of the board is emulated."""

    path = "features/ioapic"
    driver = field("@driver", OneOf(("qemu", "kvm")))


class Msrs(Part):
    """What happens when the guest touches registers that KVM does not know."""

    path = "features/msrs"
    unknown = field("@unknown", OneOf(("ignore", "fault")), required=True)


class Tcg(Part):
    """The translator of plain emulation."""

    path = "features/tcg"
    tb_cache = field("tb-cache", SIZE)
    tb_cache_unit = field("tb-cache/@unit", UNIT, of="tb-cache")


class AsyncTeardown(Part):
    """A large guest's memory is given back in the background."""

    path = "features/async-teardown"
    enabled = field("@enabled", YES_NO, default="yes")


_F = "<features>{}</features>"


@rule("features-unknown", Features, bad=_F.format("<acpy/>"), good=_F.format("<acpi/>"))
def feature_is_known(features: Features) -> Problems:
    """Each element in ``<features>`` must be a feature that libvirt knows."""
    for node in features.node.iterchildren("*"):
        came = DATED.get(str(node.tag))
        known = libvirt_reads(features, came) if came else node.tag in NAMES
        if not known:
            meant = nearest(str(node.tag), sorted(NAMES), 1, exact=True)
            use = f"did you mean <{meant[0]}>?" if meant else "correct the name, or remove it"
            message = f"<{tag_of(node)}> is not a feature that libvirt knows; {use}"
            yield problem(message, node, accepted=meant)


def only(part: Part, where: Predicate, what: str, at: str = "") -> Problems:
    """Give a problem where the target is none of those that have the feature."""
    if not part.holds(where):
        why = where.explain(part.domain.world)
        yield problem(
            f"<{part.node.tag}> is only supported for {what} guests; remove it",
            part,
            at,
            reason=why,
        )


def lacking(part: Part, predicate: Predicate, at: str = "") -> Problems:
    """Give a problem where it is known that the feature is not available."""
    if part.domain.world.truth(predicate) is Truth.NO:
        why = predicate.explain(part.domain.world)
        yield problem(
            f"this QEMU and machine type do not support <{part.node.tag}>; remove it",
            part,
            at,
            reason=why,
        )


@rule(
    "features-acpi-unsupported",
    Features,
    bad=Sample(_F.format("<acpi/>"), arch="s390x"),
    good=_F.format("<acpi/>"),
)
def acpi_is_supported(features: Features) -> Problems:
    """``<acpi>`` requires a machine type that supports ACPI."""
    acpi = features.find("acpi")
    if acpi is None:
        return
    # in definitions that are there already it is taken out of those of mainframes
    forgiven = not features.domain.new and features.domain.arch in {"s390", "s390x"}
    machine = machine_type(features.domain.world)
    if machine is not None and machine.acpi is False and not forgiven:
        gone = Fix(without=("",))
        yield problem(
            f"the machine type {machine.name!r} does not support ACPI; remove <acpi>",
            acpi,
            fix=gone,
        )


@rule(
    "features-acpi-without-uefi",
    Features,
    bad=Sample(_F.format("<acpi/>"), arch="aarch64"),
    good=_F.format("<acpi/>"),
    fix=Fix(add="<os firmware='efi'/>"),
)
def acpi_needs_uefi(features: Features) -> Problems:
    """``<acpi>`` of a 64-bit Arm guest requires UEFI firmware."""
    acpi = features.find("acpi")
    machine = machine_type(features.domain.world)
    without = machine is not None and machine.acpi is False
    if acpi is None or features.domain.arch != "aarch64" or without:
        return
    root = features.domain.root
    loader = root.find("os/loader")
    flash = loader is not None and loader.get("type") == "pflash"
    if not flash and root.find("os[@firmware='efi']") is None:
        yield problem(
            "<acpi> requires UEFI firmware; set <os firmware='efi'>, or remove <acpi>", acpi
        )


@rule(
    "features-apic-eoi-unsupported",
    Apic,
    bad=Sample(_F.format("<apic eoi='on'/>"), arch="s390x"),
    good=_F.format("<apic eoi='on'/>"),
)
def eoi_is_x86(apic: Apic) -> Problems:
    """``<apic>`` and its attribute ``eoi`` require an x86 guest."""
    if apic.eoi is not None:
        yield from only(apic, X86, "x86", "@eoi")


@rule(
    "features-pvspinlock-unsupported",
    Pvspinlock,
    bad=Sample(_F.format("<pvspinlock/>"), arch="s390x"),
    good=_F.format("<pvspinlock/>"),
)
def pvspinlock_is_x86(pvspinlock: Pvspinlock) -> Problems:
    """``<pvspinlock>`` requires an x86 guest."""
    yield from only(pvspinlock, X86, "x86")


@rule(
    "features-pvspinlock-without-kvm",
    Pvspinlock,
    bad=_F.format("<pvspinlock state='on'/>"),
    good=_F.format("<pvspinlock state='off'/>"),
    stage=Stage.START,
    fix=set_value("off", "@state"),
)
def pvspinlock_needs_kvm(pvspinlock: Pvspinlock) -> Problems:
    """``<pvspinlock state='on'/>`` requires KVM (``<domain type='kvm'>``)."""
    on = pvspinlock.state in {None, "on"}
    if on and pvspinlock.domain.virttype == "qemu" and pvspinlock.holds(X86):
        yield problem(
            "<pvspinlock state='on'/> requires KVM; use <domain type='kvm'>, or remove it",
            pvspinlock,
        )


@rule(
    "features-ioapic-unsupported",
    Ioapic,
    bad=Sample(_F.format("<ioapic driver='qemu'/>"), arch="s390x"),
    good=_F.format("<ioapic driver='qemu'/>"),
)
def ioapic_is_x86(ioapic: Ioapic) -> Problems:
    """``<ioapic>`` requires an x86 guest."""
    if ioapic.driver is not None:
        yield from only(ioapic, X86, "x86")


_WITHOUT_PMU = arch("riscv32", "riscv64", "loongarch64", "s390x")


@rule(
    "features-pmu-fails-at-start",
    Pmu,
    bad=Sample(_F.format("<pmu state='on'/>"), arch="s390x"),
    good=_F.format("<pmu state='on'/>"),
    stage=Stage.START,
)
def cpu_has_the_property(pmu: Pmu) -> Problems:
    """``<pmu>`` is not supported for s390x, LoongArch and RISC-V guests.

    QEMU's CPUs have no such property there, and QEMU does not start.
    """
    if pmu.state and pmu.holds(_WITHOUT_PMU):
        yield problem(
            f"QEMU has no switch for the PMU of {pmu.domain.arch} guests; remove <pmu>", pmu
        )


@rule(
    "features-pmu-always-on",
    Pmu,
    bad=Sample(_F.format("<pmu state='off'/>"), arch="ppc64"),
    good=_F.format("<pmu state='off'/>"),
)
def power_counts(pmu: Pmu) -> Problems:
    """``<pmu state='off'>`` is not supported for 64-bit POWER guests."""
    if pmu.state == "off" and pmu.domain.arch in {"ppc64", "ppc64le"}:
        yield problem(
            "the PMU of POWER guests cannot be disabled; remove <pmu state='off'/>", pmu, "@state"
        )


@rule(
    "features-smm-tseg-unsupported",
    Smm,
    bad=Sample(_F.format("<smm><tseg unit='MiB'>48</tseg></smm>"), machine="pc"),
    good=_F.format("<smm/>"),
)
def tseg_needs_q35(smm: Smm) -> Problems:
    """``<tseg>`` of ``<smm>`` requires a q35 machine type."""
    if smm.state == "on" and smm.raw("tseg"):
        where = Q35 & TSEG
        if smm.domain.world.truth(where) is Truth.NO:
            why = where.explain(smm.domain.world)
            message = "<tseg> requires machine='q35'; use that, or remove <tseg>"
            yield problem(message, smm, "tseg", reason=why)


@rule(
    "features-smm-tseg-invalid",
    Smm,
    bad=Sample(_F.format("<smm><tseg unit='KiB'>48</tseg></smm>"), machine="q35"),
    good=_F.format("<smm/>"),
)
def tseg_is_in_mebibytes(smm: Smm) -> Problems:
    """``<tseg>`` of ``<smm>`` must be a multiple of 1 MiB."""
    if smm.state != "on" or not smm.raw("tseg"):
        return
    size = size_of(smm.node, "tseg", "tseg/@unit", scale=MIB)
    if size is None or size % MIB:
        whole = Fix(values=(("", str(-(-(size or 1) // MIB))), ("@unit", "MiB")))
        yield problem(
            "<tseg> must be a multiple of 1 MiB, such as <tseg unit='MiB'>16</tseg>",
            smm,
            "tseg",
            fix=whole,
        )


@rule(
    "features-tcg-tb-cache-unaligned",
    Tcg,
    bad=_F.format("<tcg><tb-cache>1000</tb-cache></tcg>"),
    good=_F.format("<tcg><tb-cache unit='MiB'>32</tb-cache></tcg>"),
)
def cache_is_in_mebibytes(tcg: Tcg) -> Problems:
    """``<tb-cache>`` must be a multiple of 1 MiB."""
    size = size_of(tcg.node, "tb-cache", "tb-cache/@unit")
    if size and -(-size // 1024) % 1024 and tcg.domain.virttype == "qemu":
        whole = Fix(values=(("", str(-(-size // MIB))), ("@unit", "MiB")))
        yield problem(
            "<tb-cache> must be a multiple of 1 MiB, such as <tb-cache unit='MiB'>128</tb-cache>",
            tcg,
            "tb-cache",
            fix=whole,
        )


@rule(
    "features-tcg-unused",
    Tcg,
    bad=Sample(_F.format("<tcg><tb-cache unit='MiB'>32</tb-cache></tcg>"), virttype="kvm"),
    good=_F.format("<tcg><tb-cache unit='MiB'>32</tb-cache></tcg>"),
)
def translator_is_there(tcg: Tcg) -> Problems:
    """``<tcg>`` requires ``<domain type='qemu'>``."""
    if tcg.domain.virttype != "qemu" and size_of(tcg.node, "tb-cache", "tb-cache/@unit"):
        yield problem("<tcg> requires <domain type='qemu'>; remove it", tcg)


@rule(
    "features-async-teardown-unsupported",
    AsyncTeardown,
    bad=Sample(_F.format("<async-teardown/>"), arch="riscv64"),
    good=_F.format("<async-teardown enabled='no'/>"),
)
def teardown_is_supported(teardown: AsyncTeardown) -> Problems:
    """``<async-teardown>`` requires a QEMU with ``-run-with async-teardown``."""
    if teardown.enabled == "yes" and ASYNC_TEARDOWN.supported is not None:
        yield from lacking(teardown, ASYNC_TEARDOWN.supported)
