"""What remains to be looked at in parts of one shape, worked out once.

Most rules look for something that most parts do not have. In one world a rule that looks at nothing
but a part's shape (see `document.shape_ids`) says the same of all parts of that shape, which
mostly is nothing. So when some parts of a shape were met, each rule is tried on one, through nodes
that give away the shape alone, or goes by what parts of other shapes showed (`memo.decisions`). A
rule that ends without a finding is not asked again about that shape; one that finds something,
fails, or wants to see more is asked about each part. It is the same with fields: those whose
values count for the shape are read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.at_start import start_doubt
from domcaps.language.truth import Truth
from domcaps.recent import shared_as
from domcaps.validate.checks import Checks, rules_in
from domcaps.validate.document.shape_ids import NO_SHAPE, names_of
from domcaps.validate.memo.decisions import DecisionTrees
from domcaps.validate.memo.replays import remaining_rule
from domcaps.validate.memo.tracked import NotVisible, ShapeView

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.language.table import Enum
    from domcaps.language.world import World
    from domcaps.validate.checks import FieldCheck, PartChecks
    from domcaps.validate.document.walk import DocumentWalk

_MOST_LOOKS = 5000
ENOUGH = 6
"""So many parts of a shape come before a trial."""


class ShapeMemo:
    """The checks that each shape still needs, in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[tuple[PartChecks, int], Checks] = {}

    def remaining(self, node: Node, part_checks: PartChecks, walk: DocumentWalk) -> Checks:
        """Give the checks that a part still needs, by its element."""
        shape = walk.shape_of(node)
        if part_checks.whole or shape == NO_SHAPE:
            return part_checks.checks
        key = part_checks, shape
        found = self._known.get(key)
        if found is None:
            if _met(key) < ENOUGH:
                # a trial takes as long as some looks, and most shapes are met a few times only
                return self.at_first(node, part_checks, walk)
            if len(self._known) >= _MOST_LOOKS:
                self._known.clear()
            found = self._known[key] = self._remaining(part_checks, node, walk)
        return found

    def at_first(self, node: Node, part_checks: PartChecks, walk: DocumentWalk) -> Checks:
        """Give the checks that a part of a new shape needs: of its fields those that are there."""
        shape = walk.shape_of(node)
        if part_checks.whole or shape == NO_SHAPE:
            return part_checks.checks
        found = self._known.get((part_checks, shape))
        if found is not None:
            return found
        checks, there = part_checks.checks, _there(node)
        return Checks(
            checks.values,
            tuple([one for one in checks.fields if one.sought in there]),
            checks.required,
            rules_in(part_checks, self._world.target.dialect),
        )

    def _remaining(self, part_checks: PartChecks, node: Node, walk: DocumentWalk) -> Checks:
        world = self._world.again()
        position = walk.position_of(node)
        shown: Any = ShapeView().at(node, position)
        values, fields = _fields(part_checks.checks, shown, world)
        kind = part_checks.kind
        rules = tuple(
            rule
            for rule in rules_in(part_checks, world.target.dialect)
            if DECISIONS.may_find(rule, kind, node, position, world)
        )
        required = _required(part_checks.checks, shown)
        key = part_checks, walk.shape_of(node)
        return _shared_checks(key, values, fields, required, rules)


_MET: dict[tuple[PartChecks, int], int] = {}
"""How often shapes were met, in any world."""


def _met(key: tuple[PartChecks, int]) -> int:
    """Count a meeting, and give how many came before."""
    if len(_MET) >= 4 * _MOST_LOOKS:
        _MET.clear()
    before = _MET.get(key, 0)
    _MET[key] = before + 1
    return before


DECISIONS = DecisionTrees()
"""What rules decide by, for all worlds."""


def remaining_of(checks: Checks, part: Part, world: World, numbers: dict[Node, int]) -> Checks:
    """Give the checks that a part still needs, by what its tracked node shows.

    `numbers` are those of the document's elements, by which findings are replayed.
    """
    values, fields = _fields(checks, part.node, world)
    _told(part, values, fields)
    tried = [remaining_rule(rule, part, world, numbers) for rule in checks.rules]
    rules = tuple([rule for rule in tried if rule is not None])
    # few rules are left: they read their fields by themselves, which saves much memory
    return _shared_checks((), {}, fields, _required(checks, part.node), rules)


def _shared_checks(
    key: tuple[object, ...],
    values: dict[str, Any],
    fields: tuple[FieldCheck, ...],
    required: tuple[FieldCheck, ...],
    rules: tuple[Rule, ...],
) -> Checks:
    """Give the same checks for the same of a part, in all worlds."""
    named = key, fields, required, tuple(map(id, rules))
    return shared_as(named, Checks(values, fields, required, rules))


def _told(part: Part, values: dict[str, Any], fields: tuple[FieldCheck, ...]) -> Part:
    """Have a part remember the values that are known."""
    hidden = {field_check.declared.name for field_check in fields}
    part.__dict__.update((name, values[name]) for name in values.keys() - hidden)
    return part


def _required(checks: Checks, shown: Any) -> tuple[FieldCheck, ...]:
    """Give the fields that is required and are not."""
    return tuple(
        field_check for field_check in checks.required if not _is_there(field_check, shown)
    )


def _is_there(field_check: FieldCheck, shown: Any) -> bool:
    try:
        return field_check.declared.text(shown) is not None
    except NotVisible:
        return True


def _fields(
    checks: Checks, shown: Any, world: World
) -> tuple[dict[str, Any], tuple[FieldCheck, ...]]:
    """Give the values that are shown, and the fields of which more must be seen."""
    values = dict(checks.values)
    left = []
    there = _there(shown.node)
    for field_check in checks.fields:
        if field_check.sought not in there:
            continue
        declared = field_check.declared
        if declared.since is not None or declared.of:
            left.append(field_check)
            continue
        try:
            text = declared.text(shown)
            if text is None:
                continue
            value = declared.kind.parse(text)
        except (NotVisible, ValueError):
            left.append(field_check)
            continue
        unknown = declared.choice is not None and not _holds(declared.choice, text, world)
        if (
            unknown
            or not _starts(declared.at_start, text, world)
            or not field_check.has_value(text, world.target.dialect)
        ):
            left.append(field_check)
        elif field_check.memoizable:
            values[declared.name] = value
    world.unknown.clear()
    return values, tuple(left)


def _there(node: Node) -> set[str]:
    """Give the names of what an element has, as `FieldCheck.sought` has them."""
    there = {str(child.tag) for child in node}
    there.update([f"@{name}" for name in names_of(node)])
    there.add("")
    return there


def _holds(enum: Enum, text: str, world: World) -> bool:
    choice = enum.find(text, world.target.dialect)
    return choice is not None and world.truth(choice.when) is Truth.YES


def _starts(enum: Enum | None, text: str, world: World) -> bool:
    """Tell whether nothing speaks against starting with a value; a failure is a doubt as well."""
    choice = None if enum is None else enum.find(text, world.target.dialect)
    return choice is None or not choice.at_start or start_doubt(choice, world) is None
