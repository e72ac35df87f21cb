"""Waiting until files change, for ``domcaps validate --watch``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SETTLE_SECONDS = 0.1
_POLL_SECONDS = 0.5

Watched = dict[str, tuple[int, int, int] | None]
"""Files and folders, each with what identifies its content, None for what is not there."""


def watched(names: Iterable[str], inputs: Iterable[str]) -> Watched:
    """Look at files, at the folders that hold them, and at configurations above them."""
    found = {**dict.fromkeys(names), **dict.fromkeys(inputs)}
    folders = {str(folder) for name in found for folder in Path(name).absolute().parents}
    configurations = [
        f"{folder}/{name}" for folder in folders for name in (".domcaps.toml", "pyproject.toml")
    ]
    return {name: _state(name) for name in (*found, *configurations)}


def _state(name: str) -> tuple[int, int, int] | None:
    try:
        status = Path(name).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def wait_for_change(before: Watched, look: Callable[[], Watched]) -> None:
    """Return when something changed, and a moment later: an editor writes in several steps.

    Looks at the times of files twice a second, which works on every file system.
    """
    while look() == before:
        time.sleep(_POLL_SECONDS)
    time.sleep(_SETTLE_SECONDS)
