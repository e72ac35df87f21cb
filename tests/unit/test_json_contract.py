"""What commands print as JSON is what their schemas say, and nothing besides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.cli._documents import DOCUMENTS, schema
from domcaps.cli.schema import schema_names
from domcaps.fresh.watching import Event
from linter import BAD, GOOD, LACKING, ODD

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = ["--host", "shipped:debian13-x86_64"]
OTHER = ["--host", "shipped:debian12-x86_64"]
BOARD = GOOD.replace("q35", "pc").replace(
    "<devices>",
    "<devices><disk type='file'><source file='/a'/><target dev='hda' bus='ide'/></disk>",
)

CALLS: dict[str, list[list[str]]] = {
    "audit": [["audit", *HOST, "report.xml"]],
    "baseline": [
        ["baseline", "shipped:debian13-x86_64", "shipped:debian12-x86_64", "--libvirt=9.0"]
    ],
    "code": [["codes", "video-model-type-unsupported"], ["codes", "xml-malformed"]],
    "codes": [["codes"], ["codes", "video"]],
    "convert": [["convert", "--to", "q35", *HOST, "board.xml"]],
    "diff": [
        ["diff", "shipped:debian13-x86_64", "shipped:debian12-x86_64", "--domain", "lacking.xml"],
    ],
    "drift": [["drift"]],
    "explain": [["explain", *HOST, "video"], ["explain", *HOST, "video.modelType=qxl"]],
    "explain-file": [["explain", *HOST, "lacking.xml"]],
    "fix": [["fix", *HOST, "lacking.xml"], ["fix", *HOST, "good.xml"]],
    "fix-files": [["fix", *HOST, "lacking.xml", "none.xml"]],
    "host": [["host", *HOST]],
    "native": [
        ["native", *HOST, "good.xml"],
        ["native", *HOST, "lacking.xml"],
        ["native", *HOST, "--no-validate", "cards.xml"],
    ],
    "new": [
        ["new", *HOST, "--name", "web"],
        ["new", *HOST, "--name", "web", "--machine", "isapc", "--tpm"],
    ],
    "report": [["report", *HOST]],
    "statistics": [["validate", *HOST, "--statistics", "bad.xml", "odd.xml"]],
    "validate": [
        ["validate", *HOST, "good.xml", "bad.xml", "lacking.xml", "odd.xml", "gone.xml"],
        ["validate", *HOST, *OTHER, "bad.xml", "lacking.xml"],
        ["validate", *HOST, "--known", "known.json", "bad.xml"],
    ],
}
NOT_CALLED = {
    "extended": "takes some seconds: test_extended",
    "known": "a file, see below",
    "try": "needs QEMU: the live tests of try",
    "verify": "needs QEMU: the live tests of verify",
    "watch": "waits for a change: an event is compared below",
    "why-fresh": "is about this machine: test_fresh_answers",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("json")
    cards = GOOD.replace("<devices>", "<devices><sound model='new'/>")
    texts = {
        "cards": cards,
        "good": GOOD,
        "bad": BAD,
        "lacking": LACKING,
        "odd": ODD,
        "board": BOARD,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        for name, text in texts.items():
            (path / f"{name}.xml").write_text(text)
        run("validate", *HOST, "--add-known", "known.json", "bad.xml")
        (path / "report.xml").write_text(run("report", *HOST))
        yield path


def run(*words: str) -> str:
    done = CliRunner().invoke(_root, [*words])
    assert done.exit_code in {0, 1, 2}, done.output
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def closed(found: Any) -> Any:
    """Forbid keys that a schema does not name, in every object that names some."""
    if isinstance(found, list):
        return [closed(one) for one in found]
    if not isinstance(found, dict):
        return found
    inner = {key: closed(value) for key, value in found.items()}
    if "properties" in inner:
        inner["additionalProperties"] = False
    return inner


def compare(name: str, document: Any) -> None:
    described = schema(name)
    jsonschema.Draft202012Validator.check_schema(described)
    if name not in {"report", "baseline"}:  # elements of the top level are named by the table
        described = closed(described)
    jsonschema.validate(document, described, cls=jsonschema.Draft202012Validator)
    assert document["version"] == 1


@pytest.mark.parametrize("name", CALLS)
def test_what_is_printed_is_what_the_schema_says(name: str, folder: Path) -> None:
    for words in CALLS[name]:
        compare(name, json.loads(run(*words, "--format", "json")))


def test_a_file_of_known_findings(folder: Path) -> None:
    compare("known", json.loads((folder / "known.json").read_text()))


def test_an_event() -> None:
    event = Event("2026-01-01", "+", "os.firmware=efi", ("a file",), "x")
    compare("watch", {"version": 1, **json.loads(msgspec.json.encode(event))})


def test_every_document_is_called_or_said_why_not() -> None:
    assert set(CALLS) | set(NOT_CALLED) == set(DOCUMENTS)
    assert schema_names() == sorted(DOCUMENTS)


def test_every_command_with_json_has_a_schema() -> None:
    import click

    commands = {call.removeprefix("each line of ").split()[1] for call, _ in DOCUMENTS.values()}
    for name in _root.list_commands(click.Context(_root)):
        command = _root.get_command(click.Context(_root), name)
        assert command is not None
        forms = [p.type.choices for p in command.params if isinstance(p.type, click.Choice)]
        if any("json" in choices for choices in forms):
            assert name in commands, name


def test_the_shipped_schemas_are_those_of_the_types() -> None:
    import domcaps

    for name in DOCUMENTS:
        text = (Path(domcaps.__file__).parent / "schemas" / f"{name}.json").read_text()
        assert json.loads(text) == schema(name), f"{name}: run python tools/generate_docs.py"
        assert run("schema", name) == text


def test_a_mistyped_name_is_told_with_the_likely_one() -> None:
    done = CliRunner().invoke(_root, ["schema", "validat"])
    assert done.exit_code == 2
    assert "did you mean validate" in done.stderr


def test_the_manual_names_every_document() -> None:
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    named = set(re.findall(r"`([a-z-]+)`", text))
    assert set(DOCUMENTS) <= named
