"""Tests that find nothing left behind could not fail if the mark did not reach a program."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from domcaps.facts.launch import PIPE, Command, start
from domcaps.facts.trust import vouch
from marked_processes import marking, survivors

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_program_that_runs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = uuid.uuid4().hex
    for name, value in marking(mark).items():
        monkeypatch.setenv(name, value)
    program = tmp_path / "qemu-system-x86_64"
    program.write_text("#!/bin/sh\nread _\n")
    program.chmod(0o755)
    process = start(Command(vouch(str(program))), stdin=PIPE, output=PIPE)
    try:
        assert len(survivors(mark, patience=0)) == 1
    finally:
        process.communicate()
    assert survivors(mark) == []
