"""Findings as a report of GitLab's Code Quality, a subset of Code Climate's form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domcaps.language.finding import Severity
from domcaps.text import to_compact_json
from domcaps.validate.fingerprint import fingerprints
from domcaps.validate.output.shown import repository_path, sentence, shown

if TYPE_CHECKING:
    from domcaps.language.finding import Finding
    from domcaps.validate.files import Checked

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTICE: "info"}


@dataclass(frozen=True)
class GitlabOutput:
    """Writes one list of issues; a file that can't be read is a blocker."""

    notices: bool = False

    def begin(self) -> str:
        """Open the list."""
        return "[\n"

    def item(self, checked: Checked) -> str:
        """Give the issues of one file, each with a comma before it."""
        path = repository_path(checked.file)
        if checked.validation is None:
            issues = [_trouble(path, checked.trouble)]
        else:
            findings = shown(checked.validation, notices=self.notices)
            names = fingerprints(findings, checked.validation.source, path)
            issues = [_issue(path, *pair) for pair in zip(findings, names, strict=True)]
        return "".join(f",{to_compact_json(issue)}\n" for issue in issues)

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:  # noqa: ARG002
        """Close the list."""
        return "]\n"


def _issue(path: str, finding: Finding, fingerprint: str) -> dict[str, Any]:
    begin = {"line": max(finding.line, 1), "column": max(finding.column, 1)}
    return {
        "type": "issue",
        "description": sentence(finding),
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "categories": ["Compatibility"],
        "location": {
            "path": path,
            "lines": {"begin": begin["line"]},
            "positions": {"begin": begin, "end": begin},
        },
    }


def _trouble(path: str, text: str) -> dict[str, Any]:
    import hashlib

    name = hashlib.blake2b(f"{path}\0unreadable".encode(errors="surrogatepass"), digest_size=16)
    return {
        "type": "issue",
        "description": text,
        "check_name": "file-unreadable",
        "fingerprint": name.hexdigest(),
        "severity": "blocker",
        "categories": ["Bug Risk"],
        "location": {"path": path, "lines": {"begin": 1}},
    }
