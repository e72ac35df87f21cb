"""Findings as workflow commands of GitHub Actions, which GitHub shows beside the changed lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.language.finding import Severity
from domcaps.text import file_name, one_line
from domcaps.validate.output.shown import repository_path, sentence, shown

if TYPE_CHECKING:
    from domcaps.language.finding import Finding
    from domcaps.validate.files import Checked

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "notice"}


@dataclass(frozen=True)
class GithubOutput:
    """Writes a line for each finding: ``::error title=…,file=…,line=…,col=…::message``."""

    notices: bool = False

    def begin(self) -> str:
        """Nothing stands before the first file."""
        return ""

    def item(self, checked: Checked) -> str:
        """Give the commands of one file."""
        if checked.validation is None:
            return f"::error title=domcaps::{_data(one_line(checked.trouble))}\n"
        file = file_name(repository_path(checked.file))
        findings = shown(checked.validation, notices=self.notices)
        return "".join(f"{_command(file, finding)}\n" for finding in findings)

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:  # noqa: ARG002
        """Nothing stands after the last file."""
        return ""


def _command(file: str, finding: Finding) -> str:
    properties = {"title": f"domcaps ({finding.code})", "file": file}
    if finding.line:
        properties |= {"line": str(finding.line), "col": str(max(finding.column, 1))}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(one_line(sentence(finding)))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
