"""What this domcaps is: an upgrade while a process runs mixes nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import domcaps
from domcaps.fresh.package_identity import answer_name, is_as_loaded, own_identity

PACKAGE = Path(domcaps.__file__).parent
NAME = "from domcaps.fresh.package_identity import own_identity; print(own_identity())"


def in_copy(folder: Path, program: str) -> list[str]:
    """Run a program with a copy of the package, which is in `sys.path[0]`; give its lines."""
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.split()


def copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "*.domcaps", "*.pyc")
    return Path(shutil.copytree(PACKAGE, folder / "domcaps", ignore=ignored))


def test_it_is_known_and_stays(tmp_path: Path) -> None:
    assert is_as_loaded()
    assert own_identity() == own_identity() != ""
    assert answer_name("a") != answer_name("b")
    copy(tmp_path)
    (first,) = in_copy(tmp_path, NAME)
    (again,) = in_copy(tmp_path, NAME)
    assert first == again != own_identity()


def test_an_upgrade_after_loading_does_not_change_the_name(tmp_path: Path) -> None:
    place = copy(tmp_path) / "facts/plan.py"
    lines = in_copy(
        tmp_path,
        f"""
        from domcaps.fresh.package_identity import is_as_loaded, own_identity
        print(own_identity(), is_as_loaded())
        with open({str(place)!r}, "a") as file:
            file.write("# new\\n")
        print(own_identity(), is_as_loaded())
        """,
    )
    assert (lines[0], lines[1], lines[3]) == (lines[2], "True", "False")
    (later,) = in_copy(tmp_path, NAME)
    assert later != lines[0]


def test_an_upgrade_before_it_is_asked_makes_the_code_unknown(tmp_path: Path) -> None:
    place = copy(tmp_path) / "facts/plan.py"
    lines = in_copy(
        tmp_path,
        f"""
        import time, domcaps.facts.plan
        time.sleep(0.1)
        with open({str(place)!r}, "a") as file:
            file.write("# new\\n")
        from domcaps.fresh.package_identity import is_as_loaded, own_identity
        print(repr(own_identity()), is_as_loaded())
        """,
    )
    assert lines == ["''", "False"]
