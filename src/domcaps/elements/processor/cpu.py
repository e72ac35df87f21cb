"""``<cpu>``: what processor the guest sees.

::

    <cpu mode='host-model'/>
    <cpu mode='custom' match='exact'><model>Skylake-Server</model></cpu>

The arithmetic (which model is nearest to the host, what keeps a model from running) is in
`domcaps.cpu`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.cpu import (
    CustomModel,
    HostModel,
    custom_models,
    host_model,
    mode_supported,
)
from domcaps.cpu.compare import OfferedFeatures, host_features
from domcaps.elements.advice.drifts import IN_A_GUEST, older_qemu
from domcaps.elements.advice.remedies import kvm
from domcaps.elements.boards.families import KVM, MICROVM, PPC64, S390, X86
from domcaps.elements.boards.fixed import MADE_FOR_GUESTS
from domcaps.elements.processor.cpu_command_line import host_model_args, model_trials
from domcaps.elements.processor.model_reasons import explain_host_feature, explain_model
from domcaps.facts import arch as archs
from domcaps.facts.emulator import ACCELERATORS
from domcaps.language import ALWAYS, Choice, Drift, Element, Enum, Place, Row, Rows, World
from domcaps.language.changes.processor import (
    CPU_BLOCKERS,
    CPU_CANONICAL,
    CPU_DEPRECATED,
    CPU_MAXIMUM,
    CPU_VENDORS,
    HOST_MODEL_MAXPHYSADDR,
)
from domcaps.language.observed import WorldFact, object_property, virttype
from domcaps.language.preference import STAYS, Decision, Option
from domcaps.language.qemu_args import QemuArgs

if TYPE_CHECKING:
    from domcaps.language import Dialect
    from domcaps.language.predicate import Predicate


# libvirt looks at the models of x86 and ARM only, whatever others may have
MIGRATABLE = object_property("max-x86_64-cpu", "migratable") | object_property(
    "max-arm-cpu", "migratable"
)
"""QEMU can hide from the guest what it could not migrate."""


def accelerator(world: World) -> str:
    """Name the target's accelerator as QEMU does."""
    return ACCELERATORS[world.target.virttype]


def features_of_host(world: World) -> OfferedFeatures | None:
    """Give what the host can give a guest, None where that is not known.

    Raises `Unanswered` where the emulator was not asked.
    """
    # each model that may stand in is compared with it
    return world.keep(
        "features of the host",
        lambda: host_features(world.emulator, accelerator(world), world.host, world.target.dialect),
    )


def _supported(mode: str) -> Predicate:
    def look(world: World) -> bool:
        return mode_supported(
            mode,
            world.emulator,
            accelerator(world),
            world.host.record,
            # it matters there alone, and what does not read it is shared by machine types
            world.target.machine if world.emulator.arch in archs.S390 else "",
            world.target.dialect,
        )

    return WorldFact(
        f"the CPU mode {mode!r} can be used on this host",
        "query-cpu-definitions, query-cpu-model-expansion, virtualization type, host architecture",
        look,
        _cpu_facts,
        advice=kvm if mode.startswith("host-") else None,
    )


def _cpu_facts(world: World) -> str:
    return f"{accelerator(world)}, {world.emulator.arch} on {world.host.arch}"


def _host_model(world: World) -> tuple[Row, ...]:
    flags = world.target.flags
    found = host_model(
        world.emulator,
        accelerator(world),
        world.host.record,
        world.target.dialect,
        disable_deprecated=flags.disable_deprecated_features,
        expand=flags.expand_cpu_features,
        supported=flags.supported_cpu_features,
    )
    return _host_model_rows(found, world.target.dialect) if found else ()


