"""What this domcaps is: another version may ask other questions, or keep the answers otherwise."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from domcaps._version import __version__
from domcaps.fresh.identity import identity
from domcaps.fresh.witness import digest


@functools.cache
def own_identity() -> str:
    """Give a digest of the version and of the identity of each file of the package.

    The table is part of the package, and with it what emulators are asked. What is loaded can't
    change any more, so that this is worked out once.
    """
    root = Path(__file__).parent.parent
    return digest(repr((__version__, *_files(str(root)))).encode("utf-8", "surrogatepass"))


def _files(folder: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        # the package is in an archive: its version must do
        return []
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            found += [] if entry.name == "__pycache__" else _files(entry.path)
        elif entry.name.endswith((".py", ".json")):
            found.append((entry.path, identity(entry.stat())))
    return found
