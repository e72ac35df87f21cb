"""Facts and target together: all that a predicate may look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.host import HostFacts
    from domcaps.language.predicate import Predicate
    from domcaps.language.target import Target
    from domcaps.language.truth import Truth


class World:
    """One target on one host, with the facts of its emulator.

    Truths are remembered: the same predicate object is asked once. `unknown` collects the
    statements that could not be decided because the emulator was not asked.
    """

    __slots__ = ("_truths", "emulator", "host", "target", "unknown")

    def __init__(self, target: Target, emulator: EmulatorFacts, host: HostFacts) -> None:
        self.target = target
        self.emulator = emulator
        self.host = host
        self.unknown: set[str] = set()
        self._truths: dict[int, tuple[Predicate, Truth]] = {}

    def truth(self, predicate: Predicate) -> Truth:
        """Evaluate a predicate, or remember what it evaluated to."""
        # by identity: comparing trees would cost more than it saves
        known = self._truths.get(id(predicate))
        if known is None:
            known = (predicate, predicate.evaluate(self))
            self._truths[id(predicate)] = known
        return known[1]
