"""Files that a domain names, as far as somebody may look at them: are they there, how large."""

from __future__ import annotations

import os
import stat

from domcaps.facts.looks import LOOKS
from domcaps.named_tuples import NamedTuple


class FileState(NamedTuple):
    """A file, or that there is none; `size` is in bytes, None of what is no regular file.

    `kind` is ``file``, ``folder``, ``block`` or ``character`` (a device), ``pipe``, ``socket`` or
    "" where that is not known.
    """

    exists: bool
    size: int | None = None
    kind: str = ""


MISSING = FileState(exists=False)


def look_at(path: str) -> FileState | None:
    """Look at a file of this machine; None where this user may not, or where that is no path."""
    state = _look_at(path)
    LOOKS.at_file(path, state)
    return state


def _look_at(path: str) -> FileState | None:
    try:
        # not through pathlib, which takes longer than the system call
        status = os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except (OSError, ValueError):
        return None
    size = status.st_size if stat.S_ISREG(status.st_mode) else None
    return FileState(True, size, _KINDS.get(stat.S_IFMT(status.st_mode), ""))


_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFBLK: "block",
    stat.S_IFCHR: "character",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}
