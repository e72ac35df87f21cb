"""Every part and rule of the table, found by standing in a module of `domcaps.elements`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.elements import contents_by_class, contents_of
from domcaps.language.part import Part
from domcaps.language.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable


@functools.cache
def parts() -> tuple[type[Part], ...]:
    """Give every part with a path, each once."""
    return _parts_among(contents_by_class(type))


def parts_in(modules: Iterable[str]) -> tuple[type[Part], ...]:
    """Give the parts of some modules."""
    return _parts_among(contents_of(modules))


def rules_in_modules(modules: Iterable[str]) -> tuple[Rule, ...]:
    """Give the rules of some modules, each once."""
    found = {id(value): value for value in contents_of(modules) if isinstance(value, Rule)}
    return tuple(found.values())


def _parts_among(values: Iterable[object]) -> tuple[type[Part], ...]:
    found: dict[type[Part], None] = {}
    for value in values:
        if isinstance(value, type) and issubclass(value, Part) and value.path is not None:
            found[value] = None
    return tuple(found)


@functools.cache
def rules() -> dict[type[Part], tuple[Rule, ...]]:
    """Give the rules for each part's class, in the order in which modules state them.

    Raises `ValueError` where two rules have one code and both count in some release.
    """
    found: dict[type[Part], list[Rule]] = {}
    # a rule that another module imports is still one rule
    for value in {id(one): one for one in contents_by_class(Rule)}.values():
        found.setdefault(value.part, []).append(value)
    _refuse_duplicates([rule for of_part in found.values() for rule in of_part])
    return {part: tuple(of_part) for part, of_part in found.items()}


@functools.cache
def codes_of_hosts() -> frozenset[str]:
    """Give the codes of what is to be repaired on the host, and never by an edit of the domain."""
    return frozenset(rule.code for of_part in rules().values() for rule in of_part if rule.on_host)


def _refuse_duplicates(listed: list[Rule]) -> None:
    by_code: dict[str, list[Rule]] = {}
    for rule in listed:
        for other in by_code.setdefault(rule.code, []):
            if not _follow_each_other(rule, other):
                raise ValueError(f"two rules have the code {rule.code!r}")
        by_code[rule.code].append(rule)


def _follow_each_other(one: Rule, other: Rule) -> bool:
    """Tell whether one rule went before the other came, or as it came."""
    return any(
        earlier.until is not None
        and later.since is not None
        and earlier.until.release <= later.since.release
        for earlier, later in ((one, other), (other, one))
    )
