"""One edit that was made of a document, as data."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.choose.text import text_of
from domcaps.language.node_path import tag_of

if TYPE_CHECKING:
    from collections.abc import Container

    from lxml.etree import _Element as Node


@dataclass(frozen=True)
class Change:
    """One edit that was made: what, where, and why.

    `line` is that of the original text, 0 where the finding has none. `removes` names what is
    taken away, "" where nothing is; `loss` tells how much is lost, see `domcaps.choose.losses`.
    Where the edit only adds lines, `after` is the line of the original text that they follow.
    """

    what: str
    path: str
    line: int
    reason: str
    code: str
    removes: str = ""
    loss: int = 0
    after: int = 0


def added_after(original: bytes, before: bytes, after: bytes) -> int:
    """Give the line of the original text after which an edit adds lines, 0 for other edits."""
    old, new = before.splitlines(), after.splitlines()
    found = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    edits = [(tag, begin) for tag, begin, *_ in found if tag != "equal"]
    if not edits or any(tag != "insert" for tag, _ in edits):
        return 0
    return line_in(original, before, edits[0][1])


def removed_besides(before: bytes, after: bytes, said: str) -> tuple[str, ...]:
    """Name the elements that an edit takes away and does not say so: ``<loader>``."""
    gone = _elements(before) - _elements(after)
    names = (path.rpartition("/")[2] for path in gone if not _has_parent(path, gone))
    return tuple(sorted({f"<{name}>" for name in names if f"<{name}" not in said}))


def _has_parent(path: str, paths: Container[str]) -> bool:
    return path.rpartition("/")[0] in paths


def _elements(data: bytes) -> Counter[str]:
    """Count the elements of a document by their paths without numbers."""
    paths: dict[Node | None, str] = {None: ""}
    for node in text_of(data).root.iter("*"):
        paths[node] = f"{paths[node.getparent()]}/{tag_of(node)}"
    return Counter(path for node, path in paths.items() if node is not None)


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
