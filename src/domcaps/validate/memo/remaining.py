"""The one call of this layer: what earlier domains leave to check in the next one.

Everything here only saves time. `domcaps.validate.check.all_checks` has the same form and leaves
nothing out; with either, a domain has the same findings. What was learned is kept for each world,
that is for a target and its facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.validate.memo.shapes import Shapes
from domcaps.validate.memo.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.domain import Domain
    from domcaps.language.part import Part
    from domcaps.language.world import World
    from domcaps.validate.checks import Look
    from domcaps.validate.document.walk import Found
    from domcaps.validate.memo.traces import Left


def remaining_checks(domain: Domain, found: Found) -> Iterator[tuple[Part, Look]]:
    """Give the parts of a domain with what no earlier domain has settled, and learn from it."""
    traces = _traces(domain.world)
    left = traces.left(found, new=domain.new)
    if left is not None:
        return _traced(domain, left)
    traces.note(found, new=domain.new)
    return _by_shape(domain, found)


def remaining_checks_once(domain: Domain, found: Found) -> Iterator[tuple[Part, Look]]:
    """Do the same for a domain that is thrown away: few others will be built like it."""
    return _by_shape(domain, found)


def _by_shape(domain: Domain, found: Found) -> Iterator[tuple[Part, Look]]:
    """Give every part, with what its shape leaves to check."""
    shapes = _shapes(domain.world)
    for plan in found.plans(domain.world.target.dialect):
        for part in domain.all(plan.kind):
            yield part, shapes.look(part.node, plan, found.shape_of(part.node))


def _traced(domain: Domain, left: tuple[Left, ...]) -> Iterator[tuple[Part, Look]]:
    """Give the parts in which documents of the same skeleton left something to check."""
    for plan, which, look in left:
        parts = domain.all(plan.kind)
        for part in parts if which is None else (parts[which],):
            yield part, look


def _shapes(world: World) -> Shapes:
    found: Shapes = world.kept.get("shapes") or world.kept.setdefault("shapes", Shapes(world))
    return found


def _traces(world: World) -> Traces:
    found: Traces | None = world.kept.get("traces")
    return found or world.kept.setdefault("traces", Traces(world, _shapes(world)))
