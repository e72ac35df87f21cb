"""What remains to be looked at in parts of one shape, worked out once.

Most rules look for something that most parts do not have. In one world a rule that looks at nothing
but a part's shape (see `domcaps.validate.outline`) says the same of all parts of that shape, which
mostly is nothing. So each rule is tried on the first part of a shape, through a stand-in that gives
away the shape alone. A rule that ends without a finding is not asked again about that shape; one
that finds something, fails, or wants to see more is asked about each part. It is the same with
fields: those whose values count for the shape are read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.truth import Truth
from domcaps.validate.plan import Look
from domcaps.validate.sites import site_of
from domcaps.validate.stands import Hidden, Shown

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.language.table import Enum
    from domcaps.language.world import World
    from domcaps.validate.plan import FieldPlan, PartPlan

_MOST_LOOKS = 5000


class Shapes:
    """What is left to look at for each shape, in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[tuple[PartPlan, int], Look] = {}

    def look(self, part: Part, plan: PartPlan, shape: int) -> Look:
        """Say what must be looked at in a part."""
        found = self._known.get((plan, shape))
        if found is None:
            if len(self._known) >= _MOST_LOOKS:
                self._known.clear()
            found = self._known[plan, shape] = self._remaining(plan, part.node)
        return found

    def _remaining(self, plan: PartPlan, node: Node) -> Look:
        world = self._world.again()
        domain: Any = _Domain(world)
        shown: Any = Shown().at(node, site_of(node))
        return remaining(plan, plan.kind(shown, domain), world)


def remaining(plan: PartPlan, part: Part, world: World) -> Look:
    """Say what must be looked at in a part, going by what its stand-in shows."""
    values, fields = _fields(plan, part.node, world)
    hidden = {planned.declared.name for planned in fields}
    part.__dict__.update((name, values[name]) for name in values.keys() - hidden)
    return Look(
        values,
        fields,
        tuple(planned for planned in plan.look.required if not _is_there(planned, part.node)),
        tuple(rule for rule in plan.look.rules if _may_speak(rule, part, world)),
    )


def _is_there(planned: FieldPlan, shown: Any) -> bool:
    try:
        return planned.declared.text(shown) is not None
    except Hidden:
        return True


def _fields(
    plan: PartPlan, shown: Any, world: World
) -> tuple[dict[str, Any], tuple[FieldPlan, ...]]:
    """Give the values that are shown, and the fields of which more must be seen."""
    values = dict(plan.look.values)
    left = []
    for planned in plan.look.fields:
        declared = planned.declared
        if declared.since or declared.of:
            left.append(planned)
            continue
        try:
            text = declared.text(shown)
            if text is None:
                continue
            value = declared.kind.parse(text)
        except (Hidden, ValueError):
            left.append(planned)
            continue
        if declared.choice is not None and not _holds(declared.choice, text, world):
            left.append(planned)
        elif planned.kept:
            values[declared.name] = value
    world.unknown.clear()
    return values, tuple(left)


def _holds(enum: Enum, text: str, world: World) -> bool:
    choice = enum.find(text, world.target.dialect)
    return choice is not None and world.truth(choice.when) is Truth.YES


def _may_speak(rule: Rule, part: Any, world: World) -> bool:
    try:
        found = next(rule.check(part), None)
    except Hidden:
        return True
    except Exception:  # noqa: BLE001 - whoever asks in earnest tells what is wrong
        return True
    if world.unknown:
        # what could not be decided is noted for each domain
        world.unknown.clear()
        return True
    return found is not None


class _Domain:
    """All that is the same for every domain of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arch = world.target.arch
        self.machine = world.target.machine
        self.virttype = world.target.virttype

    def __getattr__(self, name: str) -> Any:
        raise Hidden(name)
