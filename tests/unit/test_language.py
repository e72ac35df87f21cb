"""Everything that people read is plain English: titles, messages, help, documents, docstrings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from domcaps.cli import _root
from domcaps.validate.catalogue.codes import Code, codes
from language import documents, in_markdown, limits_of_types, loose_xml, stumbles, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "domcaps"
_LONGEST_TITLE = 200


def _commands() -> Iterator[tuple[str, str]]:
    context = click.Context(_root, info_name="domcaps")
    yield "domcaps", _root.get_help(context)
    for name in _root.list_commands(context):
        command = _root.get_command(context, name)
        assert command is not None
        yield name, command.get_help(click.Context(command, info_name=name, parent=context))


HELP = dict(_commands())


@pytest.mark.parametrize("code", codes().values(), ids=lambda code: code.name)
def test_the_manual_of_a_code_is_plain(code: Code) -> None:
    assert stumbles(code.manual) == []
    # markup is for documents: a terminal shows none of it
    assert "``" not in code.title
    assert "``" not in code.page()
    assert code.title.endswith(".")
    assert len(code.title) <= _LONGEST_TITLE
    assert limits_of_types(code.title) == []


@pytest.mark.parametrize("code", codes().values(), ids=lambda code: code.name)
def test_a_title_says_what_to_write(code: Code) -> None:
    """Something is required as such, something valid as such: that does not help."""
    assert not code.title.endswith(("is required.", "must be text.", "required: text."))
    assert " and more" not in code.title


def test_xml_in_texts_is_xml() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}:{line}": loose
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts_of(path)
        if (loose := loose_xml(text))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("<driver queues> requires a TAP device", ["<driver queues>"]),
        ("attribute 'queues' of <driver>", []),
        ("<driver queues='4'/> and <readonly/>", []),
    ],
)
def test_planted_notation_is_found(text: str, loose: list[str]) -> None:
    assert loose_xml(text) == loose
    assert limits_of_types("from 0 to 4294967295") == ["4294967295"]


@pytest.mark.parametrize("name", HELP)
def test_help_is_plain(name: str) -> None:
    assert stumbles(HELP[name]) == []


@pytest.mark.parametrize("path", list(documents(ROOT)), ids=lambda path: path.name)
def test_a_document_is_plain(path: Path) -> None:
    assert in_markdown(path.read_text(encoding="utf-8")) == []


def test_texts_of_the_package_are_plain() -> None:
    """Docstrings, messages of findings and errors, notes."""
    found = {
        f"{path.relative_to(PACKAGE)}:{line}": phrases
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts_of(path)
        if (phrases := stumbles(text))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("Nobody looks at it.", "Nobody"),
        ("QEMU is told of the device.", "is told"),
        ("the device can't be had here", "can't be had"),
        ("libvirt passes over it", "passes over it"),
        ("what is\nwanted", "what is wanted"),
    ],
)
def test_a_planted_sentence_is_found(sentence: str, phrase: str, tmp_path: Path) -> None:
    assert stumbles(sentence) == [phrase]
    module = tmp_path / "planted.py"
    module.write_text(f'def f():\n    """{sentence}"""\n')
    assert [stumbles(text) for _line, text in texts_of(module)] == [[phrase]]
    document = tmp_path / "planted.md"
    document.write_text(f"# Title\n\n{sentence}\n")
    assert in_markdown(document.read_text()) == [phrase]


def test_code_is_not_read_as_a_sentence() -> None:
    assert in_markdown("the user `nobody`\n\n```console\n$ nobody is told\n```\n") == []
