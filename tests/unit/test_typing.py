"""Programs of users: they run, type checkers accept them, and find planted mistakes."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linter import BAD, GOOD
from plain_hosts import plain

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "typing"
RIGHT = ("before_migration", "pick_video", "summarize")


def planted() -> list[int]:
    """Give the lines that have a mistake."""
    lines = (PROGRAMS / "typos.py").read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if line.endswith("# typo")]


def test_every_program_is_checked() -> None:
    assert sorted(path.stem for path in PROGRAMS.glob("*.py")) == sorted((*RIGHT, "typos"))
    assert len(planted()) > 10


def mypy(*names: str) -> str:
    files = [str(PROGRAMS / f"{name}.py") for name in names]
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary",
            f"--cache-dir={ROOT / '.mypy_cache' / 'programs'}", *files,
        ],
        capture_output=True, text=True, timeout=600, check=False, cwd=PROGRAMS,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout


def test_mypy_accepts_them_and_finds_each_mistake() -> None:
    # once for all: most of the time is for reading domcaps
    said = mypy(*RIGHT, "typos")
    places = re.findall(r"^(?:.*/)?([a-z_]+)\.py:(\d+): error", said, re.MULTILINE)
    assert {int(line) for name, line in places if name == "typos"} == set(planted()), said
    assert {name for name, _ in places} == {"typos"}, said


def pyright() -> list[tuple[str, int]]:
    if shutil.which("node") is None:
        pytest.skip("pyright needs node, which is not installed here")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable,
             "--project", str(PROGRAMS)],
            capture_output=True, text=True, timeout=300, check=False, cwd=PROGRAMS,
        )  # fmt: skip
        found = json.loads(done.stdout)["generalDiagnostics"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        pytest.skip("pyright could not be installed: its first run fetches it from npm")
    return [
        (Path(one["file"]).stem, one["range"]["start"]["line"] + 1)
        for one in found
        if one["severity"] == "error"
    ]


def test_pyright_accepts_them_and_finds_each_mistake() -> None:
    found = pyright()
    assert {line for name, line in found if name == "typos"} == set(planted())
    assert {name for name, _ in found} == {"typos"}


def run(program: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    runpy.run_path(str(PROGRAMS / f"{program}.py"), run_name="__main__")


def test_they_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = plain("debian12-x86_64"), plain("debian13-x86_64")
    (tmp_path / "good.xml").write_text(GOOD)
    (tmp_path / "bad.xml").write_text(BAD)
    run("pick_video", new, monkeypatch=monkeypatch)
    assert capsys.readouterr().out.startswith("virtio\n")
    run("summarize", new, str(tmp_path), monkeypatch=monkeypatch)
    assert "1 error video-model-type-unknown" in capsys.readouterr().out
    run("before_migration", old, new, str(tmp_path / "good.xml"), monkeypatch=monkeypatch)
    assert "True" in capsys.readouterr().out
