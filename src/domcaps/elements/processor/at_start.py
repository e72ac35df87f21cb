"""Whether a domain's processor is available: looked at by libvirt when the guest starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu import host_model
from domcaps.cpu.compare import Mismatch, Wanted, forbidden, mismatch, not_read
from domcaps.cpu.models import has_maximum, libvirt_models
from domcaps.cpu.x86map import x86_map
from domcaps.elements.boards.families import PPC64, S390, X86
from domcaps.elements.processor.cpu import (
    CUSTOM,
    HOST_MODEL,
    HOST_PASSTHROUGH,
    MAXIMUM,
    accelerator,
    features_of_host,
)
from domcaps.elements.processor.definition import Cpu, check_of, default_cpu, has_cpu_models
from domcaps.elements.processor.features import known_features, policies
from domcaps.elements.processor.nearest_model import (
    FEW,
    for_macos,
    left_out,
    macos_model,
    optional_features,
    spared_features,
    stand_ins,
    usable_model,
)
from domcaps.elements.processor.vcpu_count import CLUSTERS, DIES, Topology
from domcaps.facts import arch as archs
from domcaps.language.at_start import start_doubt
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.node_path import path_of
from domcaps.language.observed import qapi
from domcaps.language.part import Part
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node


DEPRECATED = qapi("query-cpu-model-expansion/ret/deprecated-props")

_MODES = {e.name: e for e in (HOST_PASSTHROUGH, MAXIMUM, HOST_MODEL, CUSTOM)}
_PASSTHROUGH = "host-passthrough"
_LEGACY = {"POWER7_v2.1", "POWER7_v2.3", "POWER7+_v2.1", "POWER8_v1.0"}
_COMPARING = archs.X86 | archs.PPC64
"""Hosts whose libvirt compares a guest's CPU with that of the host, and has to know it."""


_C = "<cpu mode='{}'/>"
_GOOD = _C.format("maximum")


@rule(
    "cpu-architecture-unsupported",
    Cpu,
    bad=Sample(_C.format("custom"), arch="riscv32", machine="virt"),
    good=_GOOD,
    stage=Stage.START,
)
def libvirt_knows_the_architecture(cpu: Cpu) -> Problems:
    """``<cpu>`` requires a guest architecture for which libvirt supports CPU models."""
    if not has_cpu_models(cpu.domain):
        yield problem(
            f"libvirt does not support <cpu> for {cpu.domain.arch} guests; remove it", cpu
        )


@rule(
    "cpu-mode-unsupported",
    Cpu,
    bad=_C.format("host-passthrough"),
    good=_GOOD,
    stage=Stage.START,
)
def mode_can_be_had(cpu: Cpu) -> Problems:
    """The host must support the CPU mode; for example, ``host-passthrough`` requires KVM."""
    supported = _MODES[cpu.mode].supported
    if supported is None or cpu.is_open or not has_cpu_models(cpu.domain):
        return
    world = cpu.domain.world
    if world.truth(supported) is Truth.NO:
        others = (mode for mode, e in _MODES.items() if e.supported and world.may_have(e.supported))
        reason = supported.explain(world)
        emulated = cpu.domain.virttype == "qemu"
        why = "it needs KVM, type='kvm'" if emulated else "the guest is of another architecture"
        message = f"the CPU mode {cpu.mode!r} is not supported here: {why}"
        if model := macos_model(cpu):
            message += f"; use {model.says()}, as macOS needs an Intel processor"
        fix = for_macos(cpu)
        yield problem(message, cpu, "@mode", accepted=others, reason=reason, fix=fix)
        return
    doubt = start_doubt(_MODES[cpu.mode], world)
    if doubt is not None:
        world.unknown.add(f"the CPU mode {cpu.mode} starts ({doubt.but})")


