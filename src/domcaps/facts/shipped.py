"""Recordings that come with the package, so that it is of use where there is no QEMU."""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import TYPE_CHECKING

from domcaps.errors import UnsupportedTargetError

if TYPE_CHECKING:
    from domcaps.facts.record import Recording

SUFFIX = ".domcaps"


def shipped_names() -> tuple[str, ...]:
    """Name the recordings, such as ``debian13-x86_64``."""
    folder = files("domcaps") / "recordings"
    if not folder.is_dir():
        return ()
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def shipped_name(name: str = "", *, arch: str = "") -> str:
    """Give the name of a shipped recording: the given one, or the newest one for an architecture.

    Raises `UnsupportedTargetError` where there is none.
    """
    names = shipped_names()
    if not name:
        wanted = arch or "x86_64"
        name = max((n for n in names if n.partition("-")[2] == wanted), key=_age, default="")
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        listed = f"there are {', '.join(names) or 'none'}"
        raise UnsupportedTargetError(
            f"no recording {name or arch!r} comes with domcaps",
            remedy=f"did you mean {near[0]!r}? {listed}" if near else listed,
        )
    return name


def load_shipped(name: str) -> Recording:
    """Read a shipped recording by its name; raises `UnsupportedTargetError` where there is none."""
    from domcaps.facts.recording import loads

    return loads(_read(shipped_name(name)), where=f"shipped:{name}")


def _read(name: str) -> bytes:
    return (files("domcaps") / "recordings" / f"{name}{SUFFIX}").read_bytes()


def _age(name: str) -> tuple[int, str]:
    """Sort Debian's releases: 12 before 13 before sid."""
    digits = "".join(c for c in name.partition("-")[0] if c.isdigit())
    return (int(digits) if digits else 1000, name)
