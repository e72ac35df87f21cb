"""Variables that name folders to take programs from, as an executed program gets them.

A user who can write to such a folder chooses what is executed there: the program that a wrapper
looks for along ``PATH``, a library, a module of QEMU. So a program gets only the folders that no
other user can change, by their real paths, so that a link can't be turned meanwhile.
"""

from __future__ import annotations

import functools
import os

from domcaps.facts.ownership import weakness

SEPARATORS = {"PATH": ":", "LD_LIBRARY_PATH": ":;", "QEMU_MODULE_DIR": ""}
"""Variables that name folders, and the signs that stand between two."""


def passed(name: str, value: str) -> str | None:
    """Give the value of a variable that a program gets; None where it gets none."""
    separator = SEPARATORS.get(name)
    if separator is None or not value:
        return value
    kept = [found for part in _split(separator, value) if (found := _folder(name, part))]
    return ":".join(kept) or None


def folders(name: str, value: str | None) -> tuple[str, ...]:
    """Name the folders that a variable names by absolute paths, whether they are safe or not."""
    separator = SEPARATORS.get(name)
    parts = _split(separator, value) if separator is not None and value else []
    return tuple(part for part in parts if part.startswith("/") and "$" not in part)


def _split(separator: str, value: str) -> list[str]:
    for sign in separator[1:]:
        value = value.replace(sign, separator[0])
    return value.split(separator[0]) if separator else [value]


def _folder(name: str, folder: str) -> str:
    """Give what is passed on of a folder, "" where that is nothing."""
    if not folder.startswith("/"):
        # a program is executed in "/": for the search path such a folder is a slip, and the loader
        # knows names such as $ORIGIN, which belong to the program
        return "" if name == "PATH" else folder
    if "$" in folder:
        return "" if weakness(folder.partition("$")[0].rstrip("/") or "/") else folder
    real = _real(folder)
    if weak := weakness(real):
        _tell(name, folder, f"{weak.text} ({weak.remedy})")
        return ""
    return real


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


@functools.cache
def _tell(name: str, folder: str, why: str) -> None:
    """Say it once: a search path often has such a folder, which then has no effect."""
    import logging  # an answer that is kept is proven without it

    log = logging.getLogger("domcaps.trust")
    level = logging.INFO if name == "PATH" else logging.WARNING
    log.log(level, "%s in %s is not used: %s", folder, name, why)