def _offered(cpu: Cpu) -> bool:
    """Tell whether QEMU offers the model; also where it is not known."""
    world = cpu.domain.world
    definitions = world.emulator.cpu_definitions(accelerator(world))
    # libvirt's names of POWER's models are QEMU's in upper case
    known = libvirt_models(cpu.domain.arch, world.target.dialect) if cpu.holds(PPC64) else None
    upper = {name.lower(): name for name in known or ()}
    name = cpu.model[: len("POWERn")] if _is_legacy(cpu) else cpu.model
    return not definitions or any(upper.get(d.name.lower(), d.name) == name for d in definitions)


def _is_legacy(cpu: Cpu) -> bool:
    """Tell whether a host of POWER takes another model for it, as libvirt once called it so."""
    return cpu.model in _LEGACY and cpu.domain.world.host.record.arch in archs.PPC64


_MODEL = "<cpu><model fallback='forbid'>{}</model></cpu>"


@rule(
    "cpu-model-unsupported",
    Cpu,
    bad=_MODEL.format("Skylake-Rocket"),
    good=_MODEL.format("qemu64"),
    stage=Stage.START,
)
def model_can_be_had(cpu: Cpu) -> Problems:
    """``<model>`` in ``<cpu>`` must be a CPU model of this QEMU; on x86, libvirt must know it, too.

    A fallback to another model, where it is allowed, works for x86 only.
    """
    if not cpu.model or not has_cpu_models(cpu.domain) or cpu.mode in {"maximum", _PASSTHROUGH}:
        return
    world = cpu.domain.world
    known = libvirt_models(cpu.domain.arch, world.target.dialect) if cpu.holds(X86) else None
    # where the host's own model takes its place, it counts as far as it is compared
    replaced = cpu.mode == "host-model" or (cpu.match == "minimum" and known is not None)
    if known is not None and cpu.model not in known:
        if not replaced or check_of(cpu) == "partial":
            yield problem(
                f"libvirt does not know the CPU model {cpu.model!r}",
                cpu,
                "model",
                fix=stand_ins(cpu),
            )
    elif (known is None or _is_alone(cpu)) and not replaced and not _offered(cpu):
        message = f"this QEMU does not have the CPU model {cpu.model!r}"
        yield problem(message, cpu, "model", fix=stand_ins(cpu))


def _is_alone(cpu: Cpu) -> bool:
    model = cpu.find("model")
    return model is not None and model.get("fallback") == "forbid"


@rule(
    "cpu-match-unsupported",
    Cpu,
    bad=Sample("<cpu match='minimum'><model>qemu</model></cpu>", arch="s390x"),
    good=Sample("<cpu><model>qemu</model></cpu>", arch="s390x"),
    stage=Stage.START,
)
def mainframes_match_exactly(cpu: Cpu) -> Problems:
    """Attribute ``match`` of ``<cpu>`` must be ``exact`` for s390x guests."""
    if cpu.match == "minimum" and cpu.mode == "custom" and cpu.model and cpu.holds(S390):
        yield problem("attribute 'match' of <cpu> must be 'exact' for s390x guests", cpu, "@match")


def _usable(cpu: Cpu) -> bool:
    """Tell whether QEMU says that the model can run: then libvirt looks no further."""
    world = cpu.domain.world
    if any(policy != "disable" for policy in policies(cpu.domain).values()):
        return False
    for definition in world.emulator.cpu_definitions(accelerator(world)):
        if definition.name.lower() == cpu.model.lower() and cpu.model:
            return definition.unavailable_features == ()
    return False


def _compares(cpu: Cpu) -> bool:
    """Tell whether libvirt compares the CPU with that of the host."""
    compared = cpu.mode in {"custom", "host-model"} and not cpu.is_open
    return compared and check_of(cpu) == "partial" and not _usable(cpu)


_KINDS = {
    "vendor": ("the host's CPU is of another vendor", "vendor"),
    "forbidden": ("the host's CPU has features of policy 'forbid'", "feature"),
    "missing": ("the host lacks", "model"),
    "extra": ("match='strict' is not met: the host's CPU has more features", "@match"),
}
_POWER = "<cpu mode='host-model'><model>power{}</model></cpu>"
_PMU = "<features><pmu state='on'/></features>"
_PARTIAL = "<cpu check='partial'><model>{}</model></cpu>"


