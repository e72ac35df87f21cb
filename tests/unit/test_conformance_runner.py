"""The programs beside the tests start; that of recorded cases comes to its end on any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests/conformance", "tests", "tools", "benchmarks")
PROGRAMS = [
    path.relative_to(ROOT)
    for folder in FOLDERS
    for path in sorted((ROOT / folder).glob("*.py"))
    if "ArgumentParser(" in path.read_text()
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    runner = ROOT / "tests" / "conformance" / "run.py"
    return subprocess.run(
        [sys.executable, runner, *arguments], capture_output=True, text=True, check=False
    )


def test_a_folder_without_cases_is_wrong_usage(tmp_path: Path) -> None:
    ended = run(str(tmp_path))
    assert ended.returncode == 2
    assert "no cases there" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_case_that_breaks_fails_and_the_others_are_judged(tmp_path: Path) -> None:
    broken: dict[str, object] = {
        "id": "broken",
        "xml": "gone.xml",
        "caps": "gone.replies",
        "expect": "accept",
        "exotic": [],
        "reject_stage": None,
        "abi_update": True,
        "arch": "x86_64",
        "extra": {},
    }
    (tmp_path / "domains").mkdir()
    manifest = tmp_path / "domains" / "manifest.json"
    manifest.write_text(json.dumps({"cases": [broken, {**broken, "id": "other"}]}))
    ended = run(str(tmp_path), "--jobs", "1")
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("FAILED broken: no verdict: FileNotFoundError: ")
    assert lines[1].startswith("FAILED other: ")
    assert lines[-1] == "0 passed, 2 failed"
    assert ended.returncode == 1


def test_only_looks_at_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "manifest.json").write_text('{"cases": []}')
    assert run(str(tmp_path), "--only", "domaincaps").returncode == 2
    assert run(str(tmp_path)).stdout == "0 passed, 0 failed\n"


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_starts_as_its_documentation_says(program: Path, tmp_path: Path) -> None:
    """Nothing but its name is needed: no folder to be in, no path for imports."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command: list[str | Path] = [sys.executable, ROOT / program, "--help"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("usage: ")
