"""What came of repairing a domain, and its changes as a diff that other programs take."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from domcaps.checked import checked
from domcaps.choose.for_owner import decisions
from domcaps.language.finding import Stage

if TYPE_CHECKING:
    from domcaps.choose.change import Change
    from domcaps.choose.for_owner import OwnersDecision
    from domcaps.language.finding import Finding


@dataclass(frozen=True)
class Repair:
    """What came of repairing a domain. `data` is the text after all `changes`.

    Where `accepted` is false, `findings` are what no edit repairs; the changes repair the rest.
    `remedies` has for each of the findings what would help on the host, as orders to a person.
    `proven` tells that the search was not given up. `taken` are what the domain takes from a host,
    where this may be another one, `kept` the warnings about what was left as it is.
    """

    original: bytes
    data: bytes
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    proven: bool = True
    looks: int = 0
    remedies: tuple[tuple[str, ...], ...] = ()
    taken: tuple[OwnersDecision, ...] = ()
    kept: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        """Give a line for each change, and for each finding that is left."""
        made = [f"{change.what} ({change.path})" for change in self.changes]
        return "\n".join([*made, *(f"left: {finding}" for finding in self.findings)])

    @property
    def accepted(self) -> bool:
        """Whether the text is accepted now."""
        return not self.findings

    @property
    def definable(self) -> bool:
        """Whether libvirt defines the text now: what is left are faults at start."""
        return all(one.stage is Stage.START for one in self.findings)

    @property
    def left(self) -> tuple[tuple[Finding, tuple[str, ...]], ...]:
        """Each finding that no edit repairs, with what would help on the host."""
        advice = (*self.remedies, *((),) * len(self.findings))
        return tuple(zip(self.findings, advice, strict=False))

    @property
    def removals(self) -> tuple[Change, ...]:
        """The changes that take something away."""
        return tuple(change for change in self.changes if change.removes)

    @property
    def decisions(self) -> tuple[OwnersDecision, ...]:
        """What the owner of the domain has to check or decide, first what the host may lose."""
        return (*self.taken, *decisions(self.changes))

    @cached_property
    def diff(self) -> str:
        """The changes as a unified diff, "" where there are none."""
        return self.diff_of("domain.xml")

    @checked
    def diff_of(self, name: str) -> str:
        """Give the changes as a unified diff of a file, which ``patch`` and ``git apply`` take.

        `name` is the file's path below the folder in which the diff is applied.
        """
        old, new = map(_lines, (self.original, self.data))
        lines = []
        for line in difflib.unified_diff(old, new, _in_diff(f"a/{name}"), _in_diff(f"b/{name}")):
            lines.append(line)
            if not line.endswith("\n"):
                lines.append("\n\\ No newline at end of file\n")
        return "".join(lines)


def _lines(data: bytes) -> list[str]:
    """Give the lines of a text as programs that patch count them: they end with a line feed."""
    text = data.decode(errors="surrogateescape")
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _in_diff(name: str) -> str:
    """Write a file's name as the head of a diff has it: a tab ends one with blanks."""
    if any(sign in name for sign in '"\\\n\t\r'):
        signs = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
        return '"' + "".join(signs.get(sign, sign) for sign in name) + '"'
    return f"{name}\t" if " " in name else name
