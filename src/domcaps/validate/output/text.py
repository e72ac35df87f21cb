"""Findings for people: the place, the line with a caret under it, what would do, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.finding import Severity
from domcaps.language.reason_lines import FAILED, MET, UNKNOWN, reason_lines
from domcaps.language.struct import Struct
from domcaps.language.wording import listed, plain
from domcaps.text import file_name, one_line, styled
from domcaps.validate.advice import says_what_to_do
from domcaps.validate.output.shown import checked_with, unnamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domcaps.language.finding import Finding
    from domcaps.language.truth import Reason
    from domcaps.validate.catalogue.codes import Code
    from domcaps.validate.check import Validation
    from domcaps.validate.files import Checked

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
_MARKS = {MET: "green", FAILED: "red", UNKNOWN: "yellow"}
_WIDTH = 100
_MOST_HOSTS = 4
_MANY, _FIRST = 12, 6
_MOST_STEPS = 10
"""For so many findings of a file it is said what a repair would write."""


class TextOutput(Struct, frozen=True):
    """Writes text; `explain` adds what the manual says of each code, `notices` the notices.

    With `concise` each finding is one line: the place, the severity, the message and the code.
    `steps` says of findings in a file what a repair would write; it is asked where their messages
    do not say what to do.
    """

    explain: bool = False
    notices: bool = False
    concise: bool = False
    steps: Callable[[str, Validation, Sequence[Finding]], Sequence[str]] | None = None

    def begin(self) -> str:
        """Nothing stands before the first file."""
        return ""

    def item(self, checked: Checked) -> str:
        """Give the findings of one file, "" where there are none."""
        if checked.validation is None:
            return ""
        lines = checked.validation.source.decode(errors="replace").split("\n")
        file = file_name(checked.file)
        notices = checked.validation.notices if self.notices else ()
        findings = (*checked.validation.findings, *notices)
        if self.concise:
            return "".join(f"{self._line(file, finding)}\n" for finding in findings)
        steps = self._first_steps(checked.file, checked.validation)
        texts = [
            "\n".join(self._finding(file, one, lines, steps.get(number, ""))) + "\n"
            for number, one in enumerate(findings)
        ]
        return "\n".join(texts) + ("\n" if texts else "")

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:  # noqa: ARG002
        """Nothing stands after the last file."""
        return ""

    def _first_steps(self, file: str, done: Validation) -> dict[int, str]:
        """Say what a repair would write for the first findings that say no next step."""
        silent = [
            number
            for number, one in enumerate(done.findings)
            if one.severity is Severity.ERROR and not says_what_to_do(one.message)
        ][:_MOST_STEPS]
        if self.steps is None or not silent:
            return {}
        steps = self.steps(file, done, [done.findings[number] for number in silent])
        return dict(zip(silent, steps, strict=True))

    def _finding(self, file: str, finding: Finding, lines: list[str], step: str) -> Iterator[str]:
        yield self._line(file, finding)
        yield from excerpt(finding, lines)
        if step:
            yield f"      fix: {one_line(step)}"
        if unnamed(finding):
            values = tuple(map(one_line, finding.accepted))
            most = _FIRST if len(values) > _MANY else _MANY
            yield f"      accepted values: {listed(values, most)}"
        if finding.reason is not None:
            yield "      because:"
            yield from _reason(finding.reason)
        if self.explain and finding.code in (codes := _codes()):
            yield ""
            manual = plain(codes[finding.code].manual)
            yield from (f"      {line}".rstrip() for line in manual.splitlines())

    @staticmethod
    def _line(file: str, finding: Finding) -> str:
        place = f"{file}:{finding.line}:{finding.column}" if finding.line else file
        severity = styled(finding.severity.value, fg=_COLOURS[finding.severity], bold=True)
        when = " (when it is started)" if finding.stage.value == "start" else ""
        code = styled(f"[{finding.code}]", dim=True)
        return f"{styled(place, bold=True)}: {severity}{when}: {message_of(finding)} {code}"


def message_of(finding: Finding) -> str:
    """Give the message in one line, with what was assumed and the hosts where there are several."""
    message = one_line(finding.message)
    if finding.as_if:
        message += f" {checked_with(one_line(finding.as_if))}"
    if finding.hosts:
        more = len(finding.hosts) - _MOST_HOSTS
        named = ", ".join(map(file_name, finding.hosts[:_MOST_HOSTS]))
        message += f" (on {named}{f' and {more} more' if more > 0 else ''})"
    return message


def excerpt(finding: Finding, lines: list[str]) -> Iterator[str]:
    """Give the line of the document with a caret under the place, cut where it is long."""
    if not 0 < finding.line <= len(lines):
        return
    line, column = lines[finding.line - 1], max(finding.column - 1, 0)
    begin = max(column - _WIDTH // 2, 0) if len(line) > _WIDTH else 0
    shown = line[begin : begin + _WIDTH]
    before = printable(shown[: column - begin].expandtabs(4))
    after = printable(shown[column - begin :].expandtabs(4))
    number = f"{finding.line:5}"
    yield styled(f"{number} | ", dim=True) + (before + after).rstrip()
    if finding.column:
        caret = styled("^", fg=_COLOURS[finding.severity], bold=True)
        yield styled(f"{' ' * len(number)} | ", dim=True) + " " * len(before) + caret


def _reason(reason: Reason) -> Iterator[str]:
    for line in reason_lines(reason, of_error=True):
        mark = styled(line.mark, fg=_MARKS.get(line.mark))
        source = styled(f"  [{one_line(line.seen)}]", dim=True) if line.seen else ""
        yield f"        {'  ' * line.depth}{mark} {one_line(line.text)}{source}"


def printable(text: str) -> str:
    """Replace what a terminal would take for a command."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _codes() -> dict[str, Code]:
    # the whole catalogue, which few want
    from domcaps.validate.catalogue.codes import codes

    return codes()
