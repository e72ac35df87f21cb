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
from domcaps.validate.outline import TELLING
from domcaps.validate.plan import Look
from domcaps.validate.sites import NO_VALUES, PLAIN, site_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.language.table import Enum
    from domcaps.language.world import World
    from domcaps.validate.plan import FieldPlan, PartPlan
    from domcaps.validate.sites import Site

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
        shown: Any = _Shown().at(node, site_of(node))
        part = plan.kind(shown, domain)
        values, fields = _fields(plan, shown, world)
        return Look(
            values,
            fields,
            tuple(p for p in plan.look.required if p.declared.text(node) is None),
            tuple(rule for rule in plan.look.rules if _may_speak(rule, part, world)),
        )


def _fields(
    plan: PartPlan, shown: Any, world: World
) -> tuple[dict[str, Any], tuple[FieldPlan, ...]]:
    """Give the values that the shape tells, and the fields of which more must be seen."""
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
        except (_Hidden, ValueError):
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
    except _Hidden:
        return True
    except Exception:  # noqa: BLE001 - whoever asks in earnest tells what is wrong
        return True
    if world.unknown:
        # what could not be decided is noted for each domain
        world.unknown.clear()
        return True
    return found is not None


class _Hidden(BaseException):
    """A rule wants to see more than a shape; nothing in it must stop this."""


class _Domain:
    """All that is the same for every domain of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arch = world.target.arch
        self.machine = world.target.machine
        self.virttype = world.target.virttype

    def __getattr__(self, name: str) -> Any:
        raise _Hidden(name)


class _Shown:
    """One stand-in for each element, so that the same element is the same stand-in."""

    def __init__(self) -> None:
        self._made: dict[Node, _Stand] = {}

    def at(self, node: Node, site: Site | None) -> _Stand:
        """Give the stand-in for an element; its site tells which of its values count."""
        made = self._made.get(node)
        if made is None:
            made = self._made[node] = _Stand(self, node, site)
        return made


class _Stand:
    """An element as its shape shows it; anything else is hidden."""

    def __init__(self, shown: _Shown, node: Node, site: Site | None) -> None:
        self._shown = shown
        self._node = node
        self._site = site

    def __getattr__(self, name: str) -> Any:
        raise _Hidden(name)

    @property
    def tag(self) -> Any:
        """The element's name."""
        return self._node.tag

    @property
    def text(self) -> str | None:
        """The text, where there is none or it counts."""
        text = self._node.text
        if not text or (self._site is not None and text in self._site.texts):
            return text
        raise _Hidden("text")

    def get(self, name: str, default: Any = None) -> Any:
        """Give an attribute, where it is absent or its value counts."""
        text = self._node.get(name)
        if text is None:
            return default
        few = NO_VALUES if self._site is None else self._site.values.get(name, NO_VALUES)
        if name in TELLING or text in few:
            return text
        raise _Hidden(name)

    def find(self, path: str) -> _Stand | None:
        """Give the first element at a path."""
        return next(self.iterfind(path), None)

    def findall(self, path: str) -> list[_Stand]:
        """Give all elements at a path."""
        return list(self.iterfind(path))

    def findtext(self, path: str, default: str | None = None) -> str | None:
        """Give the text of the first element at a path."""
        found = self.find(path)
        return default if found is None else found.text or ""

    def iterfind(self, path: str) -> Iterator[_Stand]:
        """Give all elements at a path."""
        if not PLAIN.fullmatch(path):
            raise _Hidden(path)
        site = self._site
        for name in path.split("/"):
            site = None if site is None else site.enter(name)
        return iter([self._shown.at(node, site) for node in self._node.iterfind(path)])

    def __iter__(self) -> Iterator[_Stand]:
        """Give what is inside."""
        site = self._site
        inside = [(n, None if site is None else site.enter(str(n.tag))) for n in self._node]
        return iter([self._shown.at(node, at) for node, at in inside])

    def __len__(self) -> int:
        """Count what is inside."""
        return len(self._node)
