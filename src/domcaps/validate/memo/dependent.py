"""Which checks of a domain depend on the value of one attribute or text.

To try many values at one place, most rules need not be called for each: those that do not look at
the place find the same with every value. Each is tried once on tracked nodes that hide the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.domain import Domain
from domcaps.named_tuples import NamedTuple
from domcaps.validate.checks import Checks, rules_in
from domcaps.validate.document.walk import position_of
from domcaps.validate.memo.tracked import DocumentView, NotVisible, TrackedNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.language.world import World
    from domcaps.validate.checks import FieldCheck, PartChecks
    from domcaps.validate.document.walk import DocumentWalk, SchemaPosition


class DependentCheck(NamedTuple):
    """Checks of a part that depend on a place; of all parts of its class if `which` is None."""

    part_checks: PartChecks
    which: int | None
    checks: Checks


def dependent_checks(
    walk: DocumentWalk, world: World, node: Node, attribute: str, *, new: bool
) -> tuple[DependentCheck, ...] | None:
    """Give the checks that decide what is found at a place, which has a value.

    None where it decides which parts there are. `attribute` is "" for the element's text.
    """
    position = position_of(node)
    placed = () if position is None else position.placed
    if attribute in {one.attribute for one in placed if one.attribute}:
        return None
    return tuple(_dependent(walk, world.again(), _PlaceView(walk.order, node, attribute), new=new))


def dependent_parts(
    domain: Domain, found: tuple[DependentCheck, ...]
) -> Iterator[tuple[Part, Checks]]:
    """Give the parts of the same domain with another value, and their dependent checks."""
    for part_checks, which, checks in found:
        parts = domain.all(part_checks.kind)
        for part in parts if which is None else (parts[which],):
            yield part, checks


def _dependent(
    walk: DocumentWalk, world: World, shown: _PlaceView, *, new: bool
) -> Iterator[DependentCheck]:
    root: Any = shown.root
    domain = Domain(root, world, new=new)
    for part_checks in walk.part_checks(world.target.dialect):
        rules = rules_in(part_checks, world.target.dialect)
        try:
            parts = domain.all(part_checks.kind)
        except NotVisible:
            yield DependentCheck(part_checks, None, part_checks.checks)
            continue
        for index, part in enumerate(parts):
            fields = tuple([one for one in part_checks.checks.fields if _is_hidden(one, part)])
            left = tuple([rule for rule in rules if shown.decides(rule, part)])
            required = part_checks.checks.required
            if fields or required or left:
                # what is read is not known beforehand: most fields are not checked
                checks = Checks({}, fields, required, left)
                yield DependentCheck(part_checks, index, checks)


def _is_hidden(field_check: FieldCheck, part: Part) -> bool:
    """Tell whether the text of a field is at the place."""
    try:
        field_check.declared.text(part.node)
    except NotVisible:
        return True
    return False


class _PlaceView(DocumentView):
    """A whole document but for one attribute or text."""

    def __init__(self, order: list[Node], node: Node, attribute: str) -> None:
        self.place = node, attribute
        super().__init__(order, frozenset())

    def at(self, node: Node, position: SchemaPosition | None) -> TrackedNode:
        """Give the tracked node of an element."""
        made = self._made.get(node)
        if made is None:
            kind = _HidingNode if node is self.place[0] else TrackedNode
            made = self._made[node] = kind(self, node, position)
        return made

    def value(self, node: Node, name: str, text: str) -> str:  # noqa: ARG002 - as it is called
        """Give any other text."""
        return text

    def decides(self, rule: Rule, part: Part) -> bool:
        """Tell whether what a rule finds at the place may be another with another value."""
        try:
            return any(self._is_here(found.node, found.attribute) for found in rule.check(part))
        except NotVisible:
            return True
        except Exception:  # noqa: BLE001 - the caller in earnest tells what is wrong
            return True

    def _is_here(self, node: Any, attribute: str) -> bool:
        return (getattr(node, "node", node), attribute) == self.place


class _HidingNode(TrackedNode):
    """The element at the place: all of it is shown but the value there."""

    @property
    def text(self) -> str | None:
        """The text, where it is not the place."""
        self._hide("")
        return self.node.text

    def get(self, name: str, default: Any = None) -> Any:
        """Give an attribute that is not the place."""
        self._hide(name)
        return self.node.get(name, default)

    def _hide(self, name: str) -> None:
        shown: Any = self._shown
        if name == shown.place[1]:
            raise NotVisible(name)
