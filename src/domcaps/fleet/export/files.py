"""Export files: each appears whole, and those of hosts that are gone disappear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps import files
from domcaps.fleet.export.nfd import FIRST_LINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def write_file(path: str | Path, text: str) -> None:
    """Put a text in the place of a file by a rename; raises `OSError`.

    Readers such as NFD and node_exporter see the old text or the new one.
    """
    files.replace(path, text.encode("utf-8", "replace"))


def write_folder(folder: Path, texts: Mapping[str, str], kept: Iterable[str] = ()) -> list[str]:
    """Write a file for each host, and delete feature files of other hosts; gives their names.

    `kept` are hosts whose files stay as they are. Files that domcaps did not write stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_file(folder / file_name(name), text)
    staying = {file_name(name) for name in (*texts, *kept)}
    gone = [one for one in sorted(folder.iterdir()) if one.name not in staying and _is_ours(one)]
    for one in gone:
        one.unlink(missing_ok=True)
    return [one.name for one in gone]


def file_name(host: str) -> str:
    """Give the name of a host's file: the host's name, without what names of files can't have."""
    name = host.replace("%", "%25").replace("/", "%2F")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.name.startswith("."):
        return False
    return files.read_at_most(path, len(FIRST_LINE)) == FIRST_LINE.encode()
