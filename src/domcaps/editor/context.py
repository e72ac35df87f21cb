"""Where in a domain a cursor is, in text that need not be well-formed: it is being written."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"
    r"|</(?P<close>[^\s<>/]*)[^<>]*>?"
    r"|<(?P<name>[^\s<>/=\"'!?]*)(?P<inside>(?:[^<>\"']|\"[^\"<]*\"?|'[^'<]*'?)*?)(?P<end>/?>|(?=<)|\Z)",
    re.DOTALL,
)
_PAIR = re.compile(r"([^\s=/>\"']+)\s*=\s*(?:\"([^\"]*)(\"?)|'([^']*)('?))")


class CursorKind(enum.Enum):
    """What is written at the cursor."""

    ELEMENT = "element"
    ATTRIBUTE = "attribute"
    VALUE = "value"
    TEXT = "text"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Context:
    """What is written at a cursor.

    `path` are the names of the elements around it, from ``domain`` on; of an attribute or value the
    last one is its element. `attribute` is the one whose value is written, `attributes` those that
    the element has, `begun` what was written of the word before the cursor.
    """

    kind: CursorKind
    path: tuple[str, ...] = ()
    attribute: str = ""
    begun: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def context_at(text: str, offset: int) -> Context:
    """Read the text before a cursor, and tell what is written there."""
    before = text[:offset]
    inside: list[str] = []
    for token in _TOKEN.finditer(before):
        name = token["name"]
        if name is None:
            if token["close"] is not None and token["close"] in inside:
                while inside and inside.pop() != token["close"]:
                    pass
            elif _is_open(token[0]) and token.end() == len(before):
                return Context(CursorKind.NOTHING, tuple(inside))
            continue
        if token.end() == len(before) and not token["end"]:
            return _in_tag(tuple(inside), name, token["inside"], text[offset:])
        if name and token["end"] != "/>":
            inside.append(name)
    begun = before.rpartition(">")[2].lstrip()
    return Context(CursorKind.TEXT, tuple(inside), "", begun)


def _is_open(token: str) -> bool:
    """Tell whether a comment or the like is not closed yet."""
    return token.startswith(("<!--", "<![", "<?")) and not token.endswith(("-->", "]]>", "?>"))


def _in_tag(path: tuple[str, ...], name: str, inside: str, after: str) -> Context:
    if not inside:
        return Context(CursorKind.ELEMENT, path, "", name)
    whole = inside + after[: _rest_of_tag(after)]
    attributes = {p[1]: p[2] or p[4] or "" for p in _PAIR.finditer(whole)}
    full = (*path, name)
    for pair in _PAIR.finditer(inside):
        closed = bool(pair[3] or pair[5])
        if pair.end() == len(inside) and not closed:
            return Context(CursorKind.VALUE, full, pair[1], pair[2] or pair[4] or "", attributes)
    begun = re.split(r"[\s\"']", inside)[-1]
    if "=" in begun:
        return Context(CursorKind.NOTHING, full, attributes=attributes)
    return Context(CursorKind.ATTRIBUTE, full, "", begun, attributes)


def _rest_of_tag(after: str) -> int:
    found = re.search(r"[<>]", after)
    return found.start() if found else len(after)
