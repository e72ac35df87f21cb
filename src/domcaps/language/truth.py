"""Three truth values, and the reason for one as data."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from domcaps.language.wording import denied
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Truth(enum.StrEnum):
    """Yes, no, or unknown: the emulator was not asked what the answer depends on."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @staticmethod
    def of(value: bool) -> Truth:
        """Turn a known truth into one of the three."""
        return Truth.YES if value else Truth.NO

    def __bool__(self) -> bool:
        """Count the unknown as no: nothing is promised that is not known."""
        return self is Truth.YES

    def __invert__(self) -> Truth:
        """Negate; the opposite of unknown is unknown."""
        if self is Truth.UNKNOWN:
            return self
        return Truth.of(self is Truth.NO)


def all_of(truths: Iterable[Truth]) -> Truth:
    """Give NO if one is NO, else UNKNOWN if one is UNKNOWN, else YES."""
    result = Truth.YES
    for truth in truths:
        if truth is Truth.NO:
            return truth
        if truth is Truth.UNKNOWN:
            result = truth
    return result


def any_of(truths: Iterable[Truth]) -> Truth:
    """Give YES if one is YES, else UNKNOWN if one is UNKNOWN, else NO."""
    result = Truth.NO
    for truth in truths:
        if truth is Truth.YES:
            return truth
        if truth is Truth.UNKNOWN:
            result = truth
    return result


ALL, ANY, NONE = "all of these are required:", "one of these is required:", "must not be true:"
"""The statements of reasons that only combine others."""
_OF_TARGET = late_pattern(r"the guest's ([a-z ]+?) is (\S.*) \(here: ([^)]*)\)")
"""What a guest's target must be: required values, and the one that it has."""
_COMBINED = frozenset({ALL, ANY, NONE})


class Reason(msgspec.Struct, frozen=True):
    """Why something holds or not: a statement, where it was read, and what it rests on.

    `source` names the QMP command or the file, `at` the place in its reply or content, `value` what
    was found there.
    """

    truth: Truth
    statement: str
    source: str = ""
    because: tuple[Reason, ...] = ()
    at: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Give the statements as lines, those that it rests on further to the right."""
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> Iterator[str]:
        source = f"  [{self.seen}]" if self.seen else ""
        yield f"{indent}{self.truth.value}: {self.statement}{source}"
        for inner in self.because:
            yield from inner._lines(indent + "  ")  # noqa: SLF001 - of the same class

    @property
    def sentence(self) -> str:
        """What was observed: the statement, or its negation where it does not hold."""
        if (named := _OF_TARGET.fullmatch(self.statement)) is not None:
            what, required, value = named.groups()
            met = self.truth is Truth.YES
            return (
                f"the {what} is {value}" if met else f"requires {what} {required} (here: {value})"
            )
        if self.truth is not Truth.NO or self.statement in _COMBINED:
            return self.statement
        return denied(self.statement)

    @property
    def seen(self) -> str:
        """Say in one line where it was read and what was found, "" for what was not read."""
        place = f"{self.source} at {self.at}" if self.source and self.at else self.source
        return f"{place}: {self.value}" if self.value else place
