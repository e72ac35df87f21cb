"""Processes that a test has started through domcaps, found by a mark in their environment."""

from __future__ import annotations

import contextlib
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def marking(mark: str) -> dict[str, str]:
    """Give a variable that every program gets, and that has no effect on it.

    The name of a missing folder beside a program is passed on; one that is relative is not.
    """
    return {"LD_LIBRARY_PATH": f"$ORIGIN/{mark}"}


def marked(mark: str) -> list[str]:
    """Give the command lines of the processes with that text in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def survivors(mark: str, patience: float = 2.0) -> list[str]:
    """Give those that are there after a while."""
    limit = time.monotonic() + patience
    while (found := marked(mark)) and time.monotonic() < limit:
        time.sleep(0.02)
    return found


def marked_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark what is started, and see afterwards that nothing of it is left: for a fixture."""
    text = f"TEST_RUN_{uuid.uuid4().hex}"
    for name, value in marking(text).items():
        monkeypatch.setenv(name, value)
    yield text
    assert survivors(text) == []
