"""THE TABLE, in rooms: what a domain may have, and what must hold for it.

Every `Element`, part, rule and decision that stands by itself in a module of this package is part
of the table: `contents` finds it, and nothing has to be registered. In a room ``X.py`` is an
element, ``X_rules.py`` states what must hold of it, ``X_command_line.py`` the QEMU arguments. A
room imports only rooms on lower floors; docs/architecture.md draws them.
`elements/display/video.py` is the specimen: it explains how to read an element.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.elements.index import listed_questions, modules_with_elements, places_of_element
from domcaps.files import module_files
from domcaps.language import Element, Enum, Place, Predicate
from domcaps.language.table import WideDrift

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from types import ModuleType

    from domcaps.facts.question import QmpCommand
    from domcaps.language import Choice


T = TypeVar("T")

_COMMAND_LINE = "_command_line"


@functools.cache
def table() -> tuple[Element, ...]:
    """Give every element, in the order of libvirt's document.

    Only modules that have elements are loaded, as the index names them.
    """
    names = modules_with_elements()
    return _elements(contents_of(names)) if names else made_table()


def made_table() -> tuple[Element, ...]:
    """Give what `table` gives, from all modules."""
    return _elements(contents())


def _elements(values: Iterable[object]) -> tuple[Element, ...]:
    found = [value for value in values if isinstance(value, Element)]
    # an element imported by a sibling, or named beside its parent, is still one element
    unique = {id(element): element for element in found}
    nested = {id(part) for element in unique.values() for part in _parts(element)}
    return tuple(
        sorted(
            (element for key, element in unique.items() if key not in nested),
            key=_order,
        )
    )


def _order(element: Element) -> tuple[int, int, str]:
    return list(Place).index(element.place), element.order, element.name


def contents() -> Iterator[object]:
    """Give everything that stands at the top of a module of the table, modules in order.

    Modules with QEMU arguments are not part of it: they state nothing of a domain, and are
    loaded when a command line is written.
    """
    for values in _by_module():
        yield from values


def contents_by_class(kind: type[T]) -> tuple[T, ...]:
    """Give what is of exactly that class, in the order of the modules; names may repeat a value."""
    found: Any = _by_class().get(kind, ())
    return tuple(found)


@functools.cache
def _by_class() -> dict[type, list[object]]:
    """Sort all values at once: the table has many, and few are searched for."""
    found: dict[type, list[object]] = {}
    for values in _by_module():
        for value in values:
            kind = type(value)
            if kind in found:
                found[kind].append(value)
            else:
                found[kind] = [value]
    return found


def _by_module() -> Iterator[Collection[object]]:
    for name in module_names():
        if not name.endswith(_COMMAND_LINE):
            yield vars(importlib.import_module(name)).values()


def contents_of(names: Iterable[str]) -> Iterator[object]:
    """Give everything that stands at the top of some modules."""
    for name in names:
        yield from vars(importlib.import_module(name)).values()


def elements_named(names: Collection[str]) -> tuple[Element, ...]:
    """Give the elements of those names; others are not loaded where the index has all of them."""
    found: list[Element] = []
    for name in names:
        places = places_of_element(name)
        known = [getattr(importlib.import_module(place), own, None) for place, own in places]
        right = [one for one in known if isinstance(one, Element) and one.name == name]
        if not right or len(right) < len(known):
            return tuple(element for element in table() if element.name in names)
        found += right
    return tuple(sorted(found, key=_order))


def modules() -> tuple[ModuleType, ...]:
    """Import and give every module of this package, those that write command lines included."""
    return tuple(map(importlib.import_module, module_names()))


@functools.cache
def module_names() -> tuple[str, ...]:
    """Name every module: the one walk of this package, rooms included."""
    return tuple(_modules_in(__name__, __path__))


def _modules_in(package: str, folders: Iterable[str]) -> Iterator[str]:
    for name, is_package in module_files(folders):
        full = f"{package}.{name}"
        if not is_package:
            yield full
        else:
            yield from _modules_in(full, importlib.import_module(full).__path__)


def _parts(element: Element) -> Iterator[Element]:
    for part in element.content:
        if isinstance(part, Element):
            yield part
            yield from _parts(part)


@functools.cache
def questions() -> frozenset[QmpCommand]:
    """Give all that the table wants to know of an emulator, beyond what is always asked.

    ``questions.txt`` lists them, so that an emulator is asked before the table is loaded.
    """
    return listed_questions() or made_questions()


def made_questions() -> frozenset[QmpCommand]:
    """Give what `questions` gives, from all modules.

    These are the questions of its elements, and of every predicate and enum that a rule names: they
    stand at the top of a module for that, by themselves or in a table.
    """
    asked: set[QmpCommand] = set()
    for module in modules():
        for value in vars(module).values():
            for found in _predicates(value):
                asked.update(found.questions())
    return frozenset(asked)


def _predicates(value: object) -> Iterator[Element | Predicate]:
    """Give what asks something of an emulator in a value, inside of tables too."""
    if isinstance(value, Element | Predicate):
        yield value
    elif isinstance(value, Enum):
        yield from (choice.when for choice in value.choices)
    elif isinstance(value, Mapping):
        yield from _predicates(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for inside in value:
            yield from _predicates(inside)


def wide_drifts() -> tuple[WideDrift, ...]:
    """Give the drifts that are of many choices at once."""
    unique = {id(value): value for value in contents() if isinstance(value, WideDrift)}
    return tuple(unique.values())


def choices() -> Iterator[tuple[str, Choice]]:
    """Give every choice of the table with its path, such as ``video.modelType=vga``."""
    for element in table():
        yield from element.choices()
