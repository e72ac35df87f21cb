"""Findings in the forms of code hosts and CI servers, compared with what these require."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from lxml import etree

from linter import BAD, GOOD, LACKING, ODD, Linter

if TYPE_CHECKING:
    from pathlib import Path

# what GitLab's documentation of Code Quality asks of a report
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!/|\\./)"},
                    "lines": {
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}

_REGION = {
    "required": ["startLine", "startColumn"],
    "properties": {
        name: {"type": "integer", "minimum": 1}
        for name in ("startLine", "startColumn", "endLine", "endColumn")
    },
    "additionalProperties": False,
}
CHANGE = ("artifactLocation", "replacements")
_TEXT = {"required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_URI = {"type": "string", "format": "uri"}

# the parts of SARIF 2.1.0 that are written, with what the specification requires of each
SARIF = {
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results", "invocations"],
                "properties": {
                    "tool": {
                        "properties": {
                            "driver": {
                                "required": ["name", "semanticVersion", "informationUri", "rules"],
                                "properties": {
                                    "rules": {
                                        "items": {
                                            "required": ["id", "shortDescription", "helpUri"],
                                            "properties": {"helpUri": _URI, "help": _TEXT},
                                        }
                                    }
                                },
                            }
                        }
                    },
                    "results": {
                        "items": {
                            "required": [
                                "ruleId", "level", "message", "locations", "partialFingerprints",
                            ],
                            "properties": {
                                "level": {"enum": ["error", "warning", "note"]},
                                "message": _TEXT,
                                "fixes": {
                                    "minItems": 1,
                                    "items": {
                                        "required": ["artifactChanges", "description"],
                                        "properties": {
                                            "artifactChanges": {
                                                "items": {
                                                    "required": list(CHANGE),
                                                    "properties": {
                                                        "replacements": {
                                                            "minItems": 1,
                                                            "items": {
                                                                "required": ["deletedRegion"],
                                                                "properties": {
                                                                    "deletedRegion": _REGION
                                                                },
                                                            },
                                                        }
                                                    },
                                                }
                                            }
                                        },
                                    },
                                },
                            },
                        }
                    },
                },
            }
        },
    },
}  # fmt: skip

# the form that Jenkins and GitLab read
JUNIT = etree.RelaxNG(
    etree.fromstring("""
<element name="testsuites" xmlns="http://relaxng.org/ns/structure/1.0"
         datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <attribute name="name"/>
  <oneOrMore><element name="testsuite">
    <attribute name="name"/>
    <attribute name="tests"><data type="positiveInteger"/></attribute>
    <attribute name="failures"><data type="nonNegativeInteger"/></attribute>
    <attribute name="errors"><data type="nonNegativeInteger"/></attribute>
    <attribute name="skipped"><data type="nonNegativeInteger"/></attribute>
    <attribute name="time"><data type="decimal"/></attribute>
    <oneOrMore><element name="testcase">
      <attribute name="classname"/><attribute name="name"/>
      <attribute name="time"><data type="decimal"/></attribute>
      <optional><choice>
        <element name="failure"><attribute name="message"/><attribute name="type"/><text/></element>
        <element name="error"><attribute name="message"/><attribute name="type"/><text/></element>
        <element name="system-out"><text/></element>
      </choice></optional>
    </element></oneOrMore>
  </element></oneOrMore>
