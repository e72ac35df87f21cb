"""Files that a command line names: folders and patterns stand for the domains in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domcaps import files
from domcaps.folders import xml_files
from domcaps.language.struct import MutableStruct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Gathered(MutableStruct):
    """The files that names stand for, each once.

    `found` are files that were not named, but are in a folder or match a pattern; `empty` names
    folders and patterns without any XML file.
    """

    files: dict[str, None] = msgspec.field(default_factory=dict)
    found: set[str] = msgspec.field(default_factory=set)
    empty: list[str] = msgspec.field(default_factory=list)


def expand(names: Sequence[str]) -> list[str]:
    """Give the files that names stand for, each once: folders hold ``*.xml``, also below them.

    Raises `click.BadParameter` where a folder or a pattern has no file.
    """
    gathered = gather(names)
    if gathered.empty:
        text = f"{gathered.empty[0]}: no XML file found"
        import click

        raise click.BadParameter(text, param_hint="FILE")
    return list(gathered.files)


def documents(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Give the domains that names stand for, each with the name of its file.

    Of a file that is too large, one byte more than the limit is read: it is then refused.
    """
    from domcaps.validate.document.parse import MAX_BYTES

    for name in expand(names):
        yield name, files.read_input(name, MAX_BYTES + 1)


def gather(names: Sequence[str], excludes: Callable[[Path], bool] = lambda _: False) -> Gathered:
    """Find the files that names stand for.

    In folders hidden files and folders are ignored, files that `excludes` is true of, and
    further links to a file that was found already.
    """
    gathered = Gathered()
    reached: set[str] = set()
    for name in names:
        inside = _expanded(name)
        if inside is None:
            gathered.files[name] = None
            continue
        if not inside:
            gathered.empty.append(name)
        for file in inside:
            real = os.path.realpath(file)
            if not excludes(Path(file)) and real not in reached:
                reached.add(real)
                gathered.files[file] = None
                gathered.found.add(file)
    gathered.found -= set(names)
    return gathered


def _expanded(name: str) -> list[str] | None:
    """Give the files in a folder or of a pattern, None where a name is neither."""
    path = Path(name)
    if name == "-":
        return None
    if path.is_dir():
        return xml_files(path)
    if set(name) & set("*?[") and not path.exists():
        import glob

        found = glob.glob(name, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        return sorted(inner for inner in found if Path(inner).is_file())
    return None


def path_in_diff(name: str) -> str:
    """Give the path by which a diff names a file: below the current folder, or without its root."""
    if name == "-":
        return "domain.xml"
    relative = os.path.relpath(name)
    if relative.startswith(".."):
        relative = str(Path(name).absolute()).lstrip("/")
    return relative
