"""One edit that was made of a document, as data."""

from __future__ import annotations

import difflib
import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.choose.text import text_of
from domcaps.language.node_path import path_of, tag_of, without_positions

if TYPE_CHECKING:
    from collections.abc import Container

    from lxml.etree import _Element as Node


_MANY_LINES = 1000


@dataclass(frozen=True)
class Settled:
    """A finding that an edit made for another one repairs, too; `line` is of the original text."""

    code: str
    line: int


@dataclass(frozen=True)
class Change:
    """One edit that was made: what, where, and why.

    `line` is that of the original text, 0 where the finding has none. `removes` names what is
    taken away, "" where nothing is; `loss` tells how much is lost, see `domcaps.choose.losses`.
    Where the edit only adds lines, `after` is the line of the original text that they follow.
    `consequences` say what else follows for the guest and its users, `on_host` what on the host
    would make the edit unnecessary, `settles` which other findings go with it. `brief` is `what`
    without the old value, `keeps` is how that is called, "" where nothing is replaced.
    """

    what: str
    path: str
    line: int
    reason: str
    code: str
    removes: str = ""
    loss: int = 0
    after: int = 0
    consequences: tuple[str, ...] = ()
    on_host: tuple[str, ...] = ()
    settles: tuple[Settled, ...] = ()
    brief: str = ""
    keeps: str = ""

    @property
    def place(self) -> int:
        """The line of the original text to show: the edited one, or the one before added lines."""
        return self.after or self.line


def added_after(original: bytes, before: bytes, after: bytes) -> int:
    """Give the line of the original text after which an edit adds lines, 0 for other edits."""
    edits = [(tag, begin) for tag, begin, *_ in _blocks(before, after) if tag != "equal"]
    if not edits or any(tag != "insert" for tag, _ in edits):
        return 0
    return line_in(original, before, edits[0][1])


def removed_besides(before: bytes, after: bytes, said: str) -> tuple[str, ...]:
    """Name elements and attributes that an edit takes away and does not say so: ``<loader>``."""
    gone = _elements(before) - _elements(after)
    names = [path.rpartition("/")[2] for path in gone if not _has_parent(path, gone)]
    elements = {f"<{name}>" for name in names if name[0] != "@" and f"<{name}" not in said}
    attributes = {name[1:] for name in names if name[0] == "@" and f"{name[1:]}=" not in said}
    return (*sorted(elements), *sorted(attributes))


def is_gone(path: str, before: bytes, after: bytes) -> bool:
    """Tell whether an element, or one around it below ``<domain>``, was removed by later edits.

    `path` is that of the element, or of its attribute, in the text `before`. Elements have no
    identity across texts: it is gone if there are fewer of its kind, and none like it.
    """
    found = text_of(before).node(path)
    if found is None:
        return False
    node = found[0]
    kind = without_positions(path_of(node))
    if _elements(after)[kind] >= _elements(before)[kind]:
        return False
    same = node.items()
    return all(one.items() != same for one in text_of(after).root.iter(tag_of(node)))


def _has_parent(path: str, paths: Container[str]) -> bool:
    return path.rpartition("/")[0] in paths


def _elements(data: bytes) -> Counter[str]:
    """Count the elements and attributes of a document by their paths without numbers."""
    paths: dict[Node | None, str] = {None: ""}
    found: Counter[str] = Counter()
    for node in text_of(data).root.iter("*"):
        path = paths[node] = f"{paths[node.getparent()]}/{tag_of(node)}"
        found.update((path, *(f"{path}/@{name!s}" for name in node.attrib)))
    return found


def line_in(original: bytes, current: bytes, line: int) -> int:
    """Give the line of the original text that a line of an edited one comes from."""
    if original == current or line == 0:
        return line
    last = 1
    for tag, a, b, c, d in _blocks(original, current):
        if c < line <= d:
            return a + (line - c) if tag == "equal" else min(a + (line - c), max(b, a + 1))
        last = max(b, 1)
    return last


@functools.lru_cache(maxsize=4)
def _blocks(original: bytes, current: bytes) -> tuple[tuple[str, int, int, int, int], ...]:
    """Give which lines of two texts are the same, as `difflib` does; a thousand findings ask.

    What both begin and end with is not compared: `difflib` takes the square of equal lines, of
    which long documents have many. It overlooks the commonest where there are very many.
    """
    old, new = original.splitlines(), current.splitlines()
    shorter = min(len(old), len(new))
    first = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    rest = shorter - first
    end = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    inner = old[first : len(old) - end], new[first : len(new) - end]
    is_long = max(map(len, inner)) > _MANY_LINES
    found = difflib.SequenceMatcher(None, *inner, autojunk=is_long).get_opcodes()
    moved = [(tag, a + first, b + first, c + first, d + first) for tag, a, b, c, d in found]
    before, after = len(old) - end, len(new) - end
    return (
        ("equal", 0, first, 0, first),
        *moved,
        ("equal", before, len(old), after, len(new)),
    )