</element>""")
)

FILES = ("bad.xml", "good.xml", "lacking.xml", "odd.xml", "gone.xml")


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Linter:
    monkeypatch.chdir(tmp_path)
    for name in ("CI_PROJECT_DIR", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    found = Linter(tmp_path)
    found.write(bad=BAD, good=GOOD, lacking=LACKING, odd=ODD)
    return found


class TestGitlab:
    def issues(self, lint: Linter, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(lint("--format", "gitlab", *words).stdout)
        jsonschema.validate(found, GITLAB)
        return found

    def test_a_report(self, lint: Linter) -> None:
        found = self.issues(lint, *FILES)
        assert [(one["location"]["path"], one["severity"]) for one in found] == [
            ("bad.xml", "major"),
            ("lacking.xml", "major"),
            ("odd.xml", "minor"),
            ("gone.xml", "blocker"),
        ]
        assert self.issues(lint, "good.xml") == []

    def test_paths_are_those_of_the_checkout(
        self, lint: Linter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CI_PROJECT_DIR", str(lint.folder.parent))
        (issue,) = self.issues(lint, "bad.xml")
        assert issue["location"]["path"] == f"{lint.folder.name}/bad.xml"
        monkeypatch.setenv("CI_PROJECT_DIR", str(lint.folder))
        (issue,) = self.issues(lint, str(lint.folder / "bad.xml"))
        assert issue["location"]["path"] == "bad.xml"

    def test_fingerprints_differ_and_outlive_other_edits(self, lint: Linter) -> None:
        video = "<video><model type='nobodys'/></video>"
        lint.write(bad=BAD.replace(video, video + video))
        before = [one["fingerprint"] for one in self.issues(lint, "bad.xml")]
        assert len(set(before)) == len(before)
        lint.write(bad=BAD.replace(video, video + video).replace("<devices>", "\n\n<devices>"))
        assert [one["fingerprint"] for one in self.issues(lint, "bad.xml")] == before


class TestSarif:
    def run(self, lint: Linter, *words: str) -> dict[str, Any]:
        log = json.loads(lint("--format", "sarif", *words).stdout)
        jsonschema.validate(log, SARIF)
        (run,) = log["runs"]
        return dict(run)

    def test_a_log(self, lint: Linter) -> None:
        run = self.run(lint, *FILES)
        rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
        assert {one["ruleId"] for one in run["results"]} == set(rules)
        assert rules["unknown-attribute"]["helpUri"].endswith("/codes/unknown-attribute/")
        assert run["tool"]["driver"]["informationUri"].endswith("/codes/")

    def test_addresses_of_rules(self, lint: Linter, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOMCAPS_DOCS_URL", "https://docs.example.org/domcaps")
        driver = self.run(lint, *FILES)["tool"]["driver"]
        assert driver["informationUri"] == "https://docs.example.org/domcaps/codes/"
        for rule in driver["rules"]:
            assert rule["helpUri"] == f"{driver['informationUri']}{rule['id']}/"

    def test_an_edit_repairs(self, lint: Linter) -> None:
        (odd,) = self.run(lint, "odd.xml")["results"]
        (fix, *_) = odd["fixes"]
        (change,) = fix["artifactChanges"]
        (edit,) = change["replacements"]
        region, text = edit["deletedRegion"], edit.get("insertedContent", {"text": ""})["text"]
        lines = ODD.split("\n")
        line = lines[region["startLine"] - 1]
        lines[region["startLine"] - 1] = (
            line[: region["startColumn"] - 1] + text + line[region["endColumn"] - 1 :]
        )
        lint.write(odd="\n".join(lines))
        assert self.run(lint, "odd.xml")["results"] == []


class TestJunit:
    def suites(self, lint: Linter, *words: str) -> dict[str, dict[str, str]]:
        document = etree.fromstring(lint("--format", "junit", *words).stdout.encode())
        JUNIT.assertValid(document)
        for suite in document:
            assert int(suite.get("tests") or 0) == len(suite.findall("testcase"))
            assert int(suite.get("failures") or 0) == len(suite.findall("testcase/failure"))
            assert int(suite.get("errors") or 0) == len(suite.findall("testcase/error"))
        return {
            suite.get("name") or "": {str(name): str(value) for name, value in suite.items()}
            for suite in document
        }

    def test_a_document(self, lint: Linter) -> None:
        found = self.suites(lint, *FILES)
        assert {name: suite["failures"] for name, suite in found.items()} == {
            "bad.xml": "1", "good.xml": "0", "lacking.xml": "1", "odd.xml": "0", "gone.xml": "0",
        }  # fmt: skip
        assert found["gone.xml"]["errors"] == "1"

    def test_the_threshold_makes_failures(self, lint: Linter) -> None:
        assert self.suites(lint, "--fail-on", "warning", "odd.xml")["odd.xml"]["failures"] == "1"

    def test_any_text_is_xml(self, lint: Linter) -> None:
        lint.write(bad=BAD.replace("nobodys", "&lt;&amp;&quot;&#x1b;\u202e]]&gt;"))
        self.suites(lint, "bad.xml", "a\x01<b>.xml")


class TestGithub:
    def test_commands(self, lint: Linter) -> None:
        out = lint("--format", "github", *FILES).stdout.splitlines()
        pattern = r"::(error|warning|notice) title=[^:]+(,file=[^:,]+,line=\d+,col=\d+)?::.+"
        assert all(re.fullmatch(pattern, line) for line in out), out
        assert out[0].startswith(
            "::error title=domcaps (video-model-type-unknown),file=bad.xml,line=6,col=16::"
        )
        assert out[-1].startswith("::error title=domcaps::gone.xml")

    def test_nothing_in_a_document_is_a_command(self, lint: Linter) -> None:
        lint.write(bad=BAD.replace("nobodys", "x&#10;::error::forged%0Aagain"))
        (line,) = lint("--format", "github", "bad.xml").stdout.splitlines()
        assert "%250A" in line

    def test_names_of_files(self, lint: Linter) -> None:
        (lint.folder / "a,b:c.xml").write_text(BAD)
        assert ",file=a%2Cb%3Ac.xml," in lint("--format", "github", "a,b:c.xml").stdout


def test_concise_is_a_line_for_each_finding(lint: Linter) -> None:
    out = lint("--format", "concise", *FILES).stdout.splitlines()
    assert [line.split(": ")[0] for line in out] == [
        "bad.xml:6:16",
        "lacking.xml:6:16",
        "odd.xml:6:27",
    ]


@pytest.mark.parametrize("form", ["concise", "github", "gitlab", "junit", "sarif"])
def test_notices_are_printed_where_they_are_wanted(lint: Linter, form: str) -> None:
    lint.write(a=GOOD.replace("<devices>", "<!-- domcaps: ignore video --><devices>"))
    assert "ignored-code-unused" not in lint("--format", form, "a.xml").stdout
    assert "ignored-code-unused" in lint("--format", form, "--notices", "a.xml").stdout
