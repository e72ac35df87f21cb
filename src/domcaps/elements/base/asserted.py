"""Values that a host asserts to have instead of the computed ones.

A pretended host (``domcaps import --facts``) can so be given what the emulator and the other facts
do not tell. No live host asserts anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.immutable import immutable
from domcaps.language.predicate import Predicate
from domcaps.language.truth import Reason, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.question import QmpCommand
    from domcaps.language.world import World


@immutable
class AssertedOr(Predicate):
    """The host asserts the value, or it asserts nothing there and the other predicate holds."""

    path: str
    value: str
    otherwise: Predicate

    def evaluate(self, world: World) -> Truth:
        """Look at what is asserted, then elsewhere."""
        asserted = world.host.asserted.get(self.path)
        return world.truth(self.otherwise) if asserted is None else Truth.of(self.value in asserted)

    def explain(self, world: World) -> Reason:
        """Speak of assertions only where there are some."""
        if self.path not in world.host.asserted:
            return self.otherwise.explain(world)
        statement = f"the host asserts {self.path}={self.value}"
        return Reason(self.evaluate(world), statement, "host facts: asserted")

    def describe(self) -> str:
        """Describe what counts on a real host."""
        return self.otherwise.describe()

    def in_world(self, world: World) -> Predicate:
        """Give what counts where nothing is asserted."""
        return self if self.path in world.host.asserted else self.otherwise

    def questions(self) -> Iterator[QmpCommand]:
        """Ask what the other predicate asks."""
        return self.otherwise.questions()


def asserted_or(path: str, value: str, otherwise: Predicate) -> Predicate:
    """The host asserts the value, or asserts nothing there and the predicate holds."""
    return AssertedOr(path, value, otherwise)
