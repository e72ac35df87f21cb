"""From what a QEMU makes of the host's CPU to the named model that fits it best.

A definition is a model plus the features to require and to disable on top of it. Every model
that QEMU offers and that is meant for guests is a candidate; the one with the shortest
definition wins, where disabling costs more than requiring, and models made after the very same
processor go first. libvirt's ``cpu/cpu_x86.c`` is the reference for what wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.cpu.names import libvirt_name
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domcaps.cpu.x86map import X86CpuModel, X86Map

_VENDOR_LENGTH = 12
_BROKEN_TSX_MODELS = {60, 69, 70}
"""Models of family 6 in which TSX never worked, the first Haswells (Intel's HSD136)."""
_LATE_HASWELL = 63
"""Here TSX works from stepping 4 on."""


class CpuData(msgspec.Struct, frozen=True):
    """What CPUID and the MSRs of a CPU would say.

    `features` is a set of `X86Map`; `vendor` is "" where the map has no such vendor.
    """

    features: int
    vendor: str
    family: int
    model: int
    stepping: int


class Decoded(msgspec.Struct, frozen=True):
    """A definition: a model, and names of features in the map's order."""

    model: str
    vendor: str
    require: tuple[str, ...]
    disable: tuple[str, ...]


class _Definition(NamedTuple):
    """A candidate; `removed` are features disabled because the model lost them.

    `alike` tells that a feature to disable costs as much as one to require, as it did once.
    """

    model: X86CpuModel
    require: int
    disable: int
    removed: tuple[str, ...]
    alike: bool = False

    def cost(self) -> tuple[int, int]:
        """Give the whole cost and the part of it that is for disabling."""
        required = self.require.bit_count()
        disabled = self.disable.bit_count() + len(self.removed)
        if self.alike:
            return required + disabled, 0
        penalty, counted = disabling(disabled)
        return required + disabled - counted + penalty, penalty


def disabling(features: int) -> tuple[int, int]:
    """Give the penalty for disabling that many features, and how many of them it counts.

    The first costs 2, and each further one 1 more than the one before. Only half of them, rounded
    up, count: libvirt shortens the list that it walks through with each that it finds, and they
    come last. The others cost 1, as a feature to require does. Any other sum picks other models.
    """
    counted = (features + 1) // 2
    return counted * (counted + 3) // 2, counted


def cpu_data(arch: str, props: Mapping[str, Any], known: X86Map) -> CpuData | None:
    """Read the properties of an expanded model (QMP ``query-cpu-model-expansion``).

    None where QEMU names a vendor by other than 12 bytes, which CPUID can't hold.
    """
    vendor = props.get("vendor")
    if isinstance(vendor, str) and len(vendor.encode()) != _VENDOR_LENGTH:
        return None
    enabled = (libvirt_name(arch, name) for name, value in props.items() if value is True)
    family, model, stepping = _through_cpuid(
        *(_number(props.get(name)) for name in ("family", "model", "stepping"))
    )
    return CpuData(
        known.bits_of(enabled),
        known.vendor_of(vendor) if isinstance(vendor, str) else "",
        family,
        model,
        stepping,
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _through_cpuid(family: int, model: int, stepping: int) -> tuple[int, int, int]:
    """Squeeze a signature through the fields of CPUID leaf 1, which is all that can be compared."""
    extended = max(family - 0xF, 0) & 0xFF
    return extended + (min(family, 0xF) & 0xF), model & 0xFF, stepping & 0xF


def decode(
    data: CpuData,
    offered: Mapping[str, Iterable[str]] | None,
    known: X86Map,
    preferred: tuple[str, ...] = (),
) -> Decoded | None:
    """Find the best definition of a CPU; None where no model fits at all.

    `offered` are the models that the emulator has, with the features (by libvirt's names) that
    keep each from running here; None takes any model. If only one model is `preferred`, it is
    taken where it may be; several have a small advantage.
    """
    features = without_broken_tsx(data, known)
    best: _Definition | None = None
    # newest models first: of equals the newer one stays
    for model in reversed(known.models.values()):
        if not model.guest or (offered is not None and model.name not in offered):
            continue
        if data.vendor and model.vendor and model.vendor != data.vendor:
            continue
        blockers = known.bits_of(offered[model.name]) if offered is not None else 0
        definition = _define(features, model, blockers, known)
        if preferred == (model.name,):
            best = definition
            break
        liked = model.name in preferred
        if best is None or _is_better(definition, best, data, liked=liked):
            best = definition
    if best is None:
        return None
    return Decoded(
        best.model.name,
        data.vendor,
        tuple(known.names_of(best.require)),
        (*known.names_of(best.disable), *best.removed),
    )


def decode_host(data: CpuData, known: X86Map) -> Decoded | None:
    """Describe a processor rather than a guest's CPU: features are added to a model only."""
    features = without_broken_tsx(data, known)
    best: _Definition | None = None
    for model in reversed(known.models.values()):
        is_foreign = data.vendor and model.vendor and model.vendor != data.vendor
        if not model.host or is_foreign or model.features & ~features:
            continue
        definition = _Definition(model, features & ~model.features, 0, ())
        if best is None or _is_better(definition, best, data):
            best = definition
    if best is None:
        return None
    return Decoded(best.model.name, data.vendor, tuple(known.names_of(best.require)), ())


def without_broken_tsx(data: CpuData, known: X86Map) -> int:
    """Drop TSX where the processor has it but must not use it."""
    broken = (
        data.vendor == "Intel"
        and data.family == 6
        and (
            data.model in _BROKEN_TSX_MODELS or (data.model == _LATE_HASWELL and data.stepping < 4)
        )
    )
    return data.features & ~known.bits_of(("hle", "rtm")) if broken else data.features


def _define(features: int, model: X86CpuModel, blockers: int, known: X86Map) -> _Definition:
    """Write a CPU as a definition on top of one model.

    The emulator's version of a model may have features that libvirt's has not. Where they can't
    be enabled here, they have to be disabled explicitly.
    """
    require = features & ~model.features
    disable = (model.features & ~features) | (blockers & ~require)
    told = require | disable
    removed = tuple(name for name in model.removed if not told & known.bits_of((name,)))
    return _Definition(model, require, disable, removed, alike=not known.disabling_costs)


def _is_better(
    candidate: _Definition, best: _Definition, data: CpuData, *, liked: bool = False
) -> bool:
    """Tell whether a candidate beats the best one so far."""
    if data.family or data.model or data.stepping:
        signature = (data.family, data.model, data.stepping)
        ours = candidate.model.has_signature(*signature)
        theirs = best.model.has_signature(*signature)
        if ours != theirs:
            return ours
    cost, least = candidate.cost(), best.cost()
    # as tuples: fewer in all, then less for disabling
    return cost < least or (liked and cost[1] < least[1])
