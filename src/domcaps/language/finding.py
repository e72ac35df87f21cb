"""What is found wrong with a domain: data, from which sentences are made at the edge."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from domcaps.language.fix import Fix
from domcaps.language.truth import Reason

MOST_SHOWN = 60
"""A finding repeats that many characters of what it quotes."""


def quoted(text: str) -> str:
    """Quote what a document says, cut where it is long."""
    return repr(text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…")


if TYPE_CHECKING:

    class _SeverityNames(enum.EnumMeta):
        ERROR: Literal[Severity.error]
        WARNING: Literal[Severity.warning]
        NOTICE: Literal[Severity.notice]

    class _StageNames(enum.EnumMeta):
        DEFINE: Literal[Stage.define]
        START: Literal[Stage.start]

else:
    _SeverityNames = _StageNames = enum.EnumMeta


# mypy finds `finding.severity == "eror"` where three things hold: the attribute has the type of a
# union of members; the members have the names of their texts, as mypy compares the names; and the
# enum has a member that the union lacks, else mypy takes the enum for the union. The names in
# capitals are aliases, which type checkers find in the metaclass.


class Severity(enum.StrEnum, metaclass=_SeverityNames):
    """Whether a finding makes a domain unacceptable.

    A warning is a fault in spite of which the domain is accepted. A notice is no fault: the domain
    works, but less well than it could, or something in it is not checked.
    """

    error = "error"
    warning = "warning"
    notice = "notice"
    if TYPE_CHECKING:
        _no_finding_has_it = ""
    else:
        ERROR, WARNING, NOTICE = error, warning, notice


class Stage(enum.StrEnum, metaclass=_StageNames):
    """When libvirt refuses: on definition already, or only when the domain is started."""

    define = "define"
    start = "start"
    if TYPE_CHECKING:
        _no_finding_has_it = ""
    else:
        DEFINE, START = define, start


if TYPE_CHECKING:
    SeverityWord: TypeAlias = Literal[Severity.error, Severity.warning, Severity.notice]
    StageWord: TypeAlias = Literal[Stage.define, Stage.start]
else:
    SeverityWord, StageWord = Severity, Stage


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
    severity: SeverityWord = Severity.ERROR
    stage: StageWord = Stage.DEFINE
    path: str = ""
    line: int = 0
    column: int = 0
    accepted: tuple[str, ...] = ()
    reason: Reason | None = None
    fixes: tuple[Fix, ...] = ()
    as_if: str = ""
    hosts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Give one line: the place, the severity, the message and the code."""
        place = f"{self.line}:{self.column}: " if self.line else ""
        return f"{place}{self.severity.value}: {self.message} [{self.code}]"
