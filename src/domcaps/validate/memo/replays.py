"""Rules that found the same before: what they found is given again, and they are not called.

A rule that sees the same texts finds the same. Where it ended without a finding it is left out (see
`memo.traces`); where it found something, its finding is bound to the elements of the next document,
by their numbers in it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.recent import shared_as
from domcaps.validate.memo.tracked import NotVisible, TrackedNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part
    from domcaps.language.rule import Problem, Rule
    from domcaps.language.world import World

_MOST = 20
"""A rule that finds more is called for each document: what it found would take much memory."""


class Replay:
    """The check of a rule in documents of one skeleton: problems by the numbers of elements."""

    __slots__ = ("_found", "size")

    def __init__(self, found: tuple[tuple[int, Problem], ...]) -> None:
        self._found = found
        self.size = sum(500 + 2 * len(one.message) for _, one in found)

    def __call__(self, part: Part) -> Iterator[Problem]:
        """Give the problems in the document that a part stands in."""
        order = part.domain.order
        for number, problem in self._found:
            yield msgspec.structs.replace(problem, node=order[number])


def remaining_rule(rule: Rule, part: Part, world: World, numbers: dict[Node, int]) -> Rule | None:
    """Try a rule on a tracked part: None where it finds nothing, a `Replay` where it does.

    The rule itself is given where it has to be called for each document. `numbers` are those of
    the document's elements.
    """
    if rule.live:
        return rule
    try:
        found = list(islice(rule.check(part), _MOST + 1))
    except NotVisible:
        return rule
    except Exception:  # noqa: BLE001 - the caller in earnest tells what is wrong
        return rule
    if world.unknown:
        # what could not be decided is noted for each domain
        world.unknown.clear()
        return rule
    if not found:
        return None
    return rule if len(found) > _MOST else _replayed(rule, found, numbers)


def _replayed(rule: Rule, found: list[Problem], numbers: dict[Node, int]) -> Rule:
    numbered: list[tuple[int, Problem]] = []
    for problem in found:
        shown: Any = problem.node
        number = numbers.get(shown.node) if isinstance(shown, TrackedNode) else None
        if number is None:
            return rule
        nowhere: Any = None
        numbered.append((number, msgspec.structs.replace(problem, node=nowhere)))
    replay = msgspec.structs.replace(rule, check=Replay(tuple(numbered)))
    try:
        return shared_as((id(rule), *numbered), replay)
    except TypeError:
        # something in a problem can't be compared
        return replay


def size_of(rules: tuple[Rule, ...]) -> int:
    """Estimate the bytes that replays among some rules take."""
    return sum([rule.check.size for rule in rules if isinstance(rule.check, Replay)])
