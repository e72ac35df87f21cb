"""Values that a host asserts to have instead of the computed ones.

A pretended host (``domcaps import --facts``) can so be given what the emulator and the other facts
do not tell. No live host asserts anything.
"""

from domcaps.language.observed import WorldFact
from domcaps.language.predicate import Predicate
from domcaps.language.world import World


def asserted_or(path: str, value: str, otherwise: Predicate) -> Predicate:
    """The host asserts the value, or asserts nothing there and the predicate holds."""

    def silent(world: World) -> bool:
        return path not in world.host.asserted

    def named(world: World) -> bool:
        return value in world.host.asserted.get(path, ())

    says = WorldFact(f"the host asserts {path}={value}", "host facts: asserted", named)
    nothing = WorldFact(f"the host asserts nothing of {path}", "host facts: asserted", silent)
    return says | (nothing & otherwise)
