"""Variables that name folders to take programs from, as an executed program gets them.

A user who can write to such a folder chooses what is executed there: the program that a wrapper
looks for along ``PATH``, a library, a module of QEMU. So a program gets only the folders that no
other user can change, by their real paths, so that a link can't be turned meanwhile.
"""

from __future__ import annotations

import functools
import os

from domcaps.facts.ownership import weakness_of_search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LIBRARIES = "LD_LIBRARY_PATH"
_WARNED_OF = ("LD_LIBRARY_PATH", "QEMU_MODULE_DIR")
_OF_PROGRAM = r"(ORIGIN|\{ORIGIN\})(/\.\.)?(/(?!\.\.(?:/|$))[^/$]*)*"

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


def warn_of_folders(environ: Mapping[str, str] = os.environ) -> None:
    """Say what is left out of these variables, for an answer that was kept: see `passed`."""
    for name in _WARNED_OF:
        if value := environ.get(name):
            passed(name, value)


def _split(separator: str, value: str) -> list[str]:
    for sign in separator[1:]:
        value = value.replace(sign, separator[0])
    return value.split(separator[0]) if separator else [value]


def _folder(name: str, folder: str) -> str:
    """Give what is passed on of a folder, "" where that is nothing."""
    if not folder.startswith("/"):
        # a program is executed in "/": for others than the loader such a folder is a slip
        return _expanded_by_loader(folder) if name == _LIBRARIES else ""
    if name == _LIBRARIES and "$" in folder:
        return _expanded_by_loader(folder)
    real = _real(folder)
    if weak := weakness_of_search(real):
        _tell(name, folder, f"{weak.text} ({weak.remedy})")
        return ""
    return real


def _expanded_by_loader(folder: str) -> str:
    """Give a folder in which the loader replaces ``$ORIGIN``, ``$LIB`` or ``$PLATFORM``.

    What is below or beside the program's own folder belongs to the program. Of others the folder
    before the first name counts, in which no other user may make one; more ways up could lead
    anywhere. A relative folder is one of ``/``, where the program is executed: a slip.
    """
    start, sign, rest = folder.partition("$")
    if not start:
        import re  # an answer that is kept is proven without it

        return folder if re.fullmatch(_OF_PROGRAM, rest) else ""
    if not sign or ".." in folder.split("/"):
        return ""
    return "" if weakness_of_search(_real(start.rstrip("/") or "/")) else folder


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
    level = logging.WARNING if name in _WARNED_OF else logging.INFO
    log.log(level, "%s in %s is not used: %s", folder, name, why)
