"""Rules about what an emulator or a host must have, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.cause import host_cause
from domcaps.language.rule import problem
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language.change import Change
    from domcaps.language.part import Part
    from domcaps.language.predicate import Predicate
    from domcaps.language.rule import Problems


def needs(
    part: Part, predicate: Predicate, message: str, at: str = "", *, accepted: Iterable[str] = ()
) -> Problems:
    """Find fault with a place where something of the table does not hold for the domain's target.

    What is not known is not held against a domain.
    """
    if lacks(part, predicate):
        world = part.domain.world
        cause = host_cause(predicate, world)
        text = f"{message} ({cause})" if cause else message
        yield problem(text, part, at, accepted=accepted, reason=predicate.explain(world))


def lacks(part: Part, predicate: Predicate) -> bool:
    """Tell whether something is known not to hold for the domain's target."""
    return part.domain.world.truth(predicate) is Truth.NO


def libvirt_reads(part: Part, change: Change) -> bool:
    """Tell whether the libvirt whose verdict is wanted has a change; see `Dialect.has`."""
    return part.domain.world.target.dialect.has(change)
