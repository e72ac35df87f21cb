"""Every decision about a new domain, found by standing in a module of `domcaps.elements`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.elements import table
from domcaps.errors import RequestError
from domcaps.report.drift import enums_of
from domcaps.similar import close_matches
from domcaps.validate.alternatives import decisions
from domcaps.validate.catalogue.rules import parts

if TYPE_CHECKING:
    from domcaps.choose.wishes import Wish
    from domcaps.language import Enum


def something(name: str) -> tuple[str, ...]:
    """Give every option of a decision but to leave it out."""
    decision = next(decision for decision in decisions() if decision.name == name)
    return tuple(dict.fromkeys(option.value for option in decision.options if option.value))


@functools.cache
def enums() -> dict[str, Enum]:
    """Give every enum of which a wish may set a value, by its path."""
    found = dict(pair for element in table() for pair in enums_of(element))
    for decision in decisions():
        if decision.enum is not None:
            found[decision.name] = decision.enum
    for part in parts():
        for field in part.fields():
            if field.choice is not None and part.path:
                name = f"{part.path.rpartition('/')[2].partition('[')[0]}.{field.choice.name}"
                found.setdefault(name, field.choice)
    return found


def check_value(wish: Wish) -> None:
    """Hold a wish to the values that there are; raises `RequestError`."""
    decision = next((d for d in decisions() if wish.name in {d.each, d.name}), None)
    enum = decision.enum if decision is not None else enums().get(wish.name)
    name = decision.name if decision is not None else wish.name
    if enum is None:
        return
    names = [choice.name for choice in enum.choices]
    if decision is not None:
        names += [option.value for option in decision.options]
    known = [name for name in dict.fromkeys(names) if name]
    for value in (wish.bus,) if wish.kind == "item" else wish.values:
        if value and value not in known:
            near = close_matches(value, known, n=3)
            listed = ", ".join(near or known[:12]) + (" …" if not near and len(known) > 12 else "")
            raise RequestError(
                f"{wish.text}: {name} can't be {value!r}",
                remedy=f"{'near it are' if near else 'it can be'} {listed}",
            )