@rule(
    "cpu-incompatible",
    Cpu,
    bad=_PARTIAL.format("GraniteRapids"),
    good=_PARTIAL.format("486"),
    stage=Stage.START,
)
def host_has_what_is_wanted(cpu: Cpu) -> Problems:
    """The host must have every CPU feature that ``<cpu>`` requires, unless ``check='none'`` is set.

    Libvirt compares with the CPUID of the processor, not with the flags in /proc/cpuinfo.
    """
    world = cpu.domain.world
    if not cpu.holds(X86) or world.host.record.arch not in archs.X86:
        return
    names, told = known_features(cpu.domain), policies(cpu.domain)
    models = libvirt_models(cpu.domain.arch, world.target.dialect) or {}
    strange = names is not None and any(name not in names for name in told)
    if strange or not _compares(cpu) or (cpu.model and cpu.model not in models):
        return
    found = _mismatch(cpu, told)
    if found is None:
        _note_unread(cpu, told)
        return
    message, at = _KINDS[found.kind]
    features = found.features
    if found.kind == "missing":
        by_name = [name for name in features if name in told]
        yield from _required_by_name(cpu, by_name)
        features = tuple(name for name in features if name not in told)
        if by_name and not features:
            return
        message = _lacking(cpu, features)
    elif features:
        message += f": {', '.join(features)}"
    fixes = (*spared_features(cpu, features), *stand_ins(cpu))
    yield problem(message, cpu, at, fix=fixes)


def _required_by_name(cpu: Cpu, missing: Sequence[str]) -> Problems:
    """Report each feature that the domain itself requires and the host lacks, where it says so."""
    for node in cpu.node.iterfind("feature"):
        name = node.get("name", "")
        if name in missing:
            fixes = (*optional_features(cpu, missing), *stand_ins(cpu))
            yield problem(
                f"this <feature> requires {name}, which {_who_lacks(cpu)}; use "
                "policy='optional', or remove the element",
                node,
                "@policy" if node.get("policy") is not None else "",
                fix=fixes,
            )


def _who_lacks(cpu: Cpu) -> str:
    """Say which processor lacks a feature: that of the host, or the one that QEMU emulates."""
    if cpu.domain.virttype == "qemu":
        return "QEMU does not emulate (TCG)"
    return "this host's CPU does not have"


def _lacking(cpu: Cpu, features: Sequence[str]) -> str:
    """Say what the host's CPU lacks, and which feature or model to write instead."""
    wanted = f"the CPU model {cpu.model!r} needs" if cpu.model else "<cpu> needs"
    text = f"{wanted} {listed(features)}, which {_who_lacks(cpu)}"
    spared = left_out(features) if len(features) <= FEW or cpu.mode == "custom" else ""
    ways = [spared] if spared else []
    model = usable_model(cpu)
    if model is not None and (not ways or not model.spared):
        ways.append(model.says() if model.spared else f"the model {model.model!r}")
    return f"{text}. Use {' or '.join(ways or ['mode=' + repr('host-model')])}"


def _note_unread(cpu: Cpu, told: dict[str, str]) -> None:
    """Count features as unknown that neither CPUID nor the kernel's flags tell of."""
    world = cpu.domain.world
    wanted, known = Wanted(policies=told), x86_map(world.target.dialect)

    def compute() -> tuple[str, ...]:
        return tuple(not_read(features_of_host(world), known, wanted))

    for name in world.keep(("not read", *sorted(told.items())), compute):
        world.unknown.add(f"cpu-incompatible: the host's CPU has {name!r}")


def _mismatch(cpu: Cpu, told: dict[str, str]) -> Mismatch | None:
    world = cpu.domain.world
    wanted = Wanted(cpu.model, cpu.vendor, cpu.match == "strict", told)
    known = x86_map(world.target.dialect)
    # many domains want the same of a host's processor
    return world.keep(
        ("mismatch", cpu.model, cpu.vendor, cpu.match, *sorted(told.items())),
        lambda: mismatch(features_of_host(world), known, wanted),
    )


