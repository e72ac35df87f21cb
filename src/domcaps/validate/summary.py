"""What many validations come to: how many domains are accepted, how often each code is found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from domcaps.checked import checked, require
from domcaps.language.finding import Severity
from domcaps.language.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.validate.check import Validation


class CountedCode(msgspec.Struct, frozen=True):
    """How often a code was found, and in how many domains."""

    code: str
    severity: Severity
    findings: int
    domains: int

    def __str__(self) -> str:
        """Give one line."""
        found = f"{self.findings} in {counted(self.domains, 'domain')}"
        return f"{self.severity.value} {self.code}: {found}"


class Summary(msgspec.Struct, frozen=True):
    """What many validations come to.

    `refused` are all domains that are not accepted; `not_started` are those of them that libvirt
    would define, but not start. `codes` begins with what was found most often. `assumed` counts
    the findings that are not in `codes`, since they may follow from what was assumed instead of a
    target that the host does not have (`Finding.as_if`).
    """

    accepted: int
    refused: int
    not_started: int
    codes: tuple[CountedCode, ...]
    unknown: tuple[str, ...] = ()
    assumed: int = 0

    @property
    def errors(self) -> int:
        """The number of errors."""
        return self._of(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """The number of warnings."""
        return self._of(Severity.WARNING)

    @property
    def notices(self) -> int:
        """The number of notices."""
        return self._of(Severity.NOTICE)

    def _of(self, severity: Severity) -> int:
        return sum(one.findings for one in self.codes if one.severity is severity)

    def __str__(self) -> str:
        """Give the numbers, as the command does, then a line for each code."""
        numbers = f"{counted(self.errors, 'error')}, {counted(self.warnings, 'warning')}"
        verdicts = f"{self.accepted} accepted, {self.refused} refused"
        return "\n".join([f"{verdicts}: {numbers}", *map(str, self.codes)])


@checked
def summarize(results: Iterable[Validation]) -> Summary:
    """Count what many validations found: verdicts, and each code with its severity.

    A finding with `as_if` is not counted as one of its code: it may be none on the right target.
    """
    from domcaps.argument_kinds import kind_of

    listed = list(results)
    require("results", listed, kind_of("Iterable[Validation]"))
    findings: Counter[tuple[str, Severity]] = Counter()
    domains: Counter[tuple[str, Severity]] = Counter()
    verdicts: Counter[str] = Counter()
    unknown: set[str] = set()
    assumed = 0
    for result in listed:
        verdicts[result.verdict] += 1
        every = (*result.findings, *result.notices)
        found = [(one.code, one.severity) for one in every if not one.as_if]
        assumed += len(every) - len(found)
        findings.update(found)
        domains.update(set(found))
        unknown.update(result.unknown)
    most_first = sorted(findings.items(), key=lambda item: (-item[1], item[0]))
    codes = [CountedCode(*key, number, domains[key]) for key, number in most_first]
    accepted, not_started = verdicts["accepted"], verdicts["defined, but not started"]
    refused = verdicts.total() - accepted
    return Summary(accepted, refused, not_started, tuple(codes), tuple(sorted(unknown)), assumed)
