"""The domains in a folder: which files are looked at, and what came of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps import files
from domcaps.errors import InputError
from domcaps.folders import xml_names
from domcaps.validate.document.parse import MAX_BYTES
from domcaps.validate.files import NO_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.validate.check import Validation


class FolderValidations(dict[Path, "Validation"]):
    """The verdicts on the domains in a folder, by file.

    `unread` are files that cannot be read, each with the reason; `left_out` are documents with
    another root than ``<domain>``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unread: dict[Path, str] = {}
        self.left_out: tuple[Path, ...] = ()


def validate_folder(
    folder: str | Path, validate: Callable[[bytes], Validation]
) -> FolderValidations:
    """Validate every domain in a folder and below it, each file once.

    Raises `InputError` for what is no folder.
    """
    if not str(folder):
        raise InputError("the name of the folder is empty", remedy="name a folder, such as '.'")
    if not Path(folder).is_dir():
        raise InputError("is not a folder", where=str(folder), remedy="name a folder")
    found = FolderValidations()
    reached: set[str] = set()
    for name in xml_names(Path(folder)):
        real = os.path.realpath(name)
        if real not in reached:
            reached.add(real)
            _add(found, Path(name), validate)
    return found


def _add(found: FolderValidations, file: Path, validate: Callable[[bytes], Validation]) -> None:
    try:
        # one byte more than is ever looked at: that is enough to say that it is too large
        data = files.read_input(file, MAX_BYTES + 1) if file.is_file() else _nothing(file)
    except OSError as error:
        found.unread[file] = str(error.strerror or error)
        return
    result = validate(data)
    if result.findings and result.findings[0].code == NO_DOMAIN:
        found.left_out += (file,)
    else:
        found[file] = result


def _nothing(file: Path) -> bytes:
    """Raise `OSError` for what is no file; a pipe would never end."""
    file.stat()
    raise OSError("is not a regular file")
