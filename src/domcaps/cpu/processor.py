"""The host's processor by the name of a model, as libvirt's own description of a host has it.

Unlike host-model, which is what an emulator makes of it, this is read from the processor itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.answers import Feature, HostModel
from domcaps.cpu.data import cpu_data, known_in
from domcaps.cpu.x86 import CpuData, decode_host
from domcaps.cpu.x86map import x86_map
from domcaps.facts.arch import PPC64, X86
from domcaps.facts.node import Cpuid

if TYPE_CHECKING:
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
    words = Cpuid(node.cpuid, node.arch_capabilities).words()
    there = (f.name for f in cpu_data().x86.features if words.get(f.word, 0) >> f.bit & 1)
    family, model, stepping = cpu.signature or (0, 0, 0)
    # the kernel tells the vendor as CPUID spells it
    data = CpuData(known.bits_of(there), known.vendor_of(cpu.vendor), family, model, stepping)
    found = decode_host(data, known)
    if found is None:
        return None
    features = tuple(Feature("require", name) for name in found.require)
    return HostModel(found.model, "allow", found.vendor, features=features)