def _disabling(cpu: Cpu, names: Sequence[str]) -> Iterator[Fix]:
    """Keep forbidden features from the guest, which may run where the host has them."""
    told = (f for f in cpu.node.iterfind("feature") if f.get("policy") == "forbid")
    values = [(path_of(f, "policy"), "disable") for f in told if f.get("name") in names]
    if values:
        yield Fix(values=tuple(values))


@rule(
    "cpu-feature-forbidden",
    Cpu,
    bad="<cpu check='full'><model>486</model><feature name='hypervisor' policy='forbid'/></cpu>",
    good="<cpu check='none'><model>486</model><feature name='hypervisor' policy='forbid'/></cpu>",
    stage=Stage.START,
)
def host_lacks_what_is_forbidden(cpu: Cpu) -> Problems:
    """The host must not have a CPU feature that has ``policy='forbid'``."""
    world = cpu.domain.world
    told = policies(cpu.domain)
    native = cpu.holds(X86) and world.host.record.arch in archs.X86
    if not native or "forbid" not in told.values() or check_of(cpu) == "none" or cpu.is_open:
        return
    wanted = Wanted(policies=told)
    names = forbidden(features_of_host(world), wanted)
    if names:
        yield problem(
            f"the host has the forbidden features {', '.join(names)}; use policy='disable'",
            cpu,
            "feature",
            fix=_disabling(cpu, names),
        )


@rule(
    "cpu-host-unknown",
    Cpu,
    bad=Sample(_PARTIAL.format("486"), host="ppc64"),
    good=_PARTIAL.format("486"),
    stage=Stage.START,
)
def there_is_something_to_compare_with(cpu: Cpu) -> Problems:
    """The guest's architecture must be that of the host, if libvirt must compare ``<cpu>`` with the
    host.
    """
    world = cpu.domain.world
    arch = world.host.record.arch
    foreign = arch in _COMPARING and not _same(arch, cpu.domain.arch)
    if foreign and cpu.mode == "custom" and _compares(cpu):
        yield problem(
            f"a {cpu.domain.arch} CPU cannot be compared with a {arch} host; use check='none'",
            cpu,
            "@check",
        )


def _same(one: str, other: str) -> bool:
    return one == other or any({one, other} <= family for family in (archs.PPC64, archs.X86))


@rule(
    "cpu-compatibility-unsupported",
    Cpu,
    bad=Sample(_POWER.format(9), arch="ppc64"),
    good=Sample(_POWER.format(8), arch="ppc64"),
    stage=Stage.START,
)
def power_is_compatible_with_older(cpu: Cpu) -> Problems:
    """A POWER guest with KVM needs the CPU model of the host, or an older one."""
    world = cpu.domain.world
    record = world.host.record
    if not cpu.holds(PPC64) or record.arch not in archs.PPC64 or not record.cpu.model:
        return
    if not cpu.model or not _compares(cpu):
        return
    host = host_model(world.emulator, accelerator(world), record, world.target.dialect)
    if host is None:
        return
    if cpu.mode == "custom":
        name = cpu.model[: len("POWERn")] if _is_legacy(cpu) else cpu.model
        if name != host.model:
            yield problem(f"with KVM the CPU model must be the host's: {host.model}", cpu, "model")
    elif not 0 < _generation(cpu.model, "power") <= _generation(host.model, "POWER"):
        yield problem(
            f"the host's {host.model} has no compatibility mode for this model", cpu, "model"
        )


def _generation(name: str, prefix: str) -> int:
    """Give the number of a POWER, 0 where it is none."""
    number = name.removeprefix(prefix)
    known = name.startswith(prefix) and number.isdecimal() and len(number) < len("100")
    return int(number) if known else 0


@rule(
    "cpu-deprecated-features-unsupported",
    Cpu,
    bad="<cpu mode='maximum' deprecated_features='off'/>",
    good=Sample("<cpu mode='maximum' deprecated_features='off'/>", arch="s390x"),
    stage=Stage.START,
)
def qemu_tells_what_is_deprecated(cpu: Cpu) -> Problems:
    """Attribute ``deprecated_features`` of ``<cpu>`` requires an s390x guest and QEMU 9.1
    or later.
    """
    world = cpu.domain.world
    if cpu.deprecated_features is not None and world.truth(DEPRECATED) is Truth.NO:
        reason = DEPRECATED.explain(world)
        yield problem(
            "this QEMU does not report deprecated CPU features; remove 'deprecated_features'",
            cpu,
            "@deprecated_features",
            reason=reason,
        )


