"""Every part and rule of the table, found by standing in a module of `domcaps.elements`."""

from __future__ import annotations

import functools

from domcaps.elements import contents
from domcaps.language.part import Part
from domcaps.language.rule import Rule


@functools.cache
def parts() -> tuple[type[Part], ...]:
    """Give every part with a path, each once."""
    found: dict[type[Part], None] = {}
    for value in contents():
        if isinstance(value, type) and issubclass(value, Part) and value.path is not None:
            found[value] = None
    return tuple(found)


@functools.cache
def rules() -> dict[type[Part], tuple[Rule, ...]]:
    """Give the rules for each part's class, in the order in which modules state them."""
    found: dict[type[Part], dict[int, Rule]] = {}
    for value in contents():
        if isinstance(value, Rule):
            found.setdefault(value.part, {})[id(value)] = value
    return {part: tuple(by_code.values()) for part, by_code in found.items()}
