"""One cause, one finding: what only repeats in other words what another finding says is left out.

A rule sees its own part of a domain. Where the machine type has no IOMMU for 256 virtual CPUs, its
limit of 255 is exceeded, too: the reader needs one of both, and the repair of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.language.finding import Finding


def _always(_cause: Finding, _consequence: Finding) -> bool:
    return True


def _of_i440fx(cause: Finding, consequence: Finding) -> bool:
    """Tell whether the limit is that of a machine type without an IOMMU."""
    return consequence.accepted == ("255",) and "q35" in cause.message


# what follows, from what, and when
_CONSEQUENCES: dict[str, tuple[str, Callable[[Finding, Finding], bool]]] = {
    "os-firmware-unsupported": ("os-firmware-unavailable", _always),
    "vcpu-count-unsupported": ("vcpu-count-without-eim", _of_i440fx),
}


def without_consequences(found: list[Finding]) -> list[Finding]:
    """Leave out findings that follow from another one, which gets their repairs.

    Both must be of one stage: what libvirt would do with the domain stays the same.
    """
    if len(found) < 2 or not any(one.code in _CONSEQUENCES for one in found):
        return found
    causes = {one.code: one for one in found}
    left: list[Finding] = []
    repairs: dict[str, list[Finding]] = {}
    for one in found:
        code, follows = _CONSEQUENCES.get(one.code, ("", _always))
        cause = causes.get(code)
        if cause is not None and cause.stage is one.stage and follows(cause, one):
            repairs.setdefault(code, []).append(one)
        else:
            left.append(one)
    return [_with_repairs(one, repairs.get(one.code, ())) for one in left]


def _with_repairs(cause: Finding, consequences: list[Finding] | tuple[()]) -> Finding:
    fixes = tuple(fix for one in consequences for fix in one.fixes)
    return msgspec.structs.replace(cause, fixes=(*cause.fixes, *fixes)) if fixes else cause
