"""Rules about what QEMU or the host must support, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.rule import problem
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language.change import LibvirtChange
    from domcaps.language.part import Part
    from domcaps.language.predicate import Predicate
    from domcaps.language.rule import Problems


def needs(
    part: Part, predicate: Predicate, message: str, at: str = "", *, accepted: Iterable[str] = ()
) -> Problems:
    """Report a problem where `predicate` is known to be false for the domain's target.

    The message gets the missing fact of the host, and how to enable what is required.
    """
    if lacks(part, predicate):
        yield problem(message, part, at, accepted=accepted, requires=predicate)


def lacks(part: Part, predicate: Predicate) -> bool:
    """Tell whether `predicate` is known to be false for the domain's target."""
    return part.domain.world.truth(predicate) is Truth.NO


def libvirt_reads(part: Part, change: LibvirtChange) -> bool:
    """Tell whether the selected libvirt version has a change; see `Dialect.has`."""
    return part.domain.world.target.dialect.has(change)
