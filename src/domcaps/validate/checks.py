"""What is to be looked at, worked out once: the fields and rules of each part."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domcaps.language.value_types import OneOf
from domcaps.validate.catalogue.rules import parts, rules

if TYPE_CHECKING:
    from domcaps.language.part import Field, Part
    from domcaps.language.rule import Rule


@dataclass(frozen=True, slots=True, eq=False)
class FieldPlan:
    """One field of a part, with the beginning of the codes of its findings.

    `kept` tells that its value may be remembered by the part under the field's name, because a
    rule that reads that name reads this field.
    """

    declared: Field[Any]
    code: str
    kept: bool


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is to be looked at in a part: fields and rules; `values` is what is known beforehand.

    Of the fields, those in `required` must be there.
    """

    values: dict[str, Any]
    fields: tuple[FieldPlan, ...]
    required: tuple[FieldPlan, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PartPlan:
    """All that is looked at in parts of one class; values are the defaults of its fields.

    `whole` tells that such a part holds all others, so that no two are alike.
    """

    kind: type[Part]
    look: Look
    whole: bool


@functools.cache
def plans() -> tuple[PartPlan, ...]:
    """Give the plan of every part."""
    by_part = rules()
    return tuple(_plan(kind, by_part) for kind in parts())


@functools.cache
def looks_for(code: str) -> tuple[PartPlan, ...]:
    """Give plans that look for one code alone."""
    found = []
    for plan in plans():
        # what is known beforehand goes with reading all fields
        look = Look(
            {},
            tuple(one for one in plan.look.fields if code.startswith(f"{one.code}-")),
            tuple(one for one in plan.look.required if code == f"{one.code}-missing"),
            tuple(rule for rule in plan.look.rules if rule.code == code),
        )
        if look.fields or look.required or look.rules:
            found.append(PartPlan(plan.kind, look, plan.whole))
    return tuple(found)


def _plan(kind: type[Part], by_part: dict[type[Part], tuple[Rule, ...]]) -> PartPlan:
    fields = field_plans(kind)
    look = Look(
        {planned.declared.name: planned.declared.default for planned in fields if planned.kept},
        fields,
        tuple(planned for planned in fields if planned.declared.required),
        tuple(rule for base in kind.__mro__ for rule in by_part.get(base, ())),
    )
    return PartPlan(kind, look, whole=kind.path in {"", "devices"})


def field_plans(kind: type[Part]) -> tuple[FieldPlan, ...]:
    """Give the fields of a part with the beginning of their codes."""
    return tuple(
        FieldPlan(
            declared,
            code_of(kind.path or "", declared.path),
            vars_of(kind).get(declared.name) is declared,
        )
        for declared in kind.fields()
    )


def code_of(part: str, field: str) -> str:
    """Write two XML paths as a code: ``devices/disk``, ``target/@bus`` is ``disk-target-bus``.

    Codes are a contract with users, and names in Python are not: only paths count. ``devices`` and
    ``*`` are left out; the value of a condition stays, as in ``memory-dimm-…``.
    """
    words = _words(part.removeprefix("devices/")) or ["domain"]
    return "-".join((*words, *_words(field)))


def _words(path: str) -> list[str]:
    return [_kebab(word) for word in _WORD.findall(path) if word]


def vars_of(kind: type[Part]) -> dict[str, Any]:
    """Give what a class and its bases define, as attribute access would find it."""
    return {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}


def values_of(declared: Field[Any]) -> frozenset[str]:
    """Give the values of a field that has only a few, nothing for others."""
    if declared.choice is not None:
        return frozenset(choice.name for choice in declared.choice.choices)
    return frozenset(declared.kind.names) if isinstance(declared.kind, OneOf) else frozenset()


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace("_", "-").lower()


# names of elements and attributes, and the value of a condition but not the attribute in it
_WORD = re.compile(r"(?<!\[@)(?<![\w-])[\w-]+(?![\w-])")
