"""The XML files in a folder, as every command and function that takes a folder finds them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def xml_files(folder: Path) -> list[str]:
    """Give the files ``*.xml`` in a folder and below it, sorted; links come behind the others.

    Links to nothing are among them: they are files that cannot be read. Hidden files and folders
    are ignored.
    """
    return [name for name in xml_names(folder) if Path(name).is_file() or _is_dead(name)]


def _is_dead(name: str) -> bool:
    return not os.path.exists(name)  # noqa: PTH110 - a folder that may not be entered is no error


def xml_names(folder: Path) -> list[str]:
    """Give the same with all that is named so and is no folder: dead links, sockets, pipes."""
    return sorted(_below(folder), key=lambda inner: (Path(inner).is_symlink(), inner))


def _below(folder: Path) -> Iterator[str]:
    for inside, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(".xml") and not name.startswith("."):
                yield str(Path(inside) / name)
