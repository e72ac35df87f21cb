"""The domains in a folder: which files are looked at, and what came of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps import files
from domcaps.errors import InputError
from domcaps.folders import xml_files
from domcaps.validate.document.parse import MAX_BYTES
from domcaps.validate.files import NO_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.validate.check import Validation


def validate_folder(
    folder: str | Path, validate: Callable[[bytes], Validation]
) -> dict[Path, Validation]:
    """Validate every domain in a folder and below it, each file once.

    Documents with another root than ``<domain>`` are left out. Raises `InputError` for what is no
    folder, and for a file that cannot be read.
    """
    if not Path(folder).is_dir():
        raise InputError("is not a folder", where=str(folder))
    found: dict[Path, Validation] = {}
    reached: set[str] = set()
    for name in xml_files(Path(folder)):
        real = os.path.realpath(name)
        if real not in reached:
            reached.add(real)
            result = validate(_read(name))
            if not result.findings or result.findings[0].code != NO_DOMAIN:
                found[Path(name)] = result
    return found


def _read(name: str) -> bytes:
    """Read one byte more than is ever looked at: that is enough to say that it is too large."""
    try:
        return files.read_input(name, MAX_BYTES + 1)
    except OSError as error:
        raise InputError(str(error.strerror or error), where=name) from error
