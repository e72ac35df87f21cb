"""What is found wrong with a domain: data, from which sentences are made at the edge."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from domcaps.language.fix import Fix
from domcaps.language.reason_lines import shown_lines
from domcaps.language.truth import Reason

MOST_SHOWN = 60
"""A finding repeats that many characters of what it quotes."""


def quoted(text: str) -> str:
    """Quote what a document says, cut where it is long."""
    return repr(text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…")


class Severity(enum.StrEnum):
    """Whether a finding makes a domain unacceptable.

    A warning is a fault in spite of which the domain is accepted. A notice is no fault: the domain
    works, but less well than it could, or something in it is not checked.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Stage(enum.StrEnum):
    """When libvirt refuses: on definition already, or only when the domain is started."""

    DEFINE = "define"
    START = "start"


VerdictWord = Literal["accepted", "defined, but not started", "refused"]
"""What libvirt would do with a domain."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong, or looks wrong, with a domain.

    `code` is stable. `path` is an XPath of the element or attribute at fault; `line` and `column`
    count from 1, and are 0 where the place has none. `accepted` lists what would be accepted here,
    `reason` leads down to the facts where they decided, and `fixes` are edits that make the rule
    hold, the likeliest first. Where the domain names no target that there is, `as_if` has what was
    taken instead: "machine='q35'". `hosts` names the hosts on which it was found, where several
    were asked.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    stage: Stage = Stage.DEFINE
    path: str = ""
    line: int = 0
    column: int = 0
    accepted: tuple[str, ...] = ()
    reason: Reason | None = None
    fixes: tuple[Fix, ...] = ()
    as_if: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def why(self) -> tuple[str, ...]:
        """The reason for people: a line for each requirement that is not met, or for each fact."""
        return () if self.reason is None else shown_lines(self.reason, of_error=True)

    def __str__(self) -> str:
        """Give one line: the place, the severity, the message and the code."""
        place = f"{self.line}:{self.column}: " if self.line else ""
        when = " (when it is started)" if self.stage is Stage.START else ""
        supposed = f" (checked with {self.as_if} instead)" if self.as_if else ""
        return f"{place}{self.severity.value}{when}: {self.message}{supposed} [{self.code}]"
