"""Completion by a real bash, and what zsh and fish are given; encodings and colour."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from lxml import etree

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.cli._shells import Fish, Zsh
from linter import BAD
from plain_hosts import plain

if TYPE_CHECKING:
    from pathlib import Path

RISCV = "--host=shipped:sid-riscv64"
BREAKS = " \t\n\"'><=;|&(:"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bash")
    done = CliRunner().invoke(_root, ["completion", "bash"])
    assert done.exit_code == 0, done.output
    program = folder / "domcaps"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m domcaps "$@"\n')
    program.chmod(0o755)
    path = folder / "completion.bash"
    path.write_text(done.stdout)
    return path


def bash(script: Path, line: str, breaks: str = BREAKS) -> list[str]:
    """Complete a line as bash does, and give the lines that it may become."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    code = (
        f"source {script}; COMP_LINE=$1; COMP_POINT=${{#1}}; COMP_WORDBREAKS=$2; "
        'compopt() { :; }; _domcaps_completion domcaps; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", code, "bash", line, breaks],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PATH": f"{script.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    last = max(line.rfind(sign) for sign in breaks)
    return [line[: last + 1] + found for found in done.stdout.splitlines() if found]


class TestBash:
    @pytest.mark.parametrize(
        ("begun", "whole"),
        [
            ("--host shipped:debian13-x", "--host shipped:debian13-x86_64"),
            ("--host=shipped:debian13-x", "--host=shipped:debian13-x86_64"),
            ("--host shipped:", "--host shipped:sid-x86_64"),
            ("--host=ship", "--host=shipped:sid-x86_64"),
            ("--host=shipped:sid-riscv64 --machine=vir", f"{RISCV} --machine=virt"),
            ("--machine=q3", "--machine=q35"),
            ("--arch aarch", "--arch aarch64"),
            ("--format=js", "--format=json"),
            ("--disable-d", "--disable-deprecated-features"),
        ],
    )  # fmt: skip
    def test_words_with_colons_and_equals_signs(self, script: Path, begun: str, whole: str) -> None:
        assert f"domcaps report {whole}" in bash(script, f"domcaps report {begun}")

    def test_where_a_user_took_signs_out_of_the_breaks(self, script: Path) -> None:
        line = "domcaps report --host=shipped:debian13-x"
        found = bash(script, line, BREAKS.replace(":", "").replace("=", ""))
        assert found == [f"{line}86_64"]

    def test_settings_of_a_side(self, script: Path) -> None:
        line = "domcaps diff shipped:sid-x86_64,machine=q3"
        assert f"{line}5" in bash(script, line)

    def test_codes(self, script: Path) -> None:
        line = "domcaps validate --ignore xml-malformed,video-several"
        assert f"{line}-primaries" in bash(script, line)
        assert "domcaps codes video-several-primaries" in bash(script, "domcaps codes video-sev")

    def test_systems(self, script: Path) -> None:
        assert "domcaps new --os windows" in bash(script, "domcaps new --os windo")

    def test_commands_and_words_that_are_not_closed(self, script: Path) -> None:
        assert "domcaps validate" in bash(script, "domcaps val")
        assert bash(script, "domcaps report --host 'ship")  # no error


@pytest.mark.parametrize("kind", [Zsh, Fish])
def test_other_shells_get_whole_words(kind: type[Zsh | Fish]) -> None:
    shell = kind(_root, {}, "domcaps", "_DOMCAPS_COMPLETE")
    found = shell.get_completions(["report"], "--host=shipped:debian13-x")
    assert [item.value for item in found] == ["--host=shipped:debian13-x86_64"]
    found = shell.get_completions(["report", "--host"], "shipped:debian13-x")
    assert [item.value for item in found] == ["shipped:debian13-x86_64"]


LOCALES = [
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


def run(folder: Path, locale: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "domcaps", *words],
        capture_output=True, timeout=120, check=False, cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **locale},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    return done


@pytest.mark.parametrize("locale", LOCALES, ids=str)
class TestLocales:
    def test_json_is_ascii_or_utf8(self, tmp_path: Path, locale: dict[str, str]) -> None:
        (tmp_path / "ü✗𝄞.xml").write_text(BAD.replace("nobodys", "ü✗𝄞"))
        words = ["--host", plain("debian13-x86_64"), "ü✗𝄞.xml"]
        for form in ("json", "gitlab", "sarif"):
            done = run(tmp_path, locale, "validate", "--format", form, *words)
            assert done.returncode == 1
            assert "ü✗𝄞" in str(json.loads(done.stdout.decode()))
        document = etree.fromstring(
            run(tmp_path, locale, "validate", "--format=junit", *words).stdout
        )
        assert "ü✗𝄞" in document[0].get("name", "")

    def test_text_is_printed(self, tmp_path: Path, locale: dict[str, str]) -> None:
        (tmp_path / "a.xml").write_text(BAD.replace("nobodys", "ü✗"))
        words = ["--host", plain("debian13-x86_64")]
        assert run(tmp_path, locale, "validate", *words, "a.xml").returncode == 1
        assert run(tmp_path, locale, "explain", *words, "video").returncode == 0
        done = run(tmp_path, locale, "diff", plain("debian12-x86_64"), plain("debian13-x86_64"))
        assert done.returncode == 1


class TestColour:
    def printed(self, folder: Path, *words: str, **variables: str) -> bytes:
        (folder / "a.xml").write_text(BAD)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"}
        }
        return subprocess.run(
            [sys.executable, "-m", "domcaps", "validate", "--host", plain("sid-x86_64"), "a.xml",
             *words],
            capture_output=True, timeout=120, check=False, cwd=folder,
            env={**environment, **variables},
        ).stdout  # fmt: skip

    def test_force_and_no(self, tmp_path: Path) -> None:
        assert b"\x1b[" not in self.printed(tmp_path)
        assert b"\x1b[" in self.printed(tmp_path, FORCE_COLOR="1")
        assert b"\x1b[" in self.printed(tmp_path, FORCE_COLOR="1", TERM="dumb")
        assert b"\x1b[" not in self.printed(tmp_path, FORCE_COLOR="0")
        assert b"\x1b[" not in self.printed(tmp_path, FORCE_COLOR="1", NO_COLOR="1")

    def test_what_the_command_line_says_overrides_variables(self, tmp_path: Path) -> None:
        assert b"\x1b[" in self.printed(tmp_path, "--color", "always", NO_COLOR="1")
        assert b"\x1b[" in self.printed(tmp_path, "--color=always", TERM="dumb")
        assert b"\x1b[" not in self.printed(tmp_path, "--color", "never", FORCE_COLOR="1")
        assert b"\x1b[" in self.printed(tmp_path, "--color", "auto", FORCE_COLOR="1")
        assert b"\x1b[" not in self.printed(tmp_path, "--color", "auto")

    def test_every_command_takes_it(self) -> None:
        context = click.Context(_root)
        lacking = []

        def look(command: click.Command, name: str) -> None:
            if not any("--color" in one.opts for one in command.params):
                lacking.append(name)
            for inner, found in getattr(command, "commands", {}).items():
                look(found, f"{name} {inner}")

        look(_root, "domcaps")
        for name in _root.list_commands(context):
            command = _root.get_command(context, name)
            assert command is not None
            look(command, name)
        assert lacking == []
