"""Files that a command line names: folders and patterns stand for the domains in them."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def expand(names: Sequence[str]) -> list[str]:
    """Give the files that names stand for, each once: folders hold ``*.xml``, also below them.

    Raises `click.BadParameter` where a folder or a pattern has no file.
    """
    found: dict[str, None] = {}
    for name in names:
        inside = list(_expanded(name))
        if not inside:
            raise click.BadParameter(f"{name}: there is no XML file there", param_hint="FILE")
        found |= dict.fromkeys(inside)
    return list(found)


def _expanded(name: str) -> Iterator[str]:
    path = Path(name)
    if name != "-" and path.is_dir():
        yield from sorted(str(inner) for inner in path.rglob("*.xml") if inner.is_file())
    elif set(name) & set("*?[") and not path.exists():
        found = glob.glob(name, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        yield from sorted(inner for inner in found if Path(inner).is_file())
    else:
        yield name


def path_in_diff(name: str) -> str:
    """Give the path by which a diff names a file: below the current folder, or without its root."""
    if name == "-":
        return "domain.xml"
    relative = os.path.relpath(name)
    if relative.startswith(".."):
        relative = str(Path(name).absolute()).lstrip("/")
    return relative