def _host_model_rows(found: HostModel, dialect: Dialect) -> tuple[Row, ...]:
    rows = [Row("model", found.model, (("fallback", found.fallback),))]
    if found.vendor:
        rows.append(Row("vendor", found.vendor))
    if found.maxphysaddr is not None and dialect.has(HOST_MODEL_MAXPHYSADDR):
        limit = str(found.maxphysaddr)
        rows.append(Row("maxphysaddr", "", (("mode", "passthrough"), ("limit", limit))))
    rows += [
        Row("feature", "", (("policy", feature.policy), ("name", feature.name)))
        for feature in found.features
    ]
    return tuple(rows)


def _custom_models(world: World) -> tuple[Row, ...]:
    rows: list[Row] = []
    for model in custom_models(
        world.emulator, accelerator(world), world.target.arch, world.target.dialect
    ):
        rows += _model_rows(model, world.target.dialect)
    return tuple(rows)


def _model_rows(model: CustomModel, dialect: Dialect) -> list[Row]:
    attributes = [("usable", model.usable)]
    if model.deprecated and dialect.has(CPU_DEPRECATED):
        attributes.append(("deprecated", "yes"))
    if dialect.has(CPU_VENDORS):
        attributes.append(("vendor", model.vendor))
    if model.canonical and dialect.has(CPU_CANONICAL):
        attributes.append(("canonical", model.canonical))
    rows = [Row("model", model.name, tuple(attributes))]
    if model.blockers and dialect.has(CPU_BLOCKERS):
        features = tuple(map(_blocker, model.blockers))
        rows.append(Row("blockers", "", (("model", model.name),), features))
    return rows


@functools.lru_cache(maxsize=4096)
def _blocker(name: str) -> Row:
    """Give the row of one feature: a report may hold thousands, of a few hundred names."""
    return Row("feature", "", (("name", name),))


_NO_ARITHMETIC = Drift(
    title="Host CPU on architectures without a CPU driver in libvirt",
    says="mode 'host-passthrough' is listed if KVM runs guests of the architecture",
    but="libvirt does not start such a guest, because it has no CPU driver for the architecture",
    evidence="libvirt 10.7 has no CPU driver for ppc, and fails when it updates such a CPU",
    instead="omit <cpu>",
    targets="architectures for which libvirt has no CPU driver, such as 32-bit POWER",
)

_REFUSED_MSR = Drift(
    title="Host CPU with nested KVM",
    says="mode 'host-passthrough' is listed if KVM is available",
    but="nested KVM may offer CPU features whose registers QEMU cannot write: QEMU then aborts",
    evidence='verify with QEMU 7.2 and 10.0 on such a host: "failed to set MSR 0x10a"; 11.1 starts',
    where=X86 & KVM & IN_A_GUEST & older_qemu(11, 1),
    instead="use QEMU 11.1 or later, or name a CPU model (mode='custom')",
    targets="x86 guests with KVM on a host that is a virtual machine itself, with QEMU before 11.1",
)
_MAX_ALIAS = Drift(
    title="CPU mode 'maximum' on POWER",
    says="CPU mode 'maximum' is not listed for POWER",
    but="QEMU accepts -cpu max although it does not list the model",
    evidence="verify with QEMU 7.2, 10.0 and 11.1 for ppc64",
    where=PPC64,
    listed=False,
    instead="use the mode if the guest needs it",
    targets="ppc64 and ppc64le",
)
_NOT_REPORTED = Drift(
    title="CPU models that a machine type accepts",
    says="every CPU model is listed with usable='unknown'",
    but="each machine type accepts some models only, and QMP does not report which",
    evidence="verify with QEMU 7.2, 10.0 and 11.1: ARM's board virt starts with cortex-a57, and "
    'refuses cortex-m0 ("CPU type not supported")',
    where=~X86 & ~S390,
    listed=False,
    instead="test the models with 'domcaps verify --element cpu'",
    targets="all architectures but x86 and s390x",
)
_NEWEST_VERSION = Drift(
    title="CPU models on microvm",
    says="usability of CPU models is reported as for other machine types",
    but="on microvm a model name means the model's newest version, which may have more features",
    evidence="verify with QEMU 7.2, 10.0 and 11.1 under TCG: Nehalem and Westmere are refused "
    "because spec-ctrl is missing",
    where=MICROVM,
    instead="test the models with 'domcaps verify --machine microvm --element cpu'",
    targets="microvm",
)


