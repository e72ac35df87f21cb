"""What may be written at a place of a domain on a host: elements, attributes and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.editor.context import CursorKind
from domcaps.elements import table
from domcaps.elements.boards.families import machines_by_use
from domcaps.facts.emulator import Unanswered
from domcaps.language.predicate import ALWAYS
from domcaps.language.table import Place
from domcaps.language.truth import Truth
from domcaps.validate.alternatives import fields_by_path
from domcaps.validate.schema.vocabulary import pieces, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.editor.context import Context
    from domcaps.language import World
    from domcaps.language.table import Enum
    from domcaps.validate.schema.names import SchemaPlace as Names
    from domcaps.validate.schema.vocabulary import Piece


class Proposal(NamedTuple):
    """One word that may be written; `detail` says on what it depends."""

    word: str
    detail: str = ""


def offers(context: Context, world: World | None) -> list[Proposal]:
    """Give what may be written at a cursor, as this host and release of libvirt accept it.

    Without a `world` everything that libvirt knows is offered.
    """
    if context.kind is CursorKind.ELEMENT:
        found = _elements(context.path, world)
    elif context.kind is CursorKind.ATTRIBUTE:
        found = _attributes(context)
    elif context.kind in {CursorKind.VALUE, CursorKind.TEXT}:
        found = _values(context.path, context.attribute, world)
    else:
        found = iter(())
    unique = {offer.word: offer for offer in reversed(list(found)) if offer.word}
    return [one for one in reversed(unique.values()) if one.word.startswith(context.begun)]


def place_of(path: Iterable[str]) -> Names | None:
    """Give the names that may stand in an element, None where nothing is known of it."""
    names = list(path)
    if not names or names[0] != "domain":
        return None
    place = vocabulary()
    for name in names[1:]:
        inner = place.children.get(name) or place.children.get("*")
        if inner is None:
            return None
        place = inner
    return place


def _elements(path: tuple[str, ...], world: World | None) -> Iterator[Proposal]:
    if not path:
        yield Proposal("domain")
        return
    place = place_of(path)
    lacking = _unsupported(path, world) if world is not None else frozenset()
    for name in sorted(place.children) if place is not None else ():
        if name not in lacking and name != "*":
            yield Proposal(name)


def _unsupported(path: tuple[str, ...], world: World) -> frozenset[str]:
    """Give the elements that the report of a host says no to."""
    places = {
        ("domain", "devices"): Place.DEVICES,
        ("domain",): Place.TOP,
        ("domain", "features"): Place.FEATURES,
    }
    place = places.get(path)
    said: dict[str, bool] = {}
    for element in table():
        if element.place is place and element.supported is not None:
            holds = world.truth(element.supported) is not Truth.NO
            # of an element that stands twice it is enough that one holds
            said[element.name] = said.get(element.name, False) or holds
    return frozenset(name for name, holds in said.items() if not holds)


def _attributes(context: Context) -> Iterator[Proposal]:
    place = place_of(context.path)
    for name in sorted(place.attributes) if place is not None else ():
        if name not in context.attributes and name != "*":
            yield Proposal(name)


def _values(path: tuple[str, ...], attribute: str, world: World | None) -> Iterator[Proposal]:
    where = "/".join(path) + (f"/@{attribute}" if attribute else "")
    of_target = list(_of_target(where, world))
    yield from of_target
    if of_target and where in _OF_EMULATOR:
        return
    for declared in fields_by_path().get(f"/{where}", ()):
        if declared.choice is not None:
            yield from _choices(declared.choice, world)
        else:
            yield from map(Proposal, getattr(declared.kind, "names", ()))
    if f"/{where}" not in fields_by_path():
        yield from map(Proposal, _words(path, attribute))


_OF_EMULATOR = frozenset({"domain/@type", "domain/os/type/@machine", "domain/cpu/model"})
"""Places where the emulator alone says which values there are."""


def _choices(enum: Enum, world: World | None) -> Iterator[Proposal]:
    for choice in enum.choices:
        detail = "" if choice.when is ALWAYS else choice.when.describe()
        if world is None or (
            world.target.dialect.has_between(choice.since, choice.until)
            and world.truth(choice.when) is not Truth.NO
        ):
            yield Proposal(choice.name, detail)


def _of_target(where: str, world: World | None) -> Iterator[Proposal]:
    """Give values that are read of the emulator: machine types, architectures, CPU models."""
    if world is None:
        return
    try:
        if where == "domain/os/type/@machine":
            yield from map(Proposal, _machines(world))
        elif where == "domain/@type":
            yield from map(Proposal, world.emulator.virttypes)
        elif where == "domain/os/type/@arch":
            yield Proposal(world.emulator.arch)
        elif where == "domain/cpu/model":
            yield from _cpu_models(world)
    except Unanswered:
        return


def _machines(world: World) -> Iterable[str]:
    """Give the aliases, then the versions, newest first."""
    known = world.emulator.machines(world.target.virttype)
    aliases = {one.alias: one.name for one in known if one.alias}
    by_use = machines_by_use(known)
    first = [name for name in by_use if name in aliases]
    return dict.fromkeys((*first, *(aliases[name] for name in first), *by_use))


def _cpu_models(world: World) -> Iterator[Proposal]:
    from domcaps.report.capabilities import DomainCapabilities
    from domcaps.report.document import build

    custom = DomainCapabilities(build(world)).cpu.parts.get("custom")
    for row in custom.rows if custom is not None else ():
        usable = dict(row.attributes).get("usable") != "no"
        if row.name == "model" and usable:
            yield Proposal(row.text)


def _words(path: tuple[str, ...], attribute: str) -> Iterator[str]:
    """Give the words that libvirt's schema lists for an attribute or a text."""
    for piece in _pieces(path):
        said = (
            [one.words for one in piece.attributes.get(attribute, ())] if attribute else piece.text
        )
        for words in said:
            for word in words.split("|"):
                name = word.partition("~")[0]
                if name and name[0] not in "^." and not name.isupper():
                    yield name


def _pieces(path: tuple[str, ...]) -> list[Piece]:
    found = [pieces()["domain"]] if path[:1] == ("domain",) else []
    for name in path[1:]:
        found = [p.children[name] for one in found for p in _cases(one) if name in p.children]
    return [case for one in found for case in _cases(one)]


def _cases(piece: Piece) -> Iterator[Piece]:
    yield piece
    for case in piece.cases.values():
        yield from _cases(case)
    for name in piece.others:
        yield from _cases(pieces()[name])
