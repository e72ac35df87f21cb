"""Findings for programs: one JSON document for all files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domcaps.text import to_compact_json

if TYPE_CHECKING:
    from domcaps.validate.files import Checked


@dataclass(frozen=True)
class JsonOutput:
    """Writes ``{"domcaps": …, "libvirt": …, "files": [{"file", "accepted", …, "findings"}]}``.

    A file that could not be read has an ``error`` instead of findings.
    """

    version: str
    libvirt: str

    def begin(self) -> str:
        """Open the document."""
        head = to_compact_json({"domcaps": self.version, "libvirt": self.libvirt})
        return f'{head[:-1]},"files":[\n'

    def item(self, checked: Checked) -> str:
        """Give one file, with a comma before it; the first one's is taken away by `joined`."""
        return f",{to_compact_json(_item(checked))}\n"

    def end(self, codes: frozenset[str], troubles: tuple[str, ...]) -> str:  # noqa: ARG002
        """Close the document."""
        return "]}\n"


def _item(checked: Checked) -> dict[str, Any]:
    done = checked.validation
    file = checked.file.encode(errors="backslashreplace").decode()
    if done is None:
        return {"file": file, "error": checked.trouble}
    return {
        "file": file,
        "accepted": done.accepted,
        "definable": done.definable,
        "findings": done.findings,
        "notices": done.notices,
        "unknown": done.unknown,
    }
