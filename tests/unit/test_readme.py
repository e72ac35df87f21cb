"""The README's commands work when they are typed one after the other in a fresh clone."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from document_commands import INSTALLING, ROOT, run_all, typed

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text()
WITHOUT_QEMU, _, WITH_QEMU = README.partition("### On a host with QEMU")


def test_what_needs_no_qemu_works_in_the_order_of_the_readme(tmp_path: Path) -> None:
    commands = typed(WITHOUT_QEMU)
    assert len([c for c in commands if c.words.startswith("domcaps ")]) > 8
    assert any(c.excerpt for c in commands)
    run_all(commands, tmp_path)


def test_every_target_of_make_that_documents_name_exists() -> None:
    pages = (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md")
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert {"run", "docs", "deb"} <= named
    for name in named:
        done = subprocess.run(
            ["make", "-n", name], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert "No rule" not in done.stderr, name


def test_make_run_says_where_the_program_is_and_keeps_standard_output_for_the_report() -> None:
    recipe = re.search(r"^run:.*?\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe
    report, said = recipe[1].split("\n", 1)
    assert report == "\t@$(BIN)/domcaps report --shipped"
    assert "$(BIN)/domcaps" in said
    assert said.rstrip().endswith(">&2")


def test_each_way_to_install_is_one_that_runs() -> None:
    table = README.partition("## Install")[2].partition("## First")[0]
    commands = re.findall(r"^\|[^|]*\| `([^`]+)`", table, re.M)
    assert [command.split()[0] for command in commands] == ["make", "pipx", "make", "docker"]
    assert {c.split()[0] for c in commands} <= set(INSTALLING)
    for file in re.findall(r"packaging/[A-Za-z-]+", table):
        assert (ROOT / file).is_file(), file
