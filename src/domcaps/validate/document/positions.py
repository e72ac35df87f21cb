"""Where elements and attributes stand in a document's text, and what its comments suppress.

The parser tells only the line in which a start tag ends. A second look at the text, which is known
to be well-formed by then, finds every tag: in well-formed XML a ``<`` is always markup.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from domcaps.language.node_path import line_of
from domcaps.patterns import late_pattern
from domcaps.validate.catalogue.former import current_codes
from domcaps.validate.document.comments import codes_in, slips_in
from domcaps.validate.selection import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_OTHER = (
    r"<!--(?P<comment>.*?)-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<!(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*>"
)
"""Markup that is no element."""

_TAG = late_pattern(
    r"<(?P<tag>[^\s/>]++)(?:[^>\"'/]++|\"[^\"]*+\"|'[^']*+'|/(?!>))*(?P<empty>/?)>", re.DOTALL
)
_MARKUP = late_pattern(rf"{_OTHER}|(?P<close></[^>]*+>)|{_TAG.pattern}", re.DOTALL)
_START = late_pattern(rf"{_OTHER}|(?P<start><(?!/))", re.DOTALL)
_OPENED = late_pattern(r"<(?!/)")
"""A start tag, in a text that has no other markup but end tags."""

_ATTRIBUTE = late_pattern(r"([^\s=/>]++)\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')")


_FEW = 20
"""Places whose lines are counted from the beginning; for more, all lines are looked for once."""


class _Comments(msgspec.Struct):
    """What comments say, by the number of the element that they speak of.

    `suppressed` are codes that are left out, `misspelt` what is wrong with comments that
    are meant to leave something out.
    """

    suppressed: dict[int, set[str]] = msgspec.field(default_factory=dict)
    misspelt: dict[int, set[str]] = msgspec.field(default_factory=dict)


class Positions:
    """Lines and columns of a parsed document, both counted from 1."""

    def __init__(self, data: bytes, root: Node) -> None:
        self._root = root
        self._text = _decode(data, root)
        self._asked = 0
        self._read: tuple[int, dict[str, int]] | None = None
        self.used: set[str] = set()
        """Names in comments for which something was left out."""

    @cached_property
    def _starts(self) -> list[int]:
        """Where the start tags begin, in the order of the elements."""
        if "<!" not in self._text and "<?" not in self._text:
            return [found.start() for found in _OPENED.finditer(self._text)]
        return [found.start() for found in _START.finditer(self._text) if found["start"]]

    @cached_property
    def _comments(self) -> _Comments:
        return _read_comments(self._text)

    @cached_property
    def _numbers(self) -> dict[Node, int]:
        numbers = {node: number for number, node in enumerate(self._root.iter())}
        # text that was decoded otherwise than the parser did it tells nothing
        return numbers if len(numbers) == len(self._starts) else {}

    def number(self) -> None:
        """Number the elements now: they are found in the text by their order."""
        _ = self._numbers

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self._text))]

    def of(self, node: Node, attribute: str = "") -> tuple[int, int]:
        """Give the place of an element's start tag, or of one of its attributes."""
        number = self._numbers.get(node)
        if number is None:
            return line_of(node), 1
        start = self._starts[number]
        if attribute:
            start = self._attribute(start, attribute.rpartition("}")[2])
        self._asked += 1
        if self._asked < _FEW:
            before = self._text.rfind("\n", 0, start)
            return self._text.count("\n", 0, start) + 1, start - before
        line = bisect_right(self._line_starts, start)
        return line, start - self._line_starts[line - 1] + 1

    def suppressions(self) -> dict[str, Node]:
        """Give every code as comments spell it, with the first element that it is about."""
        nodes = {number: node for node, number in self._numbers.items()}
        found: dict[str, Node] = {}
        for number, codes in sorted(self._comments.suppressed.items()):
            for code in codes:
                found.setdefault(code, nodes.get(number, self._root))
        return found

    def misspelt_suppressions(self) -> Iterator[tuple[str, Node]]:
        """Give what is wrong with comments that are to leave something out, with their elements."""
        nodes = {number: node for node, number in self._numbers.items()}
        for number, words in sorted(self._comments.misspelt.items()):
            for word in sorted(words):
                yield word, nodes.get(number, self._root)

    def _attribute(self, start: int, name: str) -> int:
        # a tag with very many attributes is read once, not for each of them
        if self._read is None or self._read[0] != start:
            self._read = start, self._attributes(start)
        return self._read[1].get(name, start)

    def _attributes(self, start: int) -> dict[str, int]:
        tag = _TAG.match(self._text, start)
        places: dict[str, int] = {}
        if tag is not None:
            for found in _ATTRIBUTE.finditer(self._text, tag.end("tag"), tag.end()):
                places.setdefault(found[1].rpartition(":")[2], found.start())
        return places

    def suppresses(self, node: Node, code: str) -> bool:
        """Tell whether a comment suppresses a code for an element or one that it stands in."""
        if not self._comments.suppressed:
            return False
        found = False
        current: Node | None = node
        while current is not None:
            number = self._numbers.get(current, -1)
            for name in self._comments.suppressed.get(number, ()):
                if covers(name, code) or code in current_codes((name,)):
                    self.used.add(name)
                    found = True
            current = current.getparent()
        return found


def _read_comments(text: str) -> _Comments:
    found = _Comments()
    inside: list[int] = []
    waiting: set[str] = set()
    count = 0
    for markup in _MARKUP.finditer(text):
        if markup["tag"]:
            if waiting:
                found.suppressed[count] = waiting
                waiting = set()
            if not markup["empty"]:
                inside.append(count)
            count += 1
        elif markup["close"]:
            number = inside.pop() if inside else 0
            if waiting:
                # no element follows: it speaks of the one that it closes
                found.suppressed.setdefault(number, set()).update(waiting)
                waiting = set()
        elif markup["comment"]:
            waiting |= codes_in(markup["comment"])
            if words := slips_in(markup["comment"]):
                found.misspelt.setdefault(count, set()).update(words)
    return found


def _decode(data: bytes, root: Node) -> str:
    encoding = root.getroottree().docinfo.encoding or "utf-8"
    try:
        return data.decode(encoding, errors="replace")
    except LookupError:
        return data.decode(errors="replace")
