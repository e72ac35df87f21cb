"""The one call of this layer: what earlier domains leave to check in the next one.

Everything here only saves time. `domcaps.validate.check.all_checks` has the same form and leaves
nothing out; with either, a domain has the same findings. What was learned is kept for each world,
that is for a target and its facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.validate.memo.guards import DomainGuards, contents
from domcaps.validate.memo.shapes import ShapeMemo
from domcaps.validate.memo.traces import TraceMemo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.domain import Domain
    from domcaps.language.part import Part
    from domcaps.language.world import World
    from domcaps.validate.checks import Checks
    from domcaps.validate.document.walk import DocumentWalk
    from domcaps.validate.memo.traces import RemainingCheck


def remaining_checks(domain: Domain, walk: DocumentWalk) -> Iterator[tuple[Part, Checks]]:
    """Give the parts of a domain with what no earlier domain has settled, and learn from it."""
    if domain.world.emulator.is_partial:
        return _by_shape(domain, walk)
    traces = _traces(domain.world)
    remaining = traces.remaining(walk, new=domain.new)
    if remaining is not None:
        domain.order = walk.order
        return _traced(domain, remaining)
    return _by_shape(domain, walk)


def remaining_checks_once(domain: Domain, walk: DocumentWalk) -> Iterator[tuple[Part, Checks]]:
    """Do the same for a domain that is thrown away: few others will be built like it."""
    return _by_shape(domain, walk)


def _by_shape(domain: Domain, walk: DocumentWalk) -> Iterator[tuple[Part, Checks]]:
    """Give every part, with what its shape leaves to check."""
    if domain.world.emulator.is_partial:
        # much is unknown there, and of that nothing can be learned
        yield from _all(domain, walk)
        return
    if not _MET:
        # many processes judge one domain, which is sooner looked at than learned from
        _MET.append(True)
        yield from _all(domain, walk)
        return
    shapes, guards = _shapes(domain.world), _guards(domain.world)
    there = contents(domain.root, (part_checks.kind for part_checks in walk.nodes))
    for part_checks in walk.part_checks(domain.world.target.dialect):
        if not part_checks.kind.path:
            checks = guards.remaining(part_checks, there)
            if checks.rules or checks.fields or checks.required:
                yield domain.all(part_checks.kind)[0], checks
            continue
        for part in domain.all(part_checks.kind):
            checks = shapes.remaining(part.node, part_checks, walk)
            if checks.rules or checks.fields or checks.required:
                yield part, checks


_MET: list[bool] = []
"""Holds something as soon as this process has met a domain."""


def _all(domain: Domain, walk: DocumentWalk) -> Iterator[tuple[Part, Checks]]:
    """Give every part, with all that is declared to be checked of it."""
    for part_checks in walk.part_checks(domain.world.target.dialect):
        for part in domain.all(part_checks.kind):
            yield part, part_checks.checks


def _traced(domain: Domain, remaining: tuple[RemainingCheck, ...]) -> Iterator[tuple[Part, Checks]]:
    """Give the parts in which documents of the same skeleton left something to check."""
    for part_checks, which, checks in remaining:
        parts = domain.all(part_checks.kind)
        for part in parts if which is None else (parts[which],):
            yield part, checks


def _shapes(world: World) -> ShapeMemo:
    found: ShapeMemo = world.kept.get("shapes") or world.kept.setdefault("shapes", ShapeMemo(world))
    return found


def _guards(world: World) -> DomainGuards:
    found: DomainGuards | None = world.kept.get("guards")
    return found or world.kept.setdefault("guards", DomainGuards(world))


def _traces(world: World) -> TraceMemo:
    found: TraceMemo | None = world.kept.get("traces")
    return found or world.kept.setdefault(
        "traces", TraceMemo(world, _shapes(world), _guards(world))
    )
