"""What is to be looked at, worked out once: fields by where they stand, rules by part.

A part's fields become a tree of its elements, so that looking at a part is one walk over the
elements that are there, however many fields are declared.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domcaps.language.domain import split_path
from domcaps.validate.catalogue import parts, rules

if TYPE_CHECKING:
    from domcaps.language.part import Field, Part
    from domcaps.language.rule import Rule

# a path of plain names: anything else is looked up as it stands
_PLAIN = re.compile(r"[\w:-]+(/[\w:-]+)*")


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field of a part, with the beginning of the codes of its findings.

    `kept` tells that its value may be remembered by the part under the field's name, because a
    rule that reads that name reads this field.
    """

    declared: Field[Any]
    code: str
    kept: bool


@dataclass(eq=False, slots=True)
class Step:
    """One element below a part: the fields in its attributes and text, and what is inside."""

    attributes: dict[str, list[FieldPlan]] = field(default_factory=dict)
    text: list[FieldPlan] = field(default_factory=list)
    children: dict[str, Step] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartPlan:
    """All that is looked at in parts of one class.

    `lookups` are fields whose path is more than names, `defaults` what fields are where the domain
    says nothing.
    """

    kind: type[Part]
    tree: Step
    lookups: tuple[FieldPlan, ...]
    required: tuple[FieldPlan, ...]
    defaults: dict[str, Any]
    rules: tuple[Rule, ...]


@functools.cache
def plans() -> tuple[PartPlan, ...]:
    """Give the plan of every part."""
    by_part = rules()
    return tuple(_plan(kind, by_part) for kind in parts())


@functools.cache
def placed_plans() -> tuple[tuple[str, dict[str, list[PartPlan]]], ...]:
    """Give plans by where their parts stand: the path above, and there by name.

    So a look at what a domain has leads to what must be looked at; the rest costs nothing.
    """
    found: dict[str, dict[str, list[PartPlan]]] = {}
    for plan in plans():
        where = split_path(plan.kind.path or "")
        if where is not None:
            found.setdefault(where.above, {}).setdefault(where.tag, []).append(plan)
    return tuple(found.items())


@functools.cache
def other_plans() -> tuple[PartPlan, ...]:
    """Give the plans of the domain itself, and of parts whose path is more than names."""
    return tuple(plan for plan in plans() if split_path(plan.kind.path or "") is None)


def _plan(kind: type[Part], by_part: dict[type[Part], tuple[Rule, ...]]) -> PartPlan:
    fields = field_plans(kind)
    tree = Step()
    lookups = []
    for planned in fields:
        steps = planned.declared.steps
        if steps and not _PLAIN.fullmatch(steps):
            lookups.append(planned)
        else:
            _plant(tree, steps.split("/") if steps else [], planned)
    return PartPlan(
        kind,
        tree,
        tuple(lookups),
        tuple(planned for planned in fields if planned.declared.required),
        {planned.declared.name: planned.declared.default for planned in fields if planned.kept},
        tuple(rule for base in kind.__mro__ for rule in by_part.get(base, ())),
    )


def field_plans(kind: type[Part]) -> tuple[FieldPlan, ...]:
    """Give the fields of a part with the beginning of their codes."""
    prefix = kebab(kind.__name__)
    return tuple(
        FieldPlan(
            declared,
            f"{prefix}-{declared.name.replace('_', '-').strip('-')}",
            vars_of(kind).get(declared.name) is declared,
        )
        for declared in kind.fields()
    )


def vars_of(kind: type[Part]) -> dict[str, Any]:
    """Give what a class and its bases define, as attribute access would find it."""
    return {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}


def _plant(tree: Step, steps: list[str], planned: FieldPlan) -> None:
    for name in steps:
        tree = tree.children.setdefault(name, Step())
    if planned.declared.attribute:
        tree.attributes.setdefault(planned.declared.attribute, []).append(planned)
    else:
        tree.text.append(planned)


def kebab(name: str) -> str:
    """Write a class's name as codes are written: ``TpmBackend`` becomes ``tpm-backend``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
