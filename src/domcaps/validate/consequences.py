"""One cause, one finding: what only repeats in other words what another finding says is left out.

A rule sees its own part of a domain. Where the machine type has no IOMMU for 256 virtual CPUs, its
limit of 255 is exceeded, too: the reader needs one of both, and the repair of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domcaps.language.finding import Finding


class StagedFinding(Protocol):
    """What is compared of a finding: of one host, or of a fleet."""

    @property
    def code(self) -> str:
        """Name of the rule."""

    @property
    def message(self) -> str:
        """What is wrong."""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Values to write instead."""

    @property
    def stage(self) -> Any:
        """When libvirt or QEMU refuses the domain."""


T = TypeVar("T", bound=StagedFinding)


def _of_i440fx(cause: StagedFinding, consequence: StagedFinding) -> bool:
    """Tell whether the limit is that of a machine type without an IOMMU."""
    return consequence.accepted == ("255",) and "q35" in cause.message


def _of_secure_loader(cause: StagedFinding, consequence: StagedFinding) -> bool:
    """Tell whether no firmware fits for the same attribute of the loader."""
    return "secure='yes'" in consequence.message and "remove it" in cause.message


# what follows, from what, and when
CONSEQUENCES: dict[str, tuple[str, Callable[[StagedFinding, StagedFinding], bool]]] = {
    "vcpu-count-unsupported": ("vcpu-count-without-eim", _of_i440fx),
    "os-firmware-unavailable": ("os-loader-secure-unsupported", _of_secure_loader),
}


def causes_of(found: Sequence[T]) -> list[T | None]:
    """Give for each finding the one that it follows from, None where it is a cause itself.

    Both must be of one stage: what libvirt would do with the domain stays the same.
    """
    if len(found) < 2 or not any(one.code in CONSEQUENCES for one in found):
        return [None] * len(found)
    by_code = {one.code: one for one in found}
    causes: list[T | None] = []
    for one in found:
        code, follows = CONSEQUENCES.get(one.code, ("", _of_i440fx))
        cause = by_code.get(code)
        is_one = cause is not None and cause.stage == one.stage and follows(cause, one)
        causes.append(cause if is_one else None)
    return causes


def without_consequences(found: list[Finding]) -> list[Finding]:
    """Leave out findings that follow from another one, which gets their repairs."""
    causes = causes_of(found)
    if not any(causes):
        return found
    repairs: dict[str, list[Finding]] = {}
    for one, cause in zip(found, causes, strict=True):
        if cause is not None:
            repairs.setdefault(cause.code, []).append(one)
    left = (one for one, cause in zip(found, causes, strict=True) if cause is None)
    return [_with_repairs(one, repairs.get(one.code, ())) for one in left]


def _with_repairs(cause: Finding, consequences: list[Finding] | tuple[()]) -> Finding:
    fixes = tuple(fix for one in consequences for fix in one.fixes)
    return msgspec.structs.replace(cause, fixes=(*cause.fixes, *fixes)) if fixes else cause
