"""Predicates: small immutable expressions that can be evaluated and explained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from domcaps.language.immutable import immutable
from domcaps.language.truth import ALL, ANY, NONE, Reason, Truth, all_of, any_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.question import QmpCommand
    from domcaps.language.world import World


class Predicate(ABC):
    """Something that is true, false or unknown of a `World`."""

    @abstractmethod
    def evaluate(self, world: World) -> Truth:
        """Give the truth in that world."""

    @abstractmethod
    def explain(self, world: World) -> Reason:
        """Give the same truth with what it rests on."""

    @abstractmethod
    def describe(self) -> str:
        """Say in words what it states, of any world."""

    def in_world(self, world: World) -> Predicate:  # noqa: ARG002 - the same in most worlds
        """Give what it comes down to in that world, in terms of other predicates."""
        return self

    def questions(self) -> Iterator[QmpCommand]:
        """Name what an emulator must be asked, beyond what is always asked."""
        return iter(())

    def __and__(self, other: Predicate) -> Predicate:
        """Both hold."""
        return AllOf(_flatten(AllOf, self, other))

    def __or__(self, other: Predicate) -> Predicate:
        """At least one holds."""
        return AnyOf(_flatten(AnyOf, self, other))

    def __invert__(self) -> Predicate:
        """It does not hold."""
        return Not(self)


def _joined(word: str, parts: tuple[Predicate, ...]) -> str:
    """Join the parts' descriptions, with brackets around those that are joined themselves."""
    texts = (f"({p.describe()})" if isinstance(p, AllOf | AnyOf) else p.describe() for p in parts)
    return f" {word} ".join(texts)


def _flatten(kind: type[AllOf | AnyOf], *parts: Predicate) -> tuple[Predicate, ...]:
    """Join chains of the same operator, so that explanations stay shallow."""
    flat: list[Predicate] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    return tuple(flat)


@immutable
class AllOf(Predicate):
    """Every part holds."""

    parts: tuple[Predicate, ...]

    def evaluate(self, world: World) -> Truth:
        """Stop at the first part that does not hold."""
        return all_of(world.truth(part) for part in self.parts)

    def explain(self, world: World) -> Reason:
        """Explain every part."""
        reasons = tuple(part.explain(world) for part in self.parts)
        return Reason(all_of(r.truth for r in reasons), ALL, because=reasons)

    def describe(self) -> str:
        """Join the parts with ``and``."""
        return _joined("and", self.parts)

    def questions(self) -> Iterator[QmpCommand]:
        """Ask what the parts ask."""
        for part in self.parts:
            yield from part.questions()


@immutable
class AnyOf(Predicate):
    """At least one part holds."""

    parts: tuple[Predicate, ...]

    def evaluate(self, world: World) -> Truth:
        """Stop at the first part that holds."""
        return any_of(world.truth(part) for part in self.parts)

    def explain(self, world: World) -> Reason:
        """Explain every part."""
        reasons = tuple(part.explain(world) for part in self.parts)
        return Reason(any_of(r.truth for r in reasons), ANY, because=reasons)

    def describe(self) -> str:
        """Join the parts with ``or``."""
        return _joined("or", self.parts)

    def questions(self) -> Iterator[QmpCommand]:
        """Ask what the parts ask."""
        for part in self.parts:
            yield from part.questions()


@immutable
class Not(Predicate):
    """The part does not hold."""

    part: Predicate

    def evaluate(self, world: World) -> Truth:
        """Negate the part."""
        return ~world.truth(self.part)

    def explain(self, world: World) -> Reason:
        """Explain the part."""
        reason = self.part.explain(world)
        return Reason(~reason.truth, NONE, because=(reason,))

    def describe(self) -> str:
        """Put ``not`` before it."""
        return f"not ({self.part.describe()})"

    def questions(self) -> Iterator[QmpCommand]:
        """Ask what the part asks."""
        return self.part.questions()


@immutable
class Constant(Predicate):
    """The same in every world, for the reason given."""

    truth: Truth
    statement: str

    def evaluate(self, world: World) -> Truth:  # noqa: ARG002 - the same in every world
        """Give the constant."""
        return self.truth

    def explain(self, world: World) -> Reason:  # noqa: ARG002 - the same in every world
        """Give the constant with its statement."""
        return Reason(self.truth, self.statement)

    def describe(self) -> str:
        """Give the statement."""
        return self.statement


ALWAYS: Predicate = Constant(Truth.YES, "always supported")
NEVER: Predicate = Constant(Truth.NO, "no QEMU offers this")
