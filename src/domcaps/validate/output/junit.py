"""Findings as JUnit's XML, which most CI servers show as tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.language.finding import Severity
from domcaps.text import escaped_xml, file_name
from domcaps.validate.output.shown import RANK, sentence, shown

if TYPE_CHECKING:
    from domcaps.language.finding import Finding
    from domcaps.validate.files import Checked


@dataclass(frozen=True)
class JunitOutput:
    """Writes a test suite for each file and a test case for each finding.

    A finding below `fail_on` is a test that passed, with the message as its output. A file without
    findings is one test that passed, a file that can't be read one with an error.
    """

    notices: bool = False
    fail_on: Severity = Severity.ERROR

    def begin(self) -> str:
        """Open the document."""
        return "<?xml version='1.0' encoding='UTF-8'?>\n<testsuites name=\"domcaps\">\n"

    def item(self, checked: Checked) -> str:
        """Give the test suite of one file."""
        file = escaped_xml(file_name(checked.file))
        if checked.validation is None:
            text = escaped_xml(checked.trouble)
            error = f'<error message="{text}" type="file-unreadable">{text}</error>'
            return _suite(file, [_case(file, "read", error)], errors=1)
        findings = shown(checked.validation, notices=self.notices)
        cases = [self._finding(file, finding) for finding in findings]
        failures = sum(map(self._fails, findings))
        return _suite(file, cases or [_case(file, "accepted")], failures=failures)

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:  # noqa: ARG002
        """Close the document."""
        return "</testsuites>\n"

    def _fails(self, finding: Finding) -> bool:
        return RANK[finding.severity] >= RANK[self.fail_on]

    def _finding(self, file: str, finding: Finding) -> str:
        text = escaped_xml(f"{finding.line}:{finding.column}: {sentence(finding)}")
        code, severity = escaped_xml(finding.code), finding.severity.value
        inside = f"<system-out>{severity}: {text}</system-out>"
        if self._fails(finding):
            message = escaped_xml(finding.message)
            inside = f'<failure message="{message}" type="{severity}">{text}</failure>'
        place = f" (line {finding.line}, column {finding.column})" if finding.line else ""
        return _case(file, f"{code}{place}", inside)


def _suite(file: str, cases: list[str], *, failures: int = 0, errors: int = 0) -> str:
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0"'
    return f'<testsuite name="{file}" {counts} time="0">\n{"".join(cases)}</testsuite>\n'


def _case(file: str, name: str, inside: str = "") -> str:
    attributes = f'classname="{file}" name="{name}" time="0"'
    return f"<testcase {attributes}>{inside}</testcase>\n"
