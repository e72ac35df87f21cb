"""Every part and rule of the table, found by standing in a module of `domcaps.elements`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

import domcaps.elements
from domcaps.language.part import Part
from domcaps.language.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(domcaps.elements.__path__, "domcaps.elements."):
        yield importlib.import_module(module.name)


@functools.cache
def parts() -> tuple[type[Part], ...]:
    """Give every part with a path, each once."""
    found: dict[type[Part], None] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Part) and value.path is not None:
                found[value] = None
    return tuple(found)


@functools.cache
def rules() -> dict[type[Part], tuple[Rule, ...]]:
    """Give the rules for each part's class, in the order in which modules state them."""
    found: dict[type[Part], dict[str, Rule]] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Rule):
                found.setdefault(value.part, {})[value.code] = value
    return {part: tuple(by_code.values()) for part, by_code in found.items()}
