"""Elements, attributes and findings of a well-formed document, and where they stand in its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.choose.text import DocumentText
from domcaps.errors import InputError
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    from domcaps.language.finding import Finding


class Span(NamedTuple):
    """A part of a text, by offsets, and the path of what stands there."""

    begin: int
    end: int
    path: str


def span_at(text: str, offset: int) -> Span | None:
    """Give the attribute, start tag or text of an element that a cursor is in.

    None outside of these, and where the text is not well-formed.
    """
    document = _document(text)
    if document is None:
        return None
    best: Span | None = None
    for node, tag in document.tags.items():
        for name, (_, end, value, _) in tag.attributes.items():
            begin = document.text.rfind(name, tag.name_end, value)
            if begin <= offset <= end:
                return Span(begin, end, path_of(node, name))
        if tag.start <= offset < tag.inner or (not len(node) and tag.start <= offset < tag.end):
            best = Span(tag.start, tag.inner, path_of(node))
    return best


def _document(text: str) -> DocumentText | None:
    try:
        return DocumentText(text.encode())
    except InputError:
        return None


def span_of(text: str, finding: Finding) -> Span:
    """Give the part of a text that a finding is about: an attribute, or the name of an element."""
    begin = _offset(text, finding.line, finding.column)
    document = _document(text)
    place = document.node(finding.path) if document is not None and finding.path else None
    if document is not None and place is not None:
        node, attribute = place
        tag = document.tags[node]
        if attribute in tag.attributes:
            return Span(begin, tag.attributes[attribute][1], finding.path)
        return Span(tag.start, tag.name_end, finding.path)
    end = text.find("\n", begin)
    return Span(begin, end if end >= 0 else len(text), finding.path)


def _offset(text: str, line: int, column: int) -> int:
    begin = 0
    for _ in range(max(line, 1) - 1):
        begin = text.find("\n", begin) + 1
    return min(begin + max(column - 1, 0), len(text))
