"""One edit that was made of a document, as data."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One edit that was made: what, where, and why.

    `line` is that of the original text, 0 where the finding has none. `removes` names what is
    taken away, "" where nothing is; `loss` tells how much is lost, see `domcaps.choose.losses`.
    """

    what: str
    path: str
    line: int
    reason: str
    code: str
    removes: str = ""
    loss: int = 0


def line_in(original: bytes, current: bytes, line: int) -> int:
    """Give the line of the original text that a line of an edited one comes from."""
    if original == current or line == 0:
        return line
    old, new = original.splitlines(), current.splitlines()
    last = 1
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if c < line <= d:
            return a + (line - c) if tag == "equal" else min(a + (line - c), max(b, a + 1))
        last = max(b, 1)
    return last
