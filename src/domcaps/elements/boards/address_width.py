"""Whether a CPU of an x86 guest has the physical addresses that QEMU gives to most: 40 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.x86map import x86_map

if TYPE_CHECKING:
    from collections.abc import Collection

    from domcaps.language.domain import Domain


def has_own_width(domain: Domain, wide_modes: Collection[str]) -> bool:
    """Tell whether a domain's CPU has more addresses than usual, or too few for memory above 4 GiB.

    `wide_modes` are the modes in which it has those of the host's CPU.
    """
    cpu = domain.root.find("cpu")
    if cpu is None:
        return False
    is_wide = cpu.get("mode") in wide_modes or cpu.find("maxphysaddr") is not None
    return is_wide or _is_narrow(cpu.findtext("model") or "", domain)


def _is_narrow(name: str, domain: Domain) -> bool:
    """Tell whether a named model has no 64 bits: QEMU leaves the hole for PCI out for it."""
    known = x86_map(domain.world.target.dialect)
    model = known.models.get(name)
    return model is not None and not model.features & known.bits_of(["lm"])
