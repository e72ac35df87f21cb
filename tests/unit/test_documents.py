"""Generated documents are what the table and the commands say now."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click

import domcaps
from domcaps import errors
from domcaps.cli import _root
from domcaps.report.drift import drift_entries
from domcaps.report.drift_page import _markup, _named, anchor, differences

ROOT = Path(__file__).parents[2]


def test_generated_documents_are_up_to_date() -> None:
    tool = ROOT / "tools" / "generate_docs.py"
    done = subprocess.run(
        [sys.executable, tool, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_document_that_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text()
    names = [part.split(")")[0] for part in text.split("](")[1:]]
    assert names
    for name in names:
        assert (ROOT / name).is_file(), name


def _said(text: str) -> list[str]:
    """Give each call of domcaps in a document: lines of its code, and code within its sentences."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    # a line of a table or of a program that merely begins with the name is none
    return [
        found
        for found in (*lines, *re.findall(r"`(domcaps [^`]*)`", prose))
        if re.match(r"domcaps [a-z]", found)
    ]


def test_every_call_in_a_document_is_one_that_there_is() -> None:
    count = 0
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))):
        for said in _said(path.read_text()):
            words = shlex.split(re.split(r"\s[|&>]|\s\d?>", said)[0], comments=True)
            if words[1] == "help":
                continue  # it stands for --help, and is no command of its own
            context = click.Context(_root)
            command = _root.get_command(context, words[1])
            assert command is not None, f"{path.name}: {said}"
            try:
                command.make_parser(click.Context(command)).parse_args(words[2:])
            except click.MissingParameter:
                pass  # only named in passing
            except click.UsageError as error:
                raise AssertionError(f"{path.name}: {said}: {error.message}") from error
            count += 1
    assert count > 60


def test_every_error_is_public_and_stands_in_the_tree() -> None:
    names = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.DomcapsError)
    }
    manual = (ROOT / "docs" / "api.md").read_text()
    tree = errors.__doc__ or ""
    for name in names:
        assert name in domcaps.__all__, name
        assert re.search(rf"\b{name}\b", tree), name
        assert re.search(rf"\b{name}\b", manual), name


def test_each_difference_of_the_report_stands_once_with_what_to_do() -> None:
    page = (ROOT / "docs" / "drift.md").read_text()
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert len(set(map(anchor, headings))) == len(headings)
    for one in differences(drift_entries()):
        first = one.entries[0]
        assert one.title
        assert first.instead
        # what else differs would be lost on the page
        told = {(e.says, e.but, e.evidence, e.where, e.listed) for e in one.entries}
        assert len(told) == 1, one.title
        section = page.partition(f"\n### {_markup(one.title)}\n")[2].partition("\n#")[0]
        for path, values in one.values.items():
            assert _named(path, values) in section, one.title


def test_links_within_the_page_of_differences_have_targets() -> None:
    page = (ROOT / "docs" / "drift.md").read_text()
    targets = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert targets
    assert targets <= set(map(anchor, re.findall(r"^#+ (.+)$", page, re.MULTILINE)))
