"""Facts and target together: all that a predicate may look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.language.truth import Reason, Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.host import HostFacts
    from domcaps.facts.named_files import FileState
    from domcaps.language.predicate import Predicate
    from domcaps.language.target import Target

T = TypeVar("T")

_MOST_TRUTHS = 20_000
_MOST_KEPT = 1000
_REPORT = "virConnectGetDomainCapabilities"


class World:
    """One target on one host, with the facts of its emulator.

    Truths are remembered: the same predicate object is asked once. `unknown` collects the
    statements that could not be decided because the emulator was not asked; what depends on them
    is asked each time, so that they are noted each time. `kept` is a cache for values that
    follow from target and facts alone. `look` looks at a file that a domain names, None where
    that is impossible or forbidden: in a recording, or for a client. `told` are truths that libvirt
    reported, by the identity of the predicate: those of a partial recording, of which the facts are
    not known.
    """

    __slots__ = ("_truths", "emulator", "host", "kept", "look", "target", "told", "unknown")

    def __init__(self, target: Target, emulator: EmulatorFacts, host: HostFacts) -> None:
        self.target: Target = target
        self.emulator: EmulatorFacts = emulator
        self.host: HostFacts = host
        self.unknown: set[str] = set()
        self.kept: dict[Hashable, Any] = {}
        self.look: Callable[[str], FileState | None] | None = None
        self.told: Mapping[int, tuple[Predicate, Truth]] = {}
        self._truths: dict[int, tuple[Predicate, Truth]] = {}

    def take(self, told: Mapping[int, tuple[Predicate, Truth]]) -> None:
        """Take truths that libvirt reported."""
        self.told = told
        self._truths.update(told)

    def again(self) -> World:
        """Give the same world for another question: what is known stays, `unknown` is empty."""
        world = World(self.target, self.emulator, self.host)
        if len(self._truths) > _MOST_TRUTHS:
            # predicates that are made anew for each question are of no use to the next
            self._truths.clear()
            self._truths.update(self.told)
        world._truths = self._truths
        world.told = self.told
        world.kept = self.kept
        world.look = self.look
        return world

    def keep(self, name: Hashable, compute: Callable[[], T]) -> T:
        """Give what follows from the name, target and facts alone; it is computed once."""
        if name in self.kept:
            kept: T = self.kept[name]
            return kept
        value = compute()
        if len(self.kept) < _MOST_KEPT:
            self.kept[name] = value
        return value

    def retargeted(self, **changes: str) -> World:
        """Give the same facts for another target; `changes` are fields of `Target`."""
        target = msgspec.structs.replace(self.target, **changes)
        return World(target, self.emulator, self.host)

    def file_state(self, path: str) -> FileState | None:
        """Give what is known of a file that a domain names, None if it was not probed at it.

        Images of firmware are recorded with the host; at others only a caller can look.
        """
        known = self.host.image_state(path)
        if known is None and self.look is not None:
            return self.look(path)
        return known

    def reason(self, predicate: Predicate) -> Reason:
        """Explain a predicate; of what libvirt reported no more is known."""
        told = self.told.get(id(predicate))
        if told is None:
            return predicate.explain(self)
        word = "reports it" if told[1] else "does not report it"
        return Reason(told[1], f"{predicate.describe()} (libvirt of this host {word})", _REPORT)

    def may_have(self, predicate: Predicate) -> bool:
        """Tell whether something may be offered: it holds, or nothing rules it out.

        Of an emulator that is not there, all may be accepted that its machine type does not rule
        out.
        """
        found = self.truth(predicate)
        return bool(found) or (found is Truth.UNKNOWN and not self.emulator.is_there)

    def truth(self, predicate: Predicate) -> Truth:
        """Evaluate a predicate, or remember what it evaluated to."""
        # by identity: comparing trees would cost more than it saves
        known = self._truths.get(id(predicate))
        if known is not None:
            return known[1]
        truth = predicate.evaluate(self)
        if truth is not Truth.UNKNOWN:
            self._truths[id(predicate)] = (predicate, truth)
        return truth
