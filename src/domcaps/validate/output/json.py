"""Findings for programs: one JSON document for all files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from domcaps.language.finding import Finding
from domcaps.text import to_compact_json
from domcaps.validate.several import HostVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.validate.files import Checked


class AskedHost(msgspec.Struct, frozen=True):
    """A host for which files were judged, and the release of libvirt."""

    host: str
    libvirt: str


class FileResult(msgspec.Struct, frozen=True):
    """What came of one file. One that could not be read has an `error` and nothing else.

    `verdicts` tells what each host says, where there are several; `known` counts findings that were
    left out because they are known.
    """

    file: str
    error: str | UnsetType = UNSET
    accepted: bool | UnsetType = UNSET
    definable: bool | UnsetType = UNSET
    findings: tuple[Finding, ...] | UnsetType = UNSET
    notices: tuple[Finding, ...] | UnsetType = UNSET
    unknown: tuple[str, ...] | UnsetType = UNSET
    verdicts: tuple[HostVerdict, ...] | UnsetType = UNSET
    known: int | UnsetType = UNSET


class ValidateDocument(msgspec.Struct, frozen=True):
    """What ``domcaps validate --format json`` prints."""

    version: int
    domcaps: str
    libvirt: str
    files: tuple[FileResult, ...]
    hosts: tuple[AskedHost, ...] = ()


@dataclass(frozen=True)
class JsonOutput:
    """Writes a `ValidateDocument` file by file.

    `hosts` are those that were named for all files; `libvirt` is the release of the first.
    """

    version: str
    libvirt: str
    hosts: Sequence[AskedHost] = ()

    def begin(self) -> str:
        """Open the document."""
        head = to_compact_json(
            {
                "version": 1,
                "domcaps": self.version,
                "libvirt": self.libvirt,
                "hosts": list(self.hosts),
            }
        )
        return f'{head[:-1]},"files":[\n'

    def item(self, checked: Checked) -> str:
        """Give one file, with a comma before it; the first one's is taken away by the caller."""
        return f",{to_compact_json(_item(checked))}\n"

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:  # noqa: ARG002
        """Close the document."""
        return "]}\n"


def _item(checked: Checked) -> FileResult:
    done = checked.validation
    file = checked.file.encode(errors="backslashreplace").decode()
    if done is None:
        return FileResult(file, checked.trouble)
    return FileResult(
        file,
        UNSET,
        done.accepted,
        done.definable,
        done.findings,
        done.notices,
        done.unknown,
        checked.verdicts or UNSET,
        checked.known or UNSET,
    )
