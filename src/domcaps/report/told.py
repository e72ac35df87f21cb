"""What libvirt reported, in the place of facts: the worlds of a partial recording.

A partial recording has the reports of a libvirt (`domcaps.facts.question.report_of`) and few facts.
A report says of each of its values whether libvirt accepts it; so the predicate of that value has a
truth, whatever it depends on. A predicate that the known facts decide keeps its truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import table
from domcaps.errors import DomcapsError, UnsupportedTargetError
from domcaps.facts import bounded
from domcaps.facts.emulator import LIBVIRT_SESSION, Unanswered
from domcaps.facts.question import report_of
from domcaps.language import Element, Enum, Place, World
from domcaps.language.dialect import AUTO, dialect_for
from domcaps.language.target import Flags
from domcaps.language.truth import Truth
from domcaps.report.answer import EnumAnswer, Section
from domcaps.report.document import REPORTED, Document
from domcaps.report.read import read_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.language import Dialect, Predicate

    Told = Iterator[tuple[Predicate, Truth]]


def with_report(world: World) -> World:
    """Have a world answer with what libvirt reported for its target; others are left as they are.

    Costs the reading of one report, about three milliseconds.
    """
    if not world.emulator.is_partial:
        return world
    dialect = dialect_for(AUTO, world.host.record.libvirt)
    try:
        found = reported(world, dialect)
    except DomcapsError as error:
        world.kept[REPORTED] = error
        return world
    world.take(_decided_by(found, world, dialect))
    world.kept[REPORTED] = _as_wanted(found, world, dialect)
    return world


def reported(world: World, dialect: Dialect) -> Document:
    """Read the report for the target of a world.

    Raises `UnsupportedTargetError` where libvirt was not asked for it, `InputError` where it can't
    be read.
    """
    target = world.target
    try:
        answer = world.emulator.answer(
            report_of(target.arch, target.machine, target.virttype), LIBVIRT_SESSION
        )
        text = bounded.decode(answer.reply, str)
    except (Unanswered, bounded.TooMuch, msgspec.DecodeError, ValueError) as error:
        raise UnsupportedTargetError(
            f"libvirt of this host was not asked about {target.virttype} guests of type "
            f"{target.machine!r}",
            where=target.emulator,
            remedy=_REMEDY,
        ) from error
    return read_report(text.encode(errors="replace"), target.emulator, str(dialect))


_REMEDY = "name another target, or record the host itself: 'domcaps fleet push' there"


def _as_wanted(found: Document, world: World, dialect: Dialect) -> Document | DomcapsError:
    """Give the report, or the error for a release or an option for which libvirt was not asked."""
    target = world.target
    if target.dialect == dialect and target.flags == Flags():
        return found
    wanted = f"libvirt {target.dialect}" if target.dialect != dialect else "these options"
    return UnsupportedTargetError(
        f"this host's reports are those of its own libvirt {dialect}, and not of {wanted}",
        where=target.emulator,
        remedy=_REMEDY,
    )


def _decided_by(
    found: Document, world: World, dialect: Dialect
) -> dict[int, tuple[Predicate, Truth]]:
    """Give the truths that a report tells, of predicates that the known facts leave open."""
    told: dict[int, tuple[Predicate, Truth]] = {}
    torn: set[int] = set()
    for predicate, truth in _statements(found, dialect):
        known = told.setdefault(id(predicate), (predicate, truth))
        if known[1] is not truth:
            torn.add(id(predicate))
    # two values that the table decides alike, and libvirt does not
    plain = World(world.target, world.emulator, world.host)
    return {
        name: known
        for name, known in told.items()
        if name not in torn and known[0].evaluate(plain) is Truth.UNKNOWN
    }


def _statements(found: Document, dialect: Dialect) -> Told:
    sections = {Place.TOP: found.top, Place.DEVICES: found.devices, Place.FEATURES: found.features}
    for element in table():
        yield from _element(element, sections[element.place], dialect)


def _element(element: Element, sections: Iterable[object], dialect: Dialect) -> Told:
    there = (s for s in sections if isinstance(s, Section) and s.name == element.name)
    section = next(there, None)
    if section is None or not dialect.has_between(element.since, element.until):
        return
    if element.supported is not None and section.supported is not None:
        yield element.supported, Truth.of(section.supported)
    for part in element.content:
        if isinstance(part, Element):
            yield from _element(part, section.parts, dialect)
        elif isinstance(part, Enum):
            yield from _enum(part, section, dialect)


def _enum(enum: Enum, section: Section, dialect: Dialect) -> Told:
    """Give the truths of values; an enum that is not printed tells nothing of its values.

    Of an element that is not supported no value is.
    """
    if not dialect.has_between(enum.since, enum.until):
        return
    answers = (p for p in section.parts if isinstance(p, EnumAnswer) and p.name == enum.name)
    answer = next(answers, None)
    if answer is None and section.supported is not False:
        return
    held = answer.values if answer is not None else ()
    for choice in enum.spoken(dialect):
        yield choice.when, Truth.of(choice.name in held)
