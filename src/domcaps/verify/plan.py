"""What to try: from the table to attempts. Nothing is started here.

Every choice of the report is tried, whether it is promised or not, and so is all that an element
computes (CPU models, images, limits) or only says yes or no to. What is promised is what the report
prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import table
from domcaps.language import Element, Enum
from domcaps.language.qemu_args import Alternatives, NotTriable, QemuArgs, alternatives_of
from domcaps.report.document import build
from domcaps.report.flat import flatten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from domcaps.language import Choice, World
    from domcaps.language.qemu_args import ArgsSource

MACHINE = "machine"
"""The path of the machine type itself: all else is tried on top of it."""

_UNSAID = NotTriable("the table does not say the QEMU arguments")


class Attempt(msgspec.Struct, frozen=True):
    """Something to try: its path, whether the report promises it, and the ways to tell QEMU.

    Without ways there is a `reason` why nothing can be tried. Where it is `refuted`, that reason
    is proof enough that it can't be used.
    """

    path: str
    promised: bool
    alternatives: tuple[QemuArgs, ...] = ()
    reason: str = ""
    refuted: bool = False

    @property
    def can_share(self) -> bool:
        """Whether it can be tried together with others, in one run."""
        return bool(self.alternatives) and not self.alternatives[0].is_alone


def plan(world: World, elements: Collection[str] = ()) -> tuple[Attempt, ...]:
    """Give all attempts for a target, the bare machine first.

    `elements` limits them to paths that are, or lie below, one of these.
    """
    statements = flatten(build(world))
    attempts = [Attempt(MACHINE, promised=True, alternatives=(QemuArgs(),))]
    for element in table():
        attempts += _of_element(element, world, statements, "")
    if not elements:
        return tuple(attempts)
    return tuple(a for a in attempts if a.path == MACHINE or is_below(a.path, elements))


def is_below(path: str, names: Collection[str]) -> bool:
    """Tell whether a path is, or lies below, one of some names."""
    return any(path == n or path.startswith(tuple(n + mark for mark in ".=: ")) for n in names)


def _of_element(
    element: Element, world: World, statements: Mapping[str, str], prefix: str
) -> Iterator[Attempt]:
    if not world.target.dialect.has_between(element.since, element.until):
        return
    path = f"{prefix}{element.name}"
    if element.qemu_args is not None:
        yield _attempt(
            path, alternatives_of(element.qemu_args, world), world, statements.get(path) == "yes"
        )
    for trial in element.trials(world) if element.trials else ():
        said = trial.path in statements if trial.promised is None else trial.promised
        yield _attempt(trial.path, trial.alternatives, world, said)
    for part in element.content:
        if isinstance(part, Element):
            yield from _of_element(part, world, statements, f"{path}.")
        elif isinstance(part, Enum):
            for choice, source in _tellings(part, world):
                name = f"{path}.{part.name}={choice.name}"
                alternatives = alternatives_of(source, world, choice.name)
                yield _attempt(name, alternatives, world, statements.get(name) == "yes")


def _tellings(enum: Enum, world: World) -> Iterator[tuple[Choice, ArgsSource]]:
    dialect = world.target.dialect
    if dialect.has_between(enum.since, enum.until):
        for choice in enum.choices:
            if dialect.has_between(choice.since, choice.until):
                qemu_args = enum.qemu_args if choice.qemu_args is None else choice.qemu_args
                yield choice, _UNSAID if qemu_args is None else qemu_args


def _attempt(path: str, alternatives: Alternatives, world: World, promised: bool) -> Attempt:
    qemu_args = tuple(
        alternative for alternative in alternatives if isinstance(alternative, QemuArgs)
    )
    not_triable = [
        alternative.reason for alternative in alternatives if isinstance(alternative, NotTriable)
    ]
    if not qemu_args:
        # without any way, there is nothing that QEMU could be told
        reason = (
            not_triable[0] if not_triable else "there is no way to tell QEMU of it on this machine"
        )
        return Attempt(path, promised, reason=reason, refuted=not not_triable)
    usable = tuple(alternative for alternative in qemu_args if not _missing(alternative, world))
    if usable:
        return Attempt(path, promised, usable)
    helper = qemu_args[0].helper
    assert helper is not None  # noqa: S101 - a program is missing for each way
    # a promise that rests on a program that is not there is none; without a promise, who knows
    refuted = promised and helper.needed
    return Attempt(path, promised, reason=_missing(qemu_args[0], world), refuted=refuted)


def _missing(qemu_args: QemuArgs, world: World) -> str:
    helper = qemu_args.helper
    if helper is None or world.host.helper(helper.program) is not None:
        return ""
    return f"the program {helper.program!r} is not installed"
