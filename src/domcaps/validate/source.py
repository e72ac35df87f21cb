"""Reading domain XML that nobody vouches for, and finding places in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lxml import etree

from domcaps.language.finding import Finding

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

MAX_BYTES = 8 * 1024 * 1024
"""A larger document is refused unread; the largest real ones have some 100 KB."""

MAX_DEPTH = 64
"""Elements deeper than this are refused; libvirt's own nest 8 deep."""

# what can make a small document large or reach outside: nothing of it belongs into a domain
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class Unreadable(Exception):  # noqa: N818 - carries the finding, not an error of its own
    """The document is no XML that is read; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


@dataclass(frozen=True)
class Source:
    """A document as text, with its places."""

    data: bytes
    root: Node

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.data.decode(errors="replace").splitlines()

    def line(self, number: int) -> str:
        """Give one line, "" where there is none of that number."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def place(self, node: Node, attribute: str) -> tuple[int, int]:
        """Give line and column of an element's tag or of one of its attributes."""
        stated: Any = node.sourceline  # the stubs do not know its type
        number: int = stated or 0
        wanted = rf"<{re.escape(str(node.tag))}\b"
        # the parser gives the line where the start tag ends
        for line in range(number, max(number - 40, 0), -1):
            found = re.search(wanted, self.line(line))
            if found:
                return self._attribute(line, number, found.start(), attribute)
        return number, 1

    def _attribute(self, line: int, last: int, start: int, attribute: str) -> tuple[int, int]:
        if attribute:
            for number in range(line, last + 1):
                begin = start if number == line else 0
                found = re.compile(rf"\b{re.escape(attribute)}\s*=").search(
                    self.line(number), begin
                )
                if found:
                    return number, found.start() + 1
        return line, start + 1


def read(data: bytes) -> Source:
    """Parse a document; raises `Unreadable` with a finding that says what is wrong and where."""
    if len(data) > MAX_BYTES:
        raise _unreadable("xml-too-large", f"the document has {len(data)} bytes, the most that is "
                          f"read are {MAX_BYTES}")  # fmt: skip
    declaration = _DECLARATION.search(data)
    if declaration:
        line = data.count(b"\n", 0, declaration.start()) + 1
        raise _unreadable(
            "xml-declaration", "document types and entities are not read in a domain", line
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        message = (error.msg or "not XML").split(", line")[0]
        raise _unreadable("xml-malformed", f"this is not XML: {message}", line, column) from None
    except ValueError as error:
        raise _unreadable("xml-malformed", f"this is not XML: {error}") from None
    if _depth(root) > MAX_DEPTH:
        raise _unreadable("xml-too-deep", f"elements are nested more than {MAX_DEPTH} deep")
    return Source(data, root)


def _depth(root: Node) -> int:
    """Measure how deep elements are nested, without recursion."""
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _unreadable(code: str, message: str, line: int = 0, column: int = 0) -> Unreadable:
    return Unreadable(Finding(code, message, line=line, column=column))


def path_of(node: Node, attribute: str = "") -> str:
    """Give an XPath of an element or attribute, with positions where tags repeat."""
    steps = []
    current: Node | None = node
    while current is not None:
        parent = current.getparent()
        step = str(current.tag)
        if parent is not None:
            same = parent.findall(step)
            if len(same) > 1:
                step += f"[{same.index(current) + 1}]"
        steps.append(step)
        current = parent
    path = "/" + "/".join(reversed(steps))
    return f"{path}/@{attribute}" if attribute else path
