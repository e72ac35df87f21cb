"""Whether a domain is accepted, and nothing more: the first error ends the check.

Most rows are refused, and so is each of their domains: the message of a row is about the first one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from domcaps.language.domain import Domain
from domcaps.validate.check import validate
from domcaps.validate.document.parse import read
from domcaps.validate.memo.remaining import remaining_checks_once
from domcaps.validate.silent_check import SilentCheck
from domcaps.validate.target import TargetNotFound, nearest_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import World
    from domcaps.language.finding import Finding
    from domcaps.language.part import Part
    from domcaps.language.rule import Problem
    from domcaps.validate.check import ChecksOf
    from domcaps.validate.checks import Checks
    from domcaps.validate.document.walk import DocumentWalk
    from domcaps.validate.target import OpenWorld


def is_accepted(data: bytes, open_world: OpenWorld) -> bool:
    """Tell whether `validate` accepts a domain that has no comments which leave findings out."""
    source = read(data)
    try:
        resolved = nearest_target(source, open_world)
    except TargetNotFound:
        return False
    if resolved.faults:
        return False
    domain = Domain(source.root, resolved.world)
    check = _UntilFirstError(source, domain, frozenset(), math.inf, schema=False)
    try:
        return not check.everything(remaining_checks_once)
    except _Refused:
        return False


def without_files(emulator: str, open_world: OpenWorld, *named: str | None, **more: str) -> World:
    """Open the target of a domain with an emulator, whichever one the domain names.

    Files are not looked at: domains that stand for a value name some that need not be there.
    """
    _, *rest = named
    world = open_world(emulator, *rest, **more)
    world.look = None
    return world


def first_error(data: bytes, open_world: OpenWorld) -> Finding:
    """Give the first error of a domain that is not accepted."""
    return validate(data, open_world, checks_of=remaining_checks_once).errors[0]


class _Refused(BaseException):
    """The domain has an error; no check may catch this."""


class _UntilFirstError(SilentCheck):
    """A check that ends at the first error, without words for it.

    Devices come first: most rows are refused for one, and the domain's own rules take the longest.
    """

    def _parts(self, walk: DocumentWalk, checks_of: ChecksOf) -> None:
        def devices_first(domain: Domain, walk: DocumentWalk) -> Iterator[tuple[Part, Checks]]:
            left = [*checks_of(domain, walk)]
            return iter(sorted(left, key=lambda one: one[0].node is domain.root))

        super()._parts(walk, devices_first)

    def note_error(self, code: str, found: Problem) -> None:  # noqa: ARG002 - nothing is said
        """End the check."""
        raise _Refused
