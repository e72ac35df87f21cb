"""Where a path leads to."""

from __future__ import annotations

import os

_MOST_LINKS = 40
"""As the kernel (``MAXSYMLINKS``)."""


def real_path(path: str) -> str:
    """Give the absolute path of what a path leads to, links followed as the kernel follows them."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        # a loop of links or a zero byte: it leads nowhere, and no program there is trusted
        return os.path.abspath(path)  # noqa: PTH100 - the other resolves it as well


def links(path: str) -> tuple[str, ...]:
    """Name each link that the kernel follows on the way to a path, by the real path of its folder.

    A user who can change one of them changes what the path leads to.
    """
    rest = _absolute(path).split("/")[::-1]
    at = ""
    found: list[str] = []
    while rest and len(found) < _MOST_LINKS:
        name = rest.pop()
        if name == "..":
            at = at.rpartition("/")[0]
        elif name not in {"", "."}:
            place = f"{at}/{name}"
            target = _target(place)
            if target is None:
                at = place
                continue
            found.append(place)
            at = "" if target.startswith("/") else at
            rest += target.split("/")[::-1]
    return tuple(found)


def _absolute(path: str) -> str:
    """Give a path from the root; its ``..`` stay, since they are about where links lead."""
    if path.startswith("/"):
        return path
    try:
        return f"{os.getcwd()}/{path}"  # noqa: PTH109 - text
    except OSError:
        return f"/{path}"


def _target(place: str) -> str | None:
    try:
        return os.readlink(place)  # noqa: PTH115 - text
    except (OSError, ValueError):
        return None
