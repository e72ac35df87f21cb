"""Evaluating the table: which parts of the document hold, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from domcaps.facts.emulator import Unanswered
from domcaps.language import Element, Enum, Row, Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.language import World


T = TypeVar("T")


class EnumAnswer(msgspec.Struct, frozen=True):
    """An enum with the values that hold."""

    name: str
    values: tuple[str, ...]


class ValuesAnswer(msgspec.Struct, frozen=True):
    """Values without a name of their own in the document."""

    name: str
    values: tuple[str, ...]


class Section(msgspec.Struct, frozen=True):
    """An element with what holds of it.

    `supported` is None for an element that has no such attribute. `has_body` tells whether the
    element can have content, so that one without any is still written with an end tag.
    """

    name: str
    tag: str
    supported: bool | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    has_body: bool = False
    parts: tuple[EnumAnswer | ValuesAnswer | Row | Section, ...] = ()


def evaluate(element: Element, world: World) -> Section | None:
    """Evaluate an element; None where the document does not speak of it."""
    dialect = world.target.dialect
    if not dialect.has_between(element.since, element.until) or not world.truth(element.shown):
        return None
    supported = None if element.supported is None else bool(world.truth(element.supported))
    attributes = element.attributes
    return Section(
        name=element.name,
        tag=element.tag or element.name,
        supported=supported,
        attributes=attributes(world) if callable(attributes) else attributes,
        has_body=bool(element.content),
        parts=() if supported is False else tuple(_parts(element, world)),
    )


def _parts(element: Element, world: World) -> list[EnumAnswer | ValuesAnswer | Row | Section]:
    parts: list[EnumAnswer | ValuesAnswer | Row | Section] = []
    for part in element.content:
        if isinstance(part, Element):
            section = evaluate(part, world)
            parts.extend([section] if section else [])
        elif isinstance(part, Enum):
            parts.extend(_enum(part, world))
        elif isinstance(part, Values):
            parts.append(ValuesAnswer(part.name, _computed(part.compute, world)))
        elif world.target.dialect.has_between(part.since, part.until):
            parts.extend(_computed(part.compute, world))
    return parts


def _computed(compute: Callable[[World], tuple[T, ...]], world: World) -> tuple[T, ...]:
    try:
        return compute(world)
    except Unanswered as unanswered:
        world.unknown.add(f"{unanswered.question} has no answer")
        return ()


def _enum(enum: Enum, world: World) -> list[EnumAnswer]:
    if not world.target.dialect.has_between(enum.since, enum.until) or not world.truth(enum.shown):
        return []
    spoken = enum.spoken(world.target.dialect)
    held = tuple(choice.name for choice in spoken if world.truth(choice.when))
    return [] if enum.only_if_any and not held else [EnumAnswer(enum.name, held)]
