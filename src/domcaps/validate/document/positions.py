"""Where elements and attributes stand in a document's text, and what its comments suppress.

The parser tells only the line in which a start tag ends. A second look at the text, which is known
to be well-formed by then, finds every tag: in well-formed XML a ``<`` is always markup.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.validate.catalogue.former import current_codes
from domcaps.validate.selection import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_MARKUP = re.compile(
    r"<!--(?P<comment>.*?)-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<!(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*>"
    r"|(?P<close></[^>]*+>)"
    r"|<(?P<tag>[^\s/>]++)(?:[^>\"'/]++|\"[^\"]*+\"|'[^']*+'|/(?!>))*(?P<empty>/?)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=/>]++)\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')")
_SUPPRESSION = re.compile(r"domcaps:\s*+ignore\s([A-Za-z0-9,\s*-]++)")
_MISSPELT = re.compile(r"domcaps:\s*+(?!ignore\s)([a-z-]{3,12}+)\s+[a-z0-9]")


class _Scan(msgspec.Struct):
    """What one pass over the text saw, in the order of the elements.

    `starts` are the places of the start tags, `names` where their names end, `ends` where they end.
    """

    starts: list[int] = msgspec.field(default_factory=list)
    names: list[int] = msgspec.field(default_factory=list)
    ends: list[int] = msgspec.field(default_factory=list)
    # codes that a comment suppresses, by the number of the element that it speaks of
    suppressed: dict[int, set[str]] = msgspec.field(default_factory=dict)
    # words in the place of "ignore", by the number of the element that follows
    misspelt: dict[int, set[str]] = msgspec.field(default_factory=dict)


class Positions:
    """Lines and columns of a parsed document, both counted from 1."""

    def __init__(self, data: bytes, root: Node) -> None:
        self._root = root
        self._text = _decode(data, root)
        self._scan = _scan(self._text)
        self.used: set[str] = set()
        """Names in comments for which something was left out."""

    @cached_property
    def _numbers(self) -> dict[Node, int]:
        numbers = {node: number for number, node in enumerate(self._root.iter())}
        # text that was decoded otherwise than the parser did it tells nothing
        return numbers if len(numbers) == len(self._scan.starts) else {}

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
            stated: Any = node.sourceline  # the stubs do not know its type
            return stated or 0, 1
        start = self._scan.starts[number]
        if attribute:
            start = self._attribute(number, attribute.rpartition("}")[2])
        line = bisect_right(self._line_starts, start)
        return line, start - self._line_starts[line - 1] + 1

    def suppressions(self) -> dict[str, Node]:
        """Give every code as comments spell it, with the first element that it is about."""
        nodes = {number: node for node, number in self._numbers.items()}
        found: dict[str, Node] = {}
        for number, codes in sorted(self._scan.suppressed.items()):
            for code in codes:
                found.setdefault(code, nodes.get(number, self._root))
        return found

    def misspelt_suppressions(self) -> Iterator[tuple[str, Node]]:
        """Give words that stand for "ignore" in comments and look like it, with their elements."""
        nodes = {number: node for node, number in self._numbers.items()}
        for number, words in sorted(self._scan.misspelt.items()):
            for word in sorted(words):
                yield word, nodes.get(number, self._root)

    def _attribute(self, number: int, name: str) -> int:
        begin, end = self._scan.names[number], self._scan.ends[number]
        for found in _ATTRIBUTE.finditer(self._text, begin, end):
            if found[1].rpartition(":")[2] == name:
                return found.start()
        return self._scan.starts[number]

    def suppresses(self, node: Node, code: str) -> bool:
        """Tell whether a comment suppresses a code for an element or one that it stands in."""
        if not self._scan.suppressed:
            return False
        found = False
        current: Node | None = node
        while current is not None:
            number = self._numbers.get(current, -1)
            for name in self._scan.suppressed.get(number, ()):
                if covers(name, code) or code in current_codes((name,)):
                    self.used.add(name)
                    found = True
            current = current.getparent()
        return found


def _scan(text: str) -> _Scan:
    scan = _Scan()
    inside: list[int] = []
    waiting: set[str] = set()
    for found in _MARKUP.finditer(text):
        if found["tag"]:
            number = len(scan.starts)
            scan.starts.append(found.start())
            scan.names.append(found.end("tag"))
            scan.ends.append(found.end())
            if waiting:
                scan.suppressed[number] = waiting
                waiting = set()
            if not found["empty"]:
                inside.append(number)
        elif found["close"]:
            number = inside.pop() if inside else 0
            if waiting:
                # no element follows: it speaks of the one that it closes
                scan.suppressed.setdefault(number, set()).update(waiting)
                waiting = set()
        elif found["comment"]:
            waiting |= _codes(found["comment"])
            if words := _misspelt(found["comment"]):
                scan.misspelt.setdefault(len(scan.starts), set()).update(words)
    return scan


def _codes(comment: str) -> set[str]:
    codes: set[str] = set()
    for listed in _SUPPRESSION.findall(comment):
        codes.update(listed.replace(",", " ").split())
    return codes


def _misspelt(comment: str) -> set[str]:
    if "domcaps:" not in comment:
        return set()
    return set(difflib.get_close_matches("ignore", _MISSPELT.findall(comment), cutoff=0.7))


def _decode(data: bytes, root: Node) -> str:
    encoding = root.getroottree().docinfo.encoding or "utf-8"
    try:
        return data.decode(encoding, errors="replace")
    except LookupError:
        return data.decode(errors="replace")