_TOPOLOGY = "<vcpu>2</vcpu><cpu><topology sockets='1' {}='2' cores='1' threads='1'/></cpu>"


@rule(
    "cpu-topology-dies-unsupported",
    Topology,
    bad=_TOPOLOGY.format("dies"),
    good=_TOPOLOGY.format("dies"),
    stage=Stage.START,
)
def dies_need_qemu(topology: Topology) -> Problems:
    """Attributes ``dies`` and ``clusters`` of ``<topology>`` require a QEMU and a machine type that
    support them.
    """
    world = topology.domain.world
    for name, count, counted in (
        ("dies", topology.dies, DIES),
        ("clusters", topology.clusters, CLUSTERS),
    ):
        if count != 1 and world.truth(counted) is Truth.NO:
            reason = counted.explain(world)
            yield problem(
                f"this QEMU does not support {name!r} in <topology>; set it to 1",
                topology,
                f"@{name}",
                reason=reason,
                fix=set_value("1", f"@{name}"),
            )


_SWITCHES = frozenset({"apic", "pvspinlock", "pmu", "hyperv", "kvm"})
_TIMERS = {"kvmclock": "present", "armvtimer": "tickpolicy"}
_KVM = ("hidden", "hint-dedicated", "poll-control")
"""Features of KVM that are properties of the CPU where they are on."""


class CpuOfDomain(Part):
    """The domain as a whole: what it says of its CPU may stand in many places."""

    path = ""


@rule(
    "cpu-default-unknown",
    CpuOfDomain,
    bad=Sample(_PMU, arch="sparc"),
    good=_PMU,
    stage=Stage.START,
)
def switches_need_a_cpu(domain: CpuOfDomain) -> Problems:
    """CPU features such as ``<pmu>`` require a CPU model: of ``<cpu>``, or the machine type's
    default.
    """
    if domain.holds(X86) or not (switched := next(_switches(domain), "")):
        return
    cpu = domain.domain.first(Cpu)
    if (cpu is None or cpu.is_open) and not default_cpu(domain.domain):
        message = "there is no default CPU model: add <cpu> with a <model>"
        yield problem(message, domain, switched, fix=_any_cpu(domain))


def _any_cpu(domain: CpuOfDomain) -> Iterator[Fix]:
    """Give a guest the processor of its host, or all that QEMU emulates."""
    world = domain.domain.world
    if domain.domain.virttype == "kvm":
        yield Fix(add="<cpu mode='host-passthrough'/>")
    elif has_maximum(world.emulator):
        yield Fix(add="<cpu mode='maximum'/>")


def _switches(domain: CpuOfDomain) -> Iterator[str]:
    features = domain.find("features")
    for feature in features if features is not None else ():
        if feature.tag in _SWITCHES and _switched(str(feature.tag), feature, domain):
            yield f"features/{feature.tag}"
    for timer in domain.find_all("clock/timer"):
        attribute = _TIMERS.get(timer.get("name", ""))
        if attribute and timer.get(attribute, "catchup") != "catchup":
            yield "clock/timer"


def _switched(tag: str, feature: Node, domain: CpuOfDomain) -> bool:
    """Tell whether a feature becomes a property of the CPU."""
    if tag == "apic":
        return feature.get("eoi") is not None
    if tag == "pmu":
        return feature.get("state") is not None and not domain.holds(PPC64)
    if tag == "pvspinlock":
        return True
    states = {str(child.tag): child.get("state") for child in feature}
    if tag == "hyperv":
        return feature.get("mode") == "passthrough" or "on" in states.values()
    return states.get("pv-ipi") == "off" or any(states.get(name) == "on" for name in _KVM)
