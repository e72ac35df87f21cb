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
MANUAL = ROOT / "docs" / "programs.md"
RIGHT = (
    "ask_fleet", "before_migration", "common_domain", "convert_folder", "fail_on_warnings",
    "pick_video", "read_report", "summarize", "usable_cpus", "why_refused",
)  # fmt: skip


def planted() -> list[int]:
    """Give the lines that have a mistake."""
    lines = (PROGRAMS / "typos.py").read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if line.endswith("# typo")]


def test_every_program_is_checked() -> None:
    assert sorted(path.stem for path in PROGRAMS.glob("*.py")) == sorted((*RIGHT, "typos"))
    assert len(planted()) > 10


@pytest.mark.parametrize("name", RIGHT)
def test_the_manual_shows_it(name: str) -> None:
    text = (PROGRAMS / f"{name}.py").read_text()
    assert f"```python\n{text}```\n" in MANUAL.read_text()


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


def run(program: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a program in this process; gives its exit code."""
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    try:
        runpy.run_path(str(PROGRAMS / f"{program}.py"), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "good.xml").write_text(GOOD)
    (tmp_path / "domains" / "bad.xml").write_text(BAD)
    return tmp_path / "domains"


PRINTED = {
    "pick_video": (0, "virtio\n"),
    "summarize": (1, "1 error video-model-type-unknown"),
    "common_domain": (0, "disk buses of all hosts: "),
    "usable_cpus": (0, "qemu32: lacks pni"),
    "fail_on_warnings": (1, "bad.xml:6:16: error: "),
    "convert_folder": (0, "type='virtio' instead of 'nobodys'"),
    "read_report": (0, "disk.diskDevice: disk, cdrom, floppy, lun"),
    "why_refused": (0, "accepted: "),
    "ask_fleet": (0, "good.xml: 1 hosts accept it: debian13-x86_64"),
    "before_migration": (0, "the domain can be migrated"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_it_runs(
    name: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new = plain("debian12-x86_64"), plain("debian13-x86_64")
    good, bad = str(folder / "good.xml"), str(folder / "bad.xml")
    given = {
        "summarize": (new, str(folder)),
        "fail_on_warnings": (str(folder), new),
        "convert_folder": (new, str(folder), str(tmp_path)),
        "why_refused": (new, bad),
        "ask_fleet": (str(tmp_path / "store"), good, bad),
        "before_migration": (old, new, good),
        "common_domain": (old, new),
    }
    code, text = PRINTED[name]
    assert run(name, *given.get(name, (new,)), monkeypatch=monkeypatch) == code
    assert text in capsys.readouterr().out
