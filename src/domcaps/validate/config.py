"""Findings that a project does not want to see: ``.domcaps.toml``, or ``pyproject.toml``.

::

    # .domcaps.toml, or [tool.domcaps] in pyproject.toml
    ignore = ["unknown-attribute"]

    [per-file-ignores]
    "tests/broken/*.xml" = ["disk-target-duplicate"]

The nearest file above a domain counts, and no other. Patterns are compared with the path below the
configuration's folder, and with the file's name alone.

A file that another user wrote or could write is passed over, and that is said: in a folder such as
``/tmp`` anybody could silence findings. It must belong to root or to the user that runs this, as
the folders above it must, and nobody else may write to them.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import tomllib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps import files
from domcaps.errors import InputError
from domcaps.facts.ownership import weakness_by_name

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.facts.ownership import Weakness

_OWN = ".domcaps.toml"
_SHARED = "pyproject.toml"
_MAX_BYTES = 256 * 1024

_MAX_DOTS = 300
"""A line with more dots is refused: the cost of a dotted key in TOML is the square of its parts."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What one configuration says: codes that are ignored everywhere, or in some files."""

    ignore: frozenset[str] = frozenset()
    per_file_ignores: dict[str, frozenset[str]] = {}

    def codes(self) -> frozenset[str]:
        """Give every code that it names."""
        return self.ignore.union(*self.per_file_ignores.values())


def ignored(file: Path) -> frozenset[str]:
    """Give the codes that are ignored in a file; raises `InputError` for a broken configuration."""
    folder = file.absolute().parent
    found = _nearest(folder)
    if found is None:
        return frozenset()
    where, config = found
    path = file.absolute().relative_to(where).as_posix()
    codes = set(config.ignore)
    for pattern, listed in config.per_file_ignores.items():
        if fnmatchcase(path, pattern) or fnmatchcase(file.name, pattern):
            codes |= listed
    return frozenset(codes)


def _nearest(folder: Path) -> tuple[Path, Config] | None:
    # not by recursion: a path may have more folders than Python has frames
    return next(filter(None, map(_in_folder, (folder, *folder.parents))), None)


@functools.cache
def _in_folder(folder: Path) -> tuple[Path, Config] | None:
    for path in (folder / _OWN, folder / _SHARED):
        if not path.is_file():
            continue
        if weak := weakness_by_name(path):
            _tell_if_passed_over(path, weak)
        elif (table := _table(path)) is not None:
            return folder, _config(table, path)
    return None


def _tell_if_passed_over(path: Path, weak: Weakness) -> None:
    with contextlib.suppress(InputError):
        # a project that has nothing to say of domcaps is no matter
        if _table(path) is None:
            return
    sys.stderr.write(f"domcaps: {path} is passed over: {weak.text} ({weak.remedy})\n")


def _table(path: Path) -> Any:
    """Give what a file says of domcaps, None where it says nothing."""
    found = _read(path)
    if path.name == _OWN:
        return found
    tools = found.get("tool")
    return tools.get("domcaps") if isinstance(tools, dict) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = files.read(path, _MAX_BYTES)
        _require_short_keys(data, path)
        # ValueError: bytes that are no UTF-8, no TOML, and numbers of too many digits
        return tomllib.loads(data.decode())
    except OSError as error:
        raise InputError(
            f"this configuration can't be read: {error.strerror}", where=str(path)
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"this configuration can't be read: {error}", where=str(path)) from None


def _require_short_keys(data: bytes, path: Path) -> None:
    lines = (line.count(b".") for line in data.split(b"\n"))
    if sum(dots * dots for dots in lines) > _MAX_DOTS * _MAX_DOTS:
        raise InputError(f"a line has more than {_MAX_DOTS} dots", where=str(path))


def _config(table: Any, path: Path) -> Config:
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise InputError(
            f"this configuration can't be used: {error}",
            where=str(path),
            remedy="it may have 'ignore' and 'per-file-ignores', both with lists of codes",
        ) from None
    named = sorted(config.codes())
    if named:
        from domcaps.validate.catalogue.codes import slip

        if wrong := slip(named):
            raise InputError(wrong, where=str(path))
    return config
