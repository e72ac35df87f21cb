"""Streams that are closed or full: no traceback, and messages decide nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/web.xml"
HOST = "--host shipped:debian13-x86_64"
COMMANDS = [
    f"validate {HOST} {EXAMPLE}", f"validate {HOST} -", f"report {HOST}", f"fix {HOST} {EXAMPLE}",
    f"native {HOST} {EXAMPLE}", f"explain {HOST} video.modelType", "codes", f"host {HOST}",
    f"new {HOST} --name x --os linux", "nonsense", "--version",
]  # fmt: skip


def run(command: str, redirection: str) -> tuple[int, str]:
    """Run a command with a redirection; give its exit code and what it says."""
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m domcaps {command} {redirection}"],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_streams_that_fail_are_no_accident(command: str) -> None:
    expected, printed = run(command, "2>/dev/null")
    for redirection in (">&-", "2>&-", "<&-", ">/dev/full", "2>/dev/full"):
        code, text = run(command, redirection)
        assert "Traceback" not in text, (redirection, text)
        assert "Exception ignored" not in text, (redirection, text)
        if redirection.startswith("2>") or (redirection == "<&-" and not command.endswith(" -")):
            assert code == expected, (redirection, text)
        elif redirection.startswith(">") and expected == 0:
            # a command that prints no result has nothing to lose
            assert code in ({2} if printed else {0, 2}), (redirection, text)