def _migratable(model: str, when: Predicate) -> tuple[QemuArgs, ...]:
    """Tell whether the guest may be migrated, where QEMU has a word for it, as libvirt does."""
    return (
        QemuArgs(cpu=f"{model},migratable={{value}}", when=when & MIGRATABLE),
        QemuArgs(cpu=model, when=when & ~MIGRATABLE),
    )


HOST_PASSTHROUGH = Element(
    "host-passthrough",
    tag="mode",
    attributes=(("name", "host-passthrough"),),
    supported=_supported("host-passthrough"),
    qemu_args=QemuArgs(cpu="host", when=KVM),
    at_start=(_REFUSED_MSR,),
    content=(
        Enum(
            "hostPassthroughMigratable",
            attribute="@migratable",
            choices=(
                Choice("on", MIGRATABLE, at_start=(_REFUSED_MSR,)),
                Choice("off", drifts=(_NO_ARITHMETIC,), at_start=(_REFUSED_MSR,)),
            ),
            sample="<cpu mode='host-passthrough' migratable='{value}'/>",
            qemu_args=_migratable("host", KVM),
        ),
    ),
)

MAXIMUM = Element(
    "maximum",
    tag="mode",
    since=CPU_MAXIMUM,
    attributes=(("name", "maximum"),),
    supported=_supported("maximum"),
    qemu_args=QemuArgs(cpu="max"),
    at_start=(_MAX_ALIAS, _REFUSED_MSR),
    content=(
        Enum(
            "maximumMigratable",
            attribute="@migratable",
            choices=(
                Choice("on", at_start=(_MAX_ALIAS, _REFUSED_MSR)),
                Choice("off", at_start=(_MAX_ALIAS, _REFUSED_MSR)),
            ),
            sample="<cpu mode='maximum' migratable='{value}'/>",
            qemu_args=_migratable("max", ALWAYS),
        ),
    ),
)

HOST_MODEL = Element(
    "host-model",
    tag="mode",
    attributes=(("name", "host-model"),),
    supported=_supported("host-model"),
    qemu_args=host_model_args,
    at_start=(_REFUSED_MSR,),
    content=(Rows(_host_model, row="feature", explain=explain_host_feature),),
)

CUSTOM = Element(
    "custom",
    tag="mode",
    attributes=(("name", "custom"),),
    supported=_supported("custom"),
    content=(Rows(_custom_models, row="model", explain=explain_model),),
    trials=model_trials,
    at_start=(_NOT_REPORTED, _NEWEST_VERSION),
)

PREFERENCE = Decision(
    "cpu.mode",
    order=20,
    title="the processor",
    xml="<cpu mode='{value}'/>",
    options=(
        Option(
            "host-passthrough",
            "all that the host's processor can do",
            when=_supported("host-passthrough")
            & virttype("kvm", "hvf", "hyperv")
            & MADE_FOR_GUESTS,
            guest=STAYS,
        ),
        Option(
            "host-model",
            "what libvirt knows of the host's processor, so that others can serve it as well",
            when=_supported("host-model") & virttype("kvm") & MADE_FOR_GUESTS,
        ),
        Option(
            "maximum",
            "all that the emulator can do",
            when=_supported("maximum") & virttype("qemu") & MADE_FOR_GUESTS,
        ),
        Option("", "the board has a processor of its own", when=~MADE_FOR_GUESTS),
        Option("", "libvirt's own choice"),
    ),
)

ELEMENT = Element(
    "cpu",
    place=Place.TOP,
    order=40,
    supported=None,
    content=(HOST_PASSTHROUGH, MAXIMUM, HOST_MODEL, CUSTOM),
)
