"""No command fails on odd input, and none hands it to a terminal: all commands, odd everything."""

from __future__ import annotations

import json
import os
import random
import re
import socket
from typing import TYPE_CHECKING, Any

import click
import pytest
from lxml import etree

import sweep
from domcaps.cli import _root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOSTILE = (
    "\x1b]0;TITLE\x07\x1b[31mRED\x9b31m\u202eRIGHT\u200b\u2028\x7f\r\nFORGED\x00\ufffe"
    "</script><img src=x>'\"&]]>--><!--"
)
IN_XML = "\u202e\x85\x9b31m\u2028&#13;&#10;FORGED"
"""Of these, what an XML document can hold."""

COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\ufffe\ud800-\udfff]")


IN_PATCHES = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""A patch goes to a pipe byte for byte, with all that an XML document can hold."""


@pytest.fixture
def domain(tmp_path: Path) -> str:
    path = tmp_path / "guest.xml"
    path.write_text(sweep.DOMAIN.format(hostile=IN_XML, name="nosuch"), encoding="utf-8")
    return str(path)


def require_order(done: sweep.Outcome) -> None:
    """Require an exit code with a reason, and text without commands to a terminal."""
    assert not done.traceback, f"{done.arguments}\n{done.traceback}"
    assert done.code in {0, 1, 2}, done.arguments
    if done.code == 2 and "validate" not in done.arguments:
        assert done.err, done.arguments
    is_patch = done.arguments[0] == "fix" and "json" not in done.arguments
    for text, refused in (
        (
            done.out.decode(errors="replace" if is_patch else "strict"),
            IN_PATCHES if is_patch else COMMANDS,
        ),
        (done.err.decode(), COMMANDS),
    ):
        assert (found := refused.search(text)) is None, (
            done.arguments,
            text[found.start() - 50 :],
        )
        assert "\nFORGED" not in text, done.arguments
        assert "Traceback" not in text, done.arguments


def require_form(done: sweep.Outcome) -> None:
    """Require that a document can be read by whoever reads its kind."""
    if done.code == 2 or (done.arguments[0] == "new" and done.code == 1 and not done.out):
        # an error, or wishes that can't be met: both are told on standard error
        return
    if {"json", "sarif"} & set(done.arguments):
        json.loads(done.out)
    elif done.arguments[0] in {"baseline", "report", "new"} and "html" not in done.arguments:
        etree.fromstring(done.out)


def test_no_command_is_left_out(domain: str) -> None:
    swept = {arguments[0] for arguments in sweep.commands_on_a_recording("x", domain)}
    swept |= {arguments[0] for arguments in sweep.commands_with_a_path("x", domain, "y")}
    assert swept - {"x"} | sweep.WITHOUT_FILES == set(_root.list_commands(click.Context(_root)))


@pytest.mark.parametrize("seed", range(2))
def test_hostile_strings_in_a_recording(
    seed: int, domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = sweep.with_hostile_strings(sweep.shipped(), HOSTILE, seed)
    for line in sweep.commands_on_a_recording(sweep.write(content, tmp_path / "host"), domain):
        done = sweep.run(monkeypatch, *line)
        require_order(done)
        require_form(done)


# -- recordings that lack answers -------------------------------------------------------------


def asked() -> list[str]:
    emulators = sweep.shipped()["recording"]["emulators"]
    answers = (a for e in emulators for s in e["sessions"] for a in s["answers"])
    return sorted({answer["question"]["command"] for answer in answers})


def partial_to(command: str) -> Callable[[dict[str, Any]], bool]:
    return lambda answer: bool(answer["question"]["command"] == command)


def at_random(percent: int) -> Callable[[dict[str, Any]], bool]:
    picked = random.Random(percent)  # noqa: S311 - to get the same again
    return lambda _: picked.random() * 100 < percent


LACKING = {command: partial_to(command) for command in asked()} | {
    f"{percent}%": at_random(percent) for percent in (10, 50, 90, 100)
}
"""Which answers a recording lacks: all to a command, or some at random."""


@pytest.mark.parametrize("lacking", LACKING)
def test_recordings_without_some_answers(
    lacking: str, domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = sweep.without(sweep.shipped(), LACKING[lacking])
    host = sweep.write(content, tmp_path / "host")
    begin = asked().index(lacking) if lacking in asked() else 0
    # each recording with some of the commands: over all recordings each command comes several times
    for line in list(sweep.commands_on_a_recording(host, domain))[begin % 3 :: 3]:
        require_order(sweep.run(monkeypatch, *line))


# -- paths ------------------------------------------------------------------------------------


# commands that look for domains below a folder, and that may write to what they find
WALKERS = ("fix", "fleet", "validate")


def odd_paths(folder: Path) -> Iterator[str]:
    yield from ("", ".", "/", "/dev/null", "/dev/zero", "/dev/full", "/etc/passwd/x", "x" * 300)
    yield from ("x/" * 5000, "shipped:", "shipped:\udcff", "shipped:*", "-")
    for name in ("\udcff\udc80.xml", "\x1b[31m.xml", "a\nFORGED.xml", "\u202e.xml"):
        yield str(folder / name)
        (folder / f"there{name}").write_text(sweep.DOMAIN.format(hostile="x", name="nosuch"))
        yield str(folder / f"there{name}")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket"))
    for name in ("loop", "pipe", "socket"):
        yield str(folder / name)


def test_odd_paths_in_the_place_of_each_file(
    domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for number, path in enumerate(odd_paths(tmp_path)):
        lines = sweep.commands_with_a_path(path, domain, str(tmp_path / "out"))
        # each path with some of the commands; neighbours of a kind meet different ones
        for line in list(lines)[number % 4 :: 4]:
            if path == "/" and line[0] in WALKERS:
                continue
            require_order(sweep.run(monkeypatch, *line))
