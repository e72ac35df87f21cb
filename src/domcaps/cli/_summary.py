"""What ``domcaps validate`` says at its end, and the exit code."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from domcaps.cli._notes import note
from domcaps.cli._terminal import say
from domcaps.language.finding import Severity
from domcaps.language.wording import counted

if TYPE_CHECKING:
    from domcaps.validate.files import Item
    from domcaps.validate.known import KnownFinding

_MOST_NAMED = 5
"""So many undecided statements are named in the summary."""


class FilesSummary:
    """Counts what all files came to. Findings from `fail_on` on make the exit code 1."""

    def __init__(self, *, hints: bool, fail_on: Severity = Severity.ERROR) -> None:
        self.hints = hints
        self.fail_on = fail_on
        self.accepted = self.refused = self.errors = self.warnings = 0
        self.known = self.no_domains = 0
        self.troubles: list[str] = []
        self.codes: Counter[str] = Counter()
        self.notice_codes: Counter[str] = Counter()
        self.entries: list[KnownFinding] = []
        self.refusing: set[str] = set()
        self.unknown: set[str] = set()
        self.notes: set[str] = set()

    @property
    def notices(self) -> int:
        """The number of notices."""
        return self.notice_codes.total()

    def add(self, item: Item) -> None:
        """Count a file."""
        if item.no_domain:
            self.no_domains += 1
            return
        self.codes.update(item.codes)
        self.unknown.update(item.unknown)
        for text in sorted(set(item.notes) - self.notes):
            note(f"in the configuration, {text}")
        self.notes.update(item.notes)
        self.errors += item.errors
        self.warnings += item.warnings
        self.notice_codes.update(item.notices)
        self.known += item.known
        self.entries.extend(item.entries)
        if item.trouble:
            self.trouble(item.trouble)
        elif item.accepted:
            self.accepted += 1
        else:
            self.refused += 1
            self.refusing.update(item.codes)

    def trouble(self, text: str) -> None:
        """Count unreadable files; they are reported even with --quiet."""
        if text not in self.troubles:
            # a wrong configuration is the trouble of every file below it
            say(f"domcaps: {text}", err=True)
        self.troubles.append(text)

    def tell(self) -> int:
        """Print the summary on standard error; give the exit code."""
        note(f"{', '.join(self._verdicts())}: {self._findings()}")
        if self.no_domains:
            note(f"{counted(self.no_domains, 'file')} skipped: the root element is not <domain>")
        if self.unknown:
            note(f"not checked, assumed to be fine: {self._undecided()}")
        return self.exit_code()

    def _undecided(self) -> str:
        """Name what could not be decided, or the first of many."""
        named = "; ".join(sorted(self.unknown)[:_MOST_NAMED])
        left = len(self.unknown) - _MOST_NAMED
        return f"{named}; and {left} more (--format json names all)" if left > 0 else named

    def exit_code(self) -> int:
        """Give 2 for what could not be read, 1 for findings that count, else 0."""
        if self.troubles:
            return 2
        counted = self.refused
        if self.fail_on is not Severity.ERROR:
            counted += self.warnings
        if self.fail_on is Severity.NOTICE:
            counted += self.notices
        return 1 if counted else 0

    def counts(self, *, notices: bool) -> Counter[str]:
        """Give how often each code was found; notices only where they are wanted."""
        return self.codes + self.notice_codes if notices else self.codes

    def _verdicts(self) -> list[str]:
        troubles = [f"{len(self.troubles)} not read"] if self.troubles else []
        return [f"{self.accepted} accepted", f"{self.refused} refused", *troubles]

    def _findings(self) -> str:
        found = f"{counted(self.errors, 'error')}, {counted(self.warnings, 'warning')}"
        if self.notices:
            hint = " (--notices shows them)" if self.hints else ""
            found += f", {counted(self.notices, 'notice')}{hint}"
        return f"{found}; {counted(self.known, 'known finding')} ignored" if self.known else found
