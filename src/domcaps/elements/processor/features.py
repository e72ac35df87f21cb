"""``<feature>``: what the guest's processor has besides what its model has, and what it lacks.

::

    <feature policy='disable' name='pcid'/>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.data import cpu_data, known_in
from domcaps.cpu.x86map import x86_map
from domcaps.elements.advice.other_words import FEATURE_NAMES
from domcaps.elements.boards.defaults import CPU_POLICY
from domcaps.elements.boards.families import S390, X86
from domcaps.elements.processor.definition import Cpu
from domcaps.facts.arch import ARM
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.part import Part, field
from domcaps.language.quantities import repeated
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.spelling import nearest
from domcaps.language.value_types import OneOf, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from domcaps.language.domain import Domain

_VECTORS = "sve"
_SOME = Text(r"(?s).+", "the name of a feature")


class CpuFeature(Part):
    """One feature."""

    path = "cpu/feature"

    name = field("@name", _SOME, required=True, expected="the name of a CPU feature, such as 'vmx'")
    policy = field(
        "@policy", OneOf(("force", "require", "optional", "disable", "forbid")), default=CPU_POLICY
    )


def policies(domain: Domain) -> dict[str, str]:
    """Give what is said of each feature."""
    features = domain.all(CpuFeature)
    return {feature.name: feature.policy or CPU_POLICY for feature in features if feature.name}


def known_features(domain: Domain) -> Collection[str] | None:
    """Give the features that libvirt knows, None where it takes what QEMU names."""
    dialect = domain.world.target.dialect
    if domain.world.truth(X86):
        return x86_map(dialect).bits
    if domain.arch in ARM:
        features = cpu_data().arm.features
        return {feature.name for feature in features if known_in(feature, dialect)}
    return None


_M = "<cpu mode='maximum'>{}</cpu>"
_AVX = "<feature name='avx'/>"
_GOOD = _M.format(_AVX)


@rule("cpu-feature-duplicate", CpuFeature, bad=_M.format(_AVX * 2), good=_GOOD)
def features_are_told_once(feature: CpuFeature) -> Problems:
    """Each ``<feature>`` of ``<cpu>`` must have a different name."""
    for each in repeated(feature, lambda f: f.name):
        yield problem(f"the feature {each.name!r} is given twice; remove one", each, "@name")


@rule(
    "cpu-feature-unknown",
    CpuFeature,
    bad=_M.format("<feature name='avx1024'/>"),
    good=_GOOD,
    stage=Stage.START,
)
def features_are_known(feature: CpuFeature) -> Problems:
    """Attribute ``name`` of ``<feature>`` must be a CPU feature that libvirt knows (x86
    and Arm).
    """
    known = known_features(feature.domain)
    if known is not None and feature.name and feature.name not in known:
        meant = _meant(feature.name, known)
        use = f"did you mean {meant[0]!r}?" if meant else "correct the name, or remove it"
        message = f"libvirt does not know the CPU feature {feature.name!r}; {use}"
        yield problem(message, feature, "@name", accepted=meant)


def _meant(name: str, known: Iterable[str]) -> list[str]:
    """Give the feature that a misspelt name, or that of Linux or of a vendor, stands for."""
    slips = FEATURE_NAMES.slips or {}
    names = sorted(known)
    named = slips.get(name.lower(), "")
    return [named] if named in names else nearest(name, names, 1, exact=True)


_STEADY = "<feature policy='{}' name='invtsc'/>"


@rule(
    "cpu-feature-invtsc-emulated",
    CpuFeature,
    bad=_M.format(_STEADY.format("require")),
    good=_M.format(_STEADY.format("optional")),
    stage=Stage.START,
)
def emulated_clocks_stop(feature: CpuFeature) -> Problems:
    """``<feature policy='require' name='invtsc'>`` requires KVM (``<domain type='kvm'>``).

    No emulated CPU has it, and of all features libvirt checks this one whatever ``check`` says.
    """
    wanted = feature.name == "invtsc" and feature.policy in {"require", "force"}
    if wanted and feature.domain.virttype == "qemu" and feature.holds(X86):
        message = (
            "emulated CPUs lack the feature 'invtsc'; use policy='optional', or KVM "
            "(<domain type='kvm'>)"
        )
        yield problem(message, feature, "@policy", fix=set_value("optional", "@policy"))


_EMULATED = "<cpu mode='custom' match='exact'><model fallback='forbid'>{}</model></cpu>"


@rule(
    "cpu-model-invtsc-emulated",
    Cpu,
    bad=_EMULATED.format("YongFeng"),
    good=_EMULATED.format("Nehalem"),
    stage=Stage.START,
)
def emulated_models_stop_their_clocks(cpu: Cpu) -> Problems:
    """Without KVM, a CPU ``<model>`` that includes the feature ``invtsc`` needs
    ``<feature policy='disable' name='invtsc'/>``.
    """
    if cpu.mode != "custom" or cpu.domain.virttype != "qemu" or not cpu.holds(X86):
        return
    known = x86_map(cpu.domain.world.target.dialect)
    model = known.models.get(cpu.model)
    has = () if model is None else known.names_of(model.features)
    if "invtsc" in has and "invtsc" not in policies(cpu.domain):
        off = "<feature policy='disable' name='invtsc'/>"
        yield problem(
            f"the CPU model {cpu.model!r} has the feature 'invtsc', which emulated CPUs lack. "
            f"Use {off}, or another model",
            cpu,
            "model",
            fix=Fix(add=f"<cpu>{off}</cpu>"),
        )


@rule(
    "cpu-feature-policy-unsupported",
    CpuFeature,
    bad=Sample(_M.format("<feature name='vx' policy='optional'/>"), arch="s390x"),
    good=Sample(_M.format("<feature name='vx' policy='require'/>"), arch="s390x"),
    stage=Stage.START,
)
def mainframes_have_it_or_not(feature: CpuFeature) -> Problems:
    """Attribute ``policy`` of ``<feature>`` must be ``require`` or ``disable`` for s390x guests."""
    if feature.policy == "optional" and feature.holds(S390):
        yield problem(
            "attribute 'policy' of <feature> must be 'require' or 'disable' for s390x guests",
            feature,
            "@policy",
        )


@rule(
    "cpu-feature-sve-conflict",
    Cpu,
    bad=Sample(
        _M.format("<feature name='sve' policy='disable'/><feature name='sve128'/>"),
        arch="aarch64",
    ),
    good=Sample(_M.format("<feature name='sve'/><feature name='sve128'/>"), arch="aarch64"),
)
def vectors_have_lengths(cpu: Cpu) -> Problems:
    """SVE vector lengths, such as ``sve128``, require the CPU feature ``sve``."""
    told = policies(cpu.domain)
    lengths = [name for name in told if name.startswith(_VECTORS) and name != _VECTORS]
    if lengths and told.get(_VECTORS) in {"disable", "forbid"}:
        yield problem(
            f"the feature {lengths[0]!r} requires the feature 'sve', which is "
            "disabled; remove one of them",
            cpu,
            "feature",
        )
