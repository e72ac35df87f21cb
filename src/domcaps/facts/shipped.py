"""Recordings that come with the package, so that it is of use where there is no QEMU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.checked import checked
from domcaps.errors import UnsupportedTargetError
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from domcaps.facts.record import Recording

SUFFIX = ".domcaps"


@checked
def shipped_names() -> tuple[str, ...]:
    """Name the recordings, such as ``debian13-x86_64``."""
    folder = _folder()
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
        near = close_matches(name, names, n=1)
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
    return (_folder() / f"{name}{SUFFIX}").read_bytes()


def _folder() -> Traversable:
    """Give the folder of recordings, also where the package is a zip archive."""
    folder = Path(__file__).parents[1] / "recordings"
    if folder.is_dir():
        return folder
    # what this loads takes longer than to read a recording
    from importlib.resources import files

    return files("domcaps") / "recordings"


def _age(name: str) -> tuple[int, str]:
    """Sort Debian's releases: 12 before 13 before sid."""
    digits = "".join(c for c in name.partition("-")[0] if c.isdigit())
    return (int(digits) if digits else 1000, name)
