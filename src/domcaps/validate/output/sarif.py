"""Findings as SARIF 2.1.0, the form in which code hosts take the results of checkers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domcaps.language.finding import Severity
from domcaps.text import to_compact_json
from domcaps.validate.catalogue.codes import codes

if TYPE_CHECKING:
    from domcaps.language.finding import Finding
    from domcaps.validate.catalogue.codes import Code
    from domcaps.validate.files import Checked

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class SarifOutput:
    """Writes one run; the rules that stand in it are those whose codes were found."""

    version: str

    def begin(self) -> str:
        """Open the log, its run and the run's results."""
        return (
            f'{{"$schema":"{_SCHEMA}","version":"2.1.0","runs":[{{'
            '"columnKind":"unicodeCodePoints","results":[\n'
        )

    def item(self, checked: Checked) -> str:
        """Give the results of one file, each with a comma before it."""
        if checked.validation is None:
            return ""
        uri = _uri(checked.file)
        results = (_result(uri, finding) for finding in checked.validation.findings)
        return "".join(f",{to_compact_json(result)}\n" for result in results)

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:
        """Close the results, tell what could not be read, and name the tool with its rules."""
        invocation = {
            "executionSuccessful": not troubles,
            "toolExecutionNotifications": [
                {"level": "error", "message": {"text": trouble}} for trouble in troubles
            ],
        }
        driver = {
            "name": "domcaps",
            "semanticVersion": self.version,
            "rules": [_rule(code) for code in _known(codes)],
        }
        parts = {"invocations": [invocation], "tool": {"driver": driver}}
        return f"],{to_compact_json(parts)[1:]}]}}\n"


def _known(names: frozenset[str]) -> list[Code]:
    known = codes()
    return [known[name] for name in sorted(names) if name in known]


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.name,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.manual},
        "help": {"text": code.page(), "markdown": code.page(markdown=True)},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _result(uri: str, finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if finding.line:
        location["region"] = {"startLine": finding.line, "startColumn": max(finding.column, 1)}
    where: dict[str, Any] = {"physicalLocation": location}
    if finding.path:
        where["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "element"}]
    accepted = f" Accepted: {', '.join(finding.accepted)}." if finding.accepted else ""
    supposed = f" (as if {finding.as_if})" if finding.as_if else ""
    return {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}{supposed}.{accepted}"},
        "locations": [where],
    }


def _uri(file: str) -> str:
    """Give an absolute path as a file URI, any other as a relative reference."""
    path = Path(file)
    if path.is_absolute():
        return path.as_uri()
    return quote(path.as_posix().encode(errors="surrogateescape"))
