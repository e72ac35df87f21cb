"""Findings as SARIF 2.1.0, the form in which code hosts take the results of checkers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domcaps.language.finding import Severity
from domcaps.language.wording import plain
from domcaps.text import to_compact_json
from domcaps.validate.catalogue.codes import code_url, codes
from domcaps.validate.fingerprint import fingerprints
from domcaps.validate.output.shown import sentence, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domcaps.language.finding import Finding
    from domcaps.validate.catalogue.codes import Code
    from domcaps.validate.check import Validation
    from domcaps.validate.files import Checked

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Replacement:
    """An edit: what stands between two places, in lines and columns from 1, is replaced."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True)
class SarifOutput:
    """Writes one run; the rules that stand in it are those whose codes were found.

    `fixes` gives edits of a file's source that repair a finding, each with what it does.
    """

    version: str
    notices: bool = False
    fixes: Callable[[str, Validation, Finding], Sequence[tuple[str, Replacement]]] | None = None

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
        uri, done = _uri(checked.file), checked.validation
        findings = shown(done, notices=self.notices)
        names = fingerprints(findings, done.source, uri)
        results = (
            _result(uri, finding) | _traits(uri, name, self._fixes(checked, finding))
            for finding, name in zip(findings, names, strict=True)
        )
        return "".join(f",{to_compact_json(result)}\n" for result in results)

    def _fixes(self, checked: Checked, finding: Finding) -> Sequence[tuple[str, Replacement]]:
        if self.fixes is None or checked.validation is None:
            return ()
        return self.fixes(checked.file, checked.validation, finding)

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
            **_address("informationUri"),
            "rules": [_rule(code) for code in _known(codes)],
        }
        parts = {"invocations": [invocation], "tool": {"driver": driver}}
        return f"],{to_compact_json(parts)[1:]}]}}\n"


def _known(names: frozenset[str]) -> list[Code]:
    known = codes()
    return [known[name] for name in sorted(names) if name in known]


def _address(key: str, code: str = "") -> dict[str, str]:
    url = code_url(code)
    return {key: url} if url else {}


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.name,
        "shortDescription": {"text": code.title},
        **_address("helpUri", code.name),
        "fullDescription": {"text": plain(code.manual)},
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
    return {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": sentence(finding)},
        "locations": [where],
    }


def _traits(uri: str, fingerprint: str, fixes: Sequence[tuple[str, Replacement]]) -> dict[str, Any]:
    """Give what only some results have: edits that may repair it; and the result's fingerprint."""
    found: dict[str, Any] = {"partialFingerprints": {"domcapsFinding/v1": fingerprint}}
    if fixes:
        found["fixes"] = [_fix(uri, *fix) for fix in fixes]
    return found


def _fix(uri: str, what: str, replacement: Replacement) -> dict[str, Any]:
    edit: dict[str, Any] = {
        "deletedRegion": {
            "startLine": replacement.line,
            "startColumn": replacement.column,
            "endLine": replacement.end_line,
            "endColumn": replacement.end_column,
        }
    }
    if replacement.text:
        edit["insertedContent"] = {"text": replacement.text}
    change = {"artifactLocation": {"uri": uri}, "replacements": [edit]}
    return {"description": {"text": what}, "artifactChanges": [change]}


def _uri(file: str) -> str:
    """Give an absolute path as a file URI, any other as a relative reference."""
    path = Path(file)
    if path.is_absolute():
        return path.as_uri()
    return quote(path.as_posix().encode(errors="surrogateescape"))
