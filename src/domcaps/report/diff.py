"""Where two answers differ, in words of the table, with the reason on each side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from domcaps.facts.emulator import Unanswered
from domcaps.language import Reason, Truth
from domcaps.report import cpumodels
from domcaps.report.difference_kinds import (
    DifferenceKind,
    choice_of,
    fields_of,
    kind_and_name,
)
from domcaps.report.document import build
from domcaps.report.explain import explain_all, explain_row
from domcaps.report.flat import flatten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.emulator import MachineType
    from domcaps.language import World


class Difference(msgspec.Struct, frozen=True):
    """One statement that only one side makes, or that they make differently.

    `before` and `after` are the values, "" where that side does not make the statement. The
    reasons tell why, where the table says it in a predicate. `silent` is the release of libvirt
    that does not support it, where the release of the other side does.
    """

    path: str
    before: str
    after: str
    reason_before: Reason | None = None
    reason_after: Reason | None = None
    silent: str = ""

    @property
    def sign(self) -> Literal["+", "-", "~"]:
        """Give ``+`` for what is new, ``-`` for what is gone, ``~`` for what is otherwise."""
        if not self.before or (self.before, self.after) == ("no", "yes"):
            return "+"
        if not self.after or (self.before, self.after) == ("yes", "no"):
            return "-"
        return "~"

    @property
    def kind(self) -> DifferenceKind:
        """What it is about: a machine type, a CPU model, a value of an enum, …"""
        return kind_and_name(self.path, self.before, self.after)[0]

    @property
    def name(self) -> str:
        """The name of what it is about: ``pc-q35-9.0``, ``EPYC``, ``qxl``."""
        return kind_and_name(self.path, self.before, self.after)[1]

    @property
    def choice(self) -> str:
        """What `Host.explain` takes for it, such as ``cpu.custom=EPYC``; "" of a machine type."""
        return choice_of(self.path)

    @property
    def fields_before(self) -> dict[str, str]:
        """The words ``NAME=VALUE`` of `before`, such as those of a CPU model, by name."""
        return fields_of(self.before)

    @property
    def fields_after(self) -> dict[str, str]:
        """The same of `after`."""
        return fields_of(self.after)

    @property
    def because(self) -> tuple[str, ...]:
        """Name the facts that came out otherwise: what the difference comes down to."""
        if self.silent:
            return (f"not reported by libvirt {self.silent}",)
        if self.reason_before is None or self.reason_after is None:
            return ()
        if " " in self.path:
            return tuple(_of_row(self.reason_before, self.reason_after))
        return tuple(changed_facts(self.reason_before, self.reason_after))

    @property
    def _is_gone_machine(self) -> bool:
        """Whether it is a machine type that is gone: its value says nothing of the other side."""
        return self.sign == "-" and self.path.startswith("machine ")

    def __str__(self) -> str:
        """Give one line."""
        if self.sign == "~":
            told = cpumodels.difference(self.path, self.before, self.after)
            if told is not None:
                return f"~ {told}"
            return f"~ {self.path}: {self.before} → {self.after}"
        value = self.after if self.sign == "+" else self.before
        if value in {"yes", "no"}:
            return f"{self.sign} {self.path}"
        return f"{self.sign} {self.path}" + (
            f" (was {value})" if self._is_gone_machine else f": {value}"
        )


def diff(before: World, after: World) -> tuple[Difference, ...]:
    """Compare the answers for two targets, which may be of different hosts.

    Besides what reports say these are the emulators' machine types, which no report lists.
    """
    old, new = _statements(before), _statements(after)
    why_old = {e.path: e for e in explain_all(before)}
    why_new = {e.path: e for e in explain_all(after)}

    def difference(path: str) -> Difference:
        explained = one, other = (
            why_old.get(path) or explain_row(path, before),
            why_new.get(path) or explain_row(path, after),
        )
        reasons = one.reason if one else None, other.reason if other else None
        dialects = before.target.dialect, after.target.dialect
        spoken = [e is not None and e.spoken for e in explained]
        # figures and computed rows have no explanation on either side
        silent = str(dialects[spoken.index(False)]) if sum(spoken) == 1 else ""
        if dialects[0] == dialects[1]:
            silent = ""
        values = old.get(path, ""), new.get(path, "")
        return Difference(path, *values, *reasons, silent=silent)

    return tuple(
        difference(path)
        for path in dict.fromkeys((*old, *new))
        if old.get(path, "") != new.get(path, "")
    )


def _statements(world: World) -> dict[str, str]:
    return cpumodels.joined(flatten(build(world))) | dict(_machines(world))


def _machines(world: World) -> Iterator[tuple[str, str]]:
    """Give each machine type, and what an alias such as ``q35`` stands for."""
    try:
        known = world.emulator.machines(world.target.virttype)
    except Unanswered:
        return
    for machine in sorted(known, key=_by_version):
        yield f"machine {machine.name}", "deprecated" if machine.deprecated else "yes"
        if machine.alias:
            yield f"machine {machine.alias}", machine.name


def _by_version(machine: MachineType) -> list[tuple[int, str]]:
    """Sort names by their words and numbers: QEMU lists them in an order that means nothing."""
    words = re.split(r"(\d+)", machine.name)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]


def changed_facts(before: Reason, after: Reason) -> Iterator[str]:
    """Name what two reasons for the same statement see differently, each fact once."""
    old, new = dict(_facts(before)), dict(_facts(after))
    for statement in dict.fromkeys((*old, *new)):
        one, other = old.get(statement), new.get(statement)
        if one is not None and other is not None and one.truth is not other.truth:
            source = f" [{other.source}]" if other.source else ""
            yield f"{_plain(statement)}: {one.truth.value} → {other.truth.value}{source}"


def _of_row(before: Reason, after: Reason) -> Iterator[str]:
    """Name what decides on a computed row on one side only, such as features that block a model."""
    if before.statement != after.statement:
        sides = zip(("first", "second"), (before, after), strict=True)
        yield from (f"on the {side} host: {_plain(why.sentence)}" for side, why in sides)
        return
    old, new = ({inner.statement: inner for inner in why.because} for why in (before, after))
    yield from changed_facts(before, after)
    for statement in dict.fromkeys((*old, *new)):
        if (statement in old) == (statement in new):
            continue
        found, side, whole = (
            (old[statement], "first", before)
            if statement in old
            else (new[statement], "second", after)
        )
        if before.truth is not after.truth and found.truth is not whole.truth:
            # it does not decide: a processor may have what QEMU can't provide
            continue
        told = f" [{found.value}]" if found.value else ""
        # one negation: a sentence that is denied would have two
        word = {Truth.YES: "true", Truth.NO: "false"}.get(found.truth, "unknown")
        yield f"{word} on the {side} host only: {_plain(found.statement)}{told}"


def _facts(reason: Reason) -> Iterator[tuple[str, Reason]]:
    """Give the leaves, by a statement that does not tell of one side only."""
    for inner in reason.because:
        yield from _facts(inner)
    if not reason.because:
        yield reason.statement.removesuffix(f" (here: {reason.value})"), reason


def _plain(statement: str) -> str:
    return statement if len(statement) <= 100 else f"{statement[:99]}…"
