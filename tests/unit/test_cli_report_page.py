"""``domcaps report --format html``: which columns, and what is said where that makes no sense."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from domcaps.shipped import shipped_names
from pages import data_of

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "domcaps", "report", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_takes_patterns_and_leaves_out_what_is_not_there() -> None:
    done = run(
        "--format=html", "--host=shipped:*-x86_64", "--host=shipped:sid-aarch64",
        "--machine=q35", "--machine=virt", "--libvirt=12.0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    content = data_of(done.stdout)
    columns = [content["texts"][column[0]] for column in content["columns"]]
    x86 = [name for name in shipped_names() if name.endswith("x86_64")]
    assert columns == [*x86, "sid-aarch64"]
    assert done.stderr.count("skipped ") == len(columns)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host=shipped", "--host=shipped"), "--format html"),
        (("--machine=pc", "--machine=q35", "--format=json"), "--machine may be repeated only"),
        (("--format=html", "--host=shipped:no*"), "no recording has this name"),
        (("--format=html", "--host=shipped", "--machine=bogus"), "no machine type 'bogus'"),
        (("--format=html", "--host=shipped", "--libvirt=1.2"), "not a known dialect"),
        (
            ("--format=html", "--host=shipped", "--expand-cpu-features"),
            "is not valid with --format html",
        ),
        (("--format=html", "--host=/nonexistent"), "/nonexistent"),
    ],
)
def test_wrong_questions_are_one_line_and_exit_code_2(
    arguments: tuple[str, ...], told: str
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_folder_stands_for_its_recordings(tmp_path: Path) -> None:
    for name in shipped_names()[:2]:
        data = (files("domcaps") / "recordings" / f"{name}.domcaps").read_bytes()
        (tmp_path / f"{name}.domcaps").write_bytes(data)
    done = run("--format=html", f"--host={tmp_path}")
    content = data_of(done.stdout)
    assert [content["texts"][c[0]] for c in content["columns"]] == list(shipped_names()[:2])
