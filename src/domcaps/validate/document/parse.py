"""Reading untrusted domain XML."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lxml import etree

from domcaps.language.finding import Finding
from domcaps.language.node_path import path_of, tag_of, with_attribute
from domcaps.language.quantities import shown_size
from domcaps.language.struct import Struct
from domcaps.patterns import late_pattern
from domcaps.validate.document.positions import Positions

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

MAX_BYTES = 4 * 1024 * 1024
"""A larger document is refused unread: libvirt's protocol carries no longer string
(``REMOTE_STRING_MAX`` of its remote protocol)."""

MAX_DEPTH = 256
"""Elements nested deeper are refused, as libxml2 did by default; libvirt's own nest 8 deep."""

_DEEP = f"elements are nested more than {MAX_DEPTH} levels deep; libvirt refuses such a document"

MAX_ELEMENTS = 50_000
"""A document of more elements is refused; the largest real ones have some thousand."""

MAX_CHILDREN = 10_000
"""An element that has more inside is refused: rules compare devices with each other."""

_MANY_PATHS = 50

_BOM = b"\xef\xbb\xbf"
# what may stand before a document type, and that up to where its own declarations begin
_BEFORE = late_pattern(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DOCTYPE = late_pattern(rb"<!DOCTYPE(?P<rest>(?:[^\[>\"']++|\"[^\"]*+\"|'[^']*+')*.?)", re.DOTALL)

# Comments are no part of what libvirt reads; where they suppress a finding, `Positions` finds them.
# `collect_ids` stays as it is: switched off, it makes libxml2 read a document type's external part.
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_pis=True,
    remove_comments=True,
)


class Unreadable(Exception):  # noqa: N818 - carries the finding, not an error of its own
    """The document is no XML that is read; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


class Source(Struct, frozen=True, dict=True):
    """A document and its places."""

    data: bytes
    root: Node

    @cached_property
    def places(self) -> Positions:
        """Where its elements and attributes stand; computed when the first place is asked for."""
        return Positions(self.data, self.root)

    @cached_property
    def _paths(self) -> dict[Node, str]:
        return {}

    @cached_property
    def _path_requests(self) -> list[None]:
        """One item for each path that was requested; a number could not be changed in here."""
        return []

    def keep(self) -> None:
        """Keep places and paths of all elements as they are, before some are taken away."""
        self.places.number()
        self._paths.update(_all_paths(self.root))

    def place(self, node: Node, attribute: str = "") -> tuple[int, int]:
        """Give line and column of an element's tag or of one of its attributes."""
        return self.places.of(node, attribute)

    def path(self, node: Node, attribute: str = "") -> str:
        """Give the XPath of an element or attribute in the document as it was written."""
        self._path_requests.append(None)
        if len(self._path_requests) == _MANY_PATHS and not self._paths:
            # a path counts all siblings: where many are asked for, one walk gives all of them
            self._paths.update(_all_paths(self.root))
        kept = self._paths.get(node)
        return path_of(node, attribute) if kept is None else with_attribute(kept, attribute)


def read(data: bytes) -> Source:
    """Parse a document; raises `Unreadable` with a finding that says what is wrong and where."""
    if len(data) > MAX_BYTES:
        raise _unreadable(
            "xml-too-large",
            f"the document is larger than libvirt's limit of {shown_size(MAX_BYTES)}",
        )
    if b"<!DOCTYPE" in data:
        _refuse_declarations(data)
    root = _parse(data)
    # in an encoding other than ASCII's a document type looks otherwise: here it can't hide
    if _has_declarations(root):
        raise _declarations(1)
    if data.count(b"<") > MAX_DEPTH:
        _measure(root)
    return Source(data, root)


def _parse(data: bytes) -> Node:
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        if "depth" in (error.msg or ""):
            raise _unreadable("xml-too-deep", _DEEP, line, column) from None
        message = (error.msg or "invalid XML").split(", line")[0].strip()
        raise _unreadable(
            "xml-malformed", f"the document is not well-formed XML: {message}", line, column
        ) from None
    except (ValueError, LookupError) as error:
        raise _unreadable(
            "xml-malformed", f"the document is not well-formed XML: {error}"
        ) from None


def _refuse_declarations(data: bytes) -> None:
    at = len(_BOM) if data.startswith(_BOM) else 0
    while before := _BEFORE.match(data, at):
        at = before.end()
    found = _DOCTYPE.match(data, at)
    if found and found["rest"].endswith(b"["):
        raise _declarations(data.count(b"\n", 0, found.end()) + 1)


def _has_declarations(root: Node) -> bool:
    declared: Any = root.getroottree().docinfo.internalDTD  # the stubs do not know it
    if declared is None:
        return False
    inside = (*declared.iterentities(), *declared.iterelements())
    return bool(inside) or next(root.iter(etree.Entity), None) is not None


def _declarations(line: int) -> Unreadable:
    return _unreadable(
        "xml-declaration",
        "the document declares entities or elements; remove the declarations",
        line,
        1,
    )


def _measure(root: Node) -> None:
    """Refuse what is nested too deep or has too many elements, without recursion."""
    deepest = depth = count = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        count += 1
        deepest = max(deepest, depth)
        if len(node) > MAX_CHILDREN:
            raise _unreadable(
                "xml-too-large", f"<{tag_of(node)}> has more than {MAX_CHILDREN} child elements"
            )
    if deepest > MAX_DEPTH:
        raise _unreadable("xml-too-deep", _DEEP)
    if count > MAX_ELEMENTS:
        raise _unreadable("xml-too-large", f"the document has more than {MAX_ELEMENTS} elements")


def _unreadable(code: str, message: str, line: int = 0, column: int = 0) -> Unreadable:
    return Unreadable(Finding(code, message, line=line, column=column))


def _all_paths(root: Node) -> dict[Node, str]:
    """Give what `path_of` gives, of every element, in one walk."""
    paths = {root: f"/{root.tag}"}
    for parent in root.iter():
        repeats = Counter(child.tag for child in parent)
        seen: Counter[Any] = Counter()
        for child in parent:
            seen[child.tag] += 1
            number = f"[{seen[child.tag]}]" if repeats[child.tag] > 1 else ""
            paths[child] = f"{paths[parent]}/{child.tag}{number}"
    return paths
