"""Defects that a slip could bring into the table, and how they are planted in memory.

Every predicate is changed in each way that a slip could change it: negated, made always or never
true, one part left out or negated, "and" and "or" exchanged. A `Defect` is of one place where the
table holds a predicate; a `NamedDefect` is of a predicate itself, wherever it is asked.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import force_setattr
from mutants import NOT_JUDGED, short_name

import domcaps.elements
from domcaps.elements import table
from domcaps.language import ALWAYS, NEVER, Choice, Element, Enum, Predicate, World
from domcaps.language.predicate import AllOf, AnyOf, Not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from domcaps.language.truth import Truth


class Defect(NamedTuple):
    """A predicate that the table holds at some place, and one that it could be by a slip.

    `top` is the element of the report that comes out differently, None for what no report shows.
    """

    name: str
    top: Element | None
    holder: Element | Enum | Choice
    attribute: str
    slipped: Predicate

    @property
    def sound(self) -> Predicate:
        """The predicate as it is."""
        predicate: Predicate = getattr(self.holder, self.attribute)
        return predicate

    @property
    def word(self) -> str:
        """What a domain says that uses it."""
        return self.holder.name

    def plant(self) -> Callable[[], None]:
        """Put it into the table; gives what takes it out again."""
        before = self.sound
        force_setattr(self.holder, self.attribute, self.slipped)
        return lambda: force_setattr(self.holder, self.attribute, before)


class NamedDefect(NamedTuple):
    """A predicate that rules name, and one that it could be by a slip."""

    name: str
    sound: Predicate
    slipped: Predicate
    word: str = ""
    top: None = None

    def plant(self) -> Callable[[], None]:
        """Have every world answer what the slipped one would; gives what takes it out again."""
        before = World.truth

        def truth(world: World, predicate: Predicate) -> Truth:
            return before(world, self.slipped if predicate is self.sound else predicate)

        World.truth = truth  # type: ignore[assignment,method-assign]

        def restore() -> None:
            World.truth = before  # type: ignore[method-assign]

        return restore


def slips(predicate: Predicate) -> Iterator[tuple[str, Predicate]]:
    """Give every predicate that differs by one slip."""
    yield "negated", Not(predicate)
    if predicate is not ALWAYS:
        yield "always", ALWAYS
    if predicate is not NEVER:
        yield "never", NEVER
    yield from _inner_slips(predicate)


def _inner_slips(predicate: Predicate) -> Iterator[tuple[str, Predicate]]:
    if isinstance(predicate, Not):
        for name, slipped in _inner_slips(predicate.part):
            yield f"not ({name})", Not(slipped)
    if not isinstance(predicate, AllOf | AnyOf):
        return
    other = AnyOf if isinstance(predicate, AllOf) else AllOf
    yield "and/or exchanged", other(predicate.parts)
    kind = type(predicate)
    for position, part in enumerate(predicate.parts):
        before, after = predicate.parts[:position], predicate.parts[position + 1 :]
        yield f"without ({part.describe()})", kind(before + after)
        yield f"({part.describe()}) negated", kind((*before, Not(part), *after))
        for name, slipped in _inner_slips(part):
            yield f"({part.describe()}) {name}", kind((*before, slipped, *after))


def defects() -> Iterator[Defect]:
    """Give every defect of the report."""
    for element in table():
        yield from _of_element(element, element, element.name)


def _of_element(top: Element, element: Element, path: str) -> Iterator[Defect]:
    since = f" since {element.since}" * bool(element.since)
    for attribute in ("shown", "supported"):
        predicate = getattr(element, attribute)
        for how, slipped in slips(predicate) if predicate is not None else ():
            yield Defect(f"{path}{since} {attribute}: {how}", top, element, attribute, slipped)
    for part in element.content:
        if isinstance(part, Element):
            yield from _of_element(top, part, f"{path}.{part.name}")
        elif isinstance(part, Enum):
            yield from _of_enum(top, part, f"{path}.{part.name}")


def _of_enum(top: Element | None, enum: Enum, path: str) -> Iterator[Defect]:
    if top is not None:
        for how, slipped in slips(enum.shown):
            yield Defect(f"{path} shown: {how}", top, enum, "shown", slipped)
    for choice in enum.choices:
        since = f" since {choice.since}" * bool(choice.since)
        until = f" until {choice.until}" * bool(choice.until)
        for how, slipped in slips(choice.when):
            name = f"{path}={choice.name}{since}{until}: {how}"
            yield Defect(name, top, choice, "when", slipped)


def defects_of_rules() -> Iterator[Defect | NamedDefect]:
    """Give every defect of what only rules of domains ask: predicates with a name, other enums."""
    known = {id(part) for element in table() for part in _insides(element)}
    known |= {id(ALWAYS), id(NEVER)}
    for path, found in _all_found():
        if id(found) in known:
            continue
        known.add(id(found))
        if isinstance(found, Enum):
            yield from _of_enum(None, found, f"{path.partition('.')[0]}:{found.name}")
            continue
        # what the slipped one is made of must not be the one that answers with the slipped one
        for how, slipped in slips(copy.copy(found)):
            yield NamedDefect(f"{path}: {how}", found, slipped)


def _all_found() -> Iterator[tuple[str, Predicate | Enum]]:
    """Give the predicates and enums that the table's modules name."""
    for module in domcaps.elements.modules():
        if short_name(module) not in NOT_JUDGED:
            for name, value in _own(module):
                yield from _found(value, f"{short_name(module)}.{name}")


def _own(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Give what a module names itself, not what it imports."""
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for node in (node for target in targets for node in ast.walk(target)):
                if isinstance(node, ast.Name):
                    yield node.id, getattr(module, node.id)


def _insides(element: Element) -> Iterator[object]:
    yield from element.predicates()
    for part in element.content:
        yield part
        if isinstance(part, Element):
            yield from _insides(part)


def _found(value: Any, path: str) -> Iterator[tuple[str, Predicate | Enum]]:
    """Give the predicates and enums in a value, however deep."""
    if isinstance(value, Predicate | Enum):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _found(inner, f"{path}[{key}]")
    elif isinstance(value, tuple | list):
        for number, inner in enumerate(value):
            yield from _found(inner, f"{path}[{number}]")
    elif type(value).__module__.startswith("domcaps.elements.") and dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            yield from _found(getattr(value, part.name), f"{path}.{part.name}")


def fresh(world: World) -> World:
    """Give the same world without remembered truths."""
    return World(world.target, world.emulator, world.host)
