"""Findings that a project has accepted: written to a file once, and left out from then on.

The file is JSON with one line for each finding, sorted, so that a change of it can be reviewed. A
finding is recognized by its fingerprint (`domcaps.validate.fingerprint`).
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from domcaps import files
from domcaps.errors import InputError
from domcaps.text import to_compact_json
from domcaps.validate.fingerprint import fingerprints, plain_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation

_MAX_BYTES = 256 * 1024 * 1024


class KnownFinding(msgspec.Struct, frozen=True, order=True):
    """One finding that is accepted; `code` and `path` are there for people."""

    file: str
    code: str
    path: str
    fingerprint: str


class KnownFindings(msgspec.Struct, frozen=True):
    """The content of a file of known findings."""

    version: Literal[1] = 1
    known: tuple[KnownFinding, ...] = ()


class Known:
    """The known findings of some files, whose paths are relative to `folder`."""

    def __init__(self, folder: Path, known: Iterable[KnownFinding] = ()) -> None:
        self.folder = folder
        self._of: dict[str, set[str]] = defaultdict(set)
        for one in known:
            self._of[one.file].add(one.fingerprint)

    def count(self, file: str) -> int:
        """Give the number of findings that are known of a file."""
        return len(self._of.get(self._relative(file), ()))

    def entries(self, file: str, validation: Validation) -> tuple[KnownFinding, ...]:
        """Give the entries by which the findings of a file become known."""
        relative = self._relative(file)
        found = (*validation.findings, *validation.notices)
        names = fingerprints(found, validation.source) if found else ()
        return tuple(
            KnownFinding(relative, finding.code, plain_path(finding.path), name)
            for finding, name in zip(found, names, strict=True)
        )

    def without(self, file: str, validation: Validation) -> tuple[Validation, int]:
        """Leave known findings out; gives how many these were."""
        of_file = self._of.get(self._relative(file))
        if not of_file:
            return validation, 0
        found = (*validation.findings, *validation.notices)
        names = fingerprints(found, validation.source)
        known = {id(f) for f, name in zip(found, names, strict=True) if name in of_file}

        def new(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
            return tuple(one for one in findings if id(one) not in known)

        left = msgspec.structs.replace(
            validation, findings=new(validation.findings), notices=new(validation.notices)
        )
        return left, len(known)

    def _relative(self, file: str) -> str:
        return file if file == "-" else Path(os.path.relpath(file, self.folder)).as_posix()


def load_known(path: Path) -> Known:
    """Read a file of known findings; raises `InputError` for what is none."""
    try:
        content = msgspec.json.decode(files.read(path, _MAX_BYTES), type=KnownFindings)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InputError(
            f"this is no file of known findings: {error}",
            where=str(path),
            remedy="write it with 'domcaps validate --add-known FILE …'",
        ) from None
    return Known(path.absolute().parent, content.known)


def save_known(path: Path, known: Iterable[KnownFinding]) -> int:
    """Write known findings, sorted, one on a line; gives their number."""
    listed = sorted(set(known))
    lines = ",\n".join(to_compact_json(one) for one in listed)
    files.replace(path, f'{{"version":1,"known":[\n{lines}\n]}}\n'.encode())
    return len(listed)
