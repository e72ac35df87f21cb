"""A reason as lines for people: what is required, and what was observed.

A group of requirements that are not met shows only those of its parts that fail: a tick below an
error would read as a contradiction. A reason that holds although it belongs to an error is the
cause of the failure; its statements are marked as facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.truth import ALL, ANY, NONE, Truth
from domcaps.language.wording import alternatives
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.language.truth import Reason

MET, FAILED, UNKNOWN, FACT = "✓", "✗", "?", "·"
"""The marks of lines: a requirement that is met, that is not, that is undecided; a bare fact."""

_ALTERNATIVE = late_pattern(
    r"(requires (?:architecture|(?:machine|virtualization) type)) (\S.*) (\(here: [^)]*\))"
)


class ReasonLine(NamedTuple):
    """One line: how far to the right, its mark, the sentence, and where it was read."""

    depth: int
    mark: str
    text: str
    seen: str = ""


def reason_lines(reason: Reason, *, of_error: bool = False) -> tuple[ReasonLine, ...]:
    """Give the lines of a reason; `of_error` tells that it is the reason of a finding."""
    if of_error and reason.truth is Truth.YES:
        return tuple(_facts(reason))
    return tuple(_lines(reason, 0, wanted=True))


def shown_lines(reason: Reason, *, of_error: bool = False) -> tuple[str, ...]:
    """Give the same as texts, indented, without where it was read."""
    lines = reason_lines(reason, of_error=of_error)
    return tuple(f"{'  ' * line.depth}{line.mark} {line.text}" for line in lines)


def _facts(reason: Reason) -> Iterator[ReasonLine]:
    """Give what holds as facts, without the words that only combine."""
    inner = [one for one in reason.because if one.truth is Truth.YES]
    if reason.statement not in {ALL, ANY, NONE}:
        yield ReasonLine(0, FACT, reason.sentence, _seen(reason))
    for one in inner:
        yield from _facts(one)


def _lines(reason: Reason, depth: int, *, wanted: bool) -> Iterator[ReasonLine]:
    if reason.statement == NONE:
        for one in reason.because:
            yield from _lines(one, depth, wanted=not wanted)
        return
    met = reason.truth is Truth.of(wanted)
    parts = _parts(reason)
    if reason.statement in {ALL, ANY}:
        shown = [line for one in parts for line in _lines(one, depth + 1, wanted=wanted)]
        shown = _merged(shown)
        if sum(line.depth == depth + 1 for line in shown) == 1:
            yield from (line._replace(depth=line.depth - 1) for line in shown)
            return
        # of a negated group the roles are changed
        every = (reason.statement == ALL) is wanted
        yield ReasonLine(depth, _mark(reason, met=met), ALL if every else ANY)
        yield from shown
        return
    yield ReasonLine(depth, _mark(reason, met=met), _text(reason, wanted=wanted), _seen(reason))
    for one in parts:
        yield from _lines(one, depth + 1, wanted=wanted)


def _parts(reason: Reason) -> Sequence[Reason]:
    """Give the parts to show: of a group those that came out as the group did, or are undecided."""
    if reason.statement not in {ALL, ANY}:
        return reason.because
    return [one for one in reason.because if one.truth is not ~reason.truth]


def _mark(reason: Reason, *, met: bool) -> str:
    if reason.truth is Truth.UNKNOWN:
        return UNKNOWN
    return MET if met else FAILED


def _text(reason: Reason, *, wanted: bool) -> str:
    if wanted or reason.source != "target":
        return reason.sentence
    if reason.truth is Truth.YES:
        return f"not supported where {reason.sentence}"
    if (required := _ALTERNATIVE.fullmatch(reason.sentence)) is not None:
        return f"the {required[1].removeprefix('requires ')} is {reason.value}"
    return reason.sentence


def _seen(reason: Reason) -> str:
    """Say where it was read; of the target the statement says it."""
    return "" if reason.source == "target" else reason.seen


def _merged(lines: list[ReasonLine]) -> list[ReasonLine]:
    """Make one line of those that require one of several values of the same thing."""
    found: list[ReasonLine] = []
    places: dict[tuple[int, str, str], int] = {}
    values: dict[int, list[str]] = {}
    for line in lines:
        match = _ALTERNATIVE.fullmatch(line.text)
        if match is None:
            found.append(line)
            continue
        place = places.setdefault((line.depth, match[1], match[3]), len(found))
        if place == len(found):
            found.append(line)
        values.setdefault(place, []).extend(re.split(r", | or ", match[2]))
        names = list(dict.fromkeys(values[place]))
        found[place] = line._replace(text=f"{match[1]} {alternatives(names)} {match[3]}")
    return found
