"""x2APIC: what a processor needs to be one of more than 255."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.x86map import x86_map
from domcaps.elements.processor.definition import Cpu
from domcaps.elements.processor.features import policies

if TYPE_CHECKING:
    from domcaps.language.domain import Domain

_X2APIC = "x2apic"


def names_model_without_x2apic(domain: Domain) -> bool:
    """Tell whether a domain names a processor that can't be one of more than 255."""
    cpu = domain.first(Cpu)
    return cpu is not None and cpu.mode == "custom" and bool(cpu.model) and lacks_x2apic(cpu)


def lacks_x2apic(cpu: Cpu) -> bool:
    """Tell whether a named model is known to have no x2APIC, and none is asked for."""
    domain = cpu.domain
    policy = policies(domain).get(_X2APIC)
    if policy is not None:
        return policy in {"disable", "forbid"}
    features = x86_map(domain.world.target.dialect)
    model = features.models.get(cpu.model or "")
    return model is not None and not model.features & features.bits_of([_X2APIC])
