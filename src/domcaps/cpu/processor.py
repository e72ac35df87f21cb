"""The host's processor by the name of a model, as libvirt's own description of a host has it.

Unlike host-model, which is what an emulator makes of it, this is read from the processor itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.answers import Feature, HostModel
from domcaps.cpu.data import cpu_data, known_in
from domcaps.cpu.x86 import CpuData, decode_host, without_broken_tsx
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import PPC64, X86
from domcaps.facts.node import Cpuid
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from domcaps.cpu.x86map import X86Map
    from domcaps.facts.node import Node
    from domcaps.facts.record import HostCpu
    from domcaps.language.dialect import Dialect


def processor(node: Node | None, arch: str, cpu: HostCpu, dialect: Dialect) -> HostModel | None:
    """Name the processor of a host; None where libvirt can't, or where too little is known of it.

    All features are required: a processor has them, or they are not listed.
    """
    if arch in X86 and node is not None and node.cpuid:
        return _processor_x86(node, cpu, dialect)
    if arch in PPC64:
        models = {model.name for model in cpu_data().ppc64.models if known_in(model, dialect)}
        return HostModel(cpu.model, "allow", cpu.vendor) if cpu.model in models else None
    return None


def _processor_x86(node: Node, cpu: HostCpu, dialect: Dialect) -> HostModel | None:
    known = x86_map(dialect)
    found = decode_host(_data(Cpuid(node.cpuid, node.arch_capabilities), cpu, known), known)
    if found is None:
        return None
    features = tuple(Feature("require", name) for name in found.require)
    return HostModel(found.model, "allow", found.vendor, features=features)


class ProcessorFeatures(NamedTuple):
    """Features of a processor as sets of `X86Map`: those it has, and those that were not read."""

    present: int
    unread: int


def processor_features(cpuid: Cpuid, cpu: HostCpu, known: X86Map) -> ProcessorFeatures:
    """Give the features that CPUID shows, whether or not the kernel shows or uses them.

    A leaf that the processor does not have has no features. Some features stand in model-specific
    registers that only a processor with ``vmx`` or ``core-capability`` has; where such a
    processor's were not read, these features are unread.
    """
    present = without_broken_tsx(_data(cpuid, cpu, known), known)
    words = cpuid.words()
    owners = {name for name in _OWNERS.values() if present & known.bits_of((name,))}
    unread = known.bits_of(
        feature.name
        for feature in cpu_data().x86.features
        if feature.word.startswith("msr ") and feature.word not in words
        if _OWNERS.get(feature.word, "vmx") in owners
    )
    return ProcessorFeatures(present, unread & ~present)


_OWNERS = {"msr 0xcf": "core-capability", "": "vmx"}
"""The feature without which a processor does not have a model-specific register."""


def _data(cpuid: Cpuid, cpu: HostCpu, known: X86Map) -> CpuData:
    words = cpuid.words()
    there = (f.name for f in cpu_data().x86.features if words.get(f.word, 0) >> f.bit & 1)
    family, model, stepping = cpu.signature or (0, 0, 0)
    # the kernel tells the vendor as CPUID spells it
    return CpuData(known.bits_of(there), known.vendor_of(cpu.vendor), family, model, stepping)
