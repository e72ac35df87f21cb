"""Why a statement does not hold on a host, and what would change that, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.observed import HostFact
from domcaps.language.predicate import AllOf, AnyOf
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from domcaps.language.predicate import Predicate
    from domcaps.language.world import World


def host_cause(predicate: Predicate, world: World) -> str:
    """Name the first fact of the host that is missing, with what to do: "" where none is.

    What an emulator lacks is told by the reason of a finding; what a host lacks can be changed by
    who reads the message.
    """
    fact = _missing(predicate, world)
    if fact is None:
        return ""
    remedy = fact.remedy(world, wanted=True)
    said = (fact.value(world) or f"missing: {fact.describe()}", remedy.how if remedy else "")
    return "; ".join(filter(None, said))


def _missing(predicate: Predicate, world: World) -> HostFact | None:
    if isinstance(predicate, AllOf | AnyOf):
        found = (_missing(part, world) for part in predicate.parts)
        return next((fact for fact in found if fact is not None), None)
    if isinstance(predicate, HostFact) and world.truth(predicate) is Truth.NO:
        return predicate
    return None
