"""A document's text, edited in place: what is not edited stays as it was, byte for byte."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<!(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*>"
    r"|(?P<close></[^>]*+>)"
    r"|<(?P<name>[^\s/>]++)(?P<inside>(?:[^>\"'/]++|\"[^\"]*+\"|'[^']*+'|/(?!>))*)(?P<empty>/?)>",
    re.DOTALL,
)
_PAIR = re.compile(r"(?P<space>\s*+)(?P<name>[^\s=/>]++)\s*+=\s*+(?P<value>\"[^\"]*+\"|'[^']*+')")
_STEP = re.compile(r"/(?P<tag>(?:\{[^}]*\})?[^/\[\]{}]+)(?:\[(?P<number>\d+)\])?")
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True, remove_comments=True
)


@dataclass
class Tag:
    """Where an element stands: its tags, and its attributes with the blanks before them."""

    start: int
    name_end: int
    inner: int
    empty: bool
    close: int = 0
    end: int = 0
    attributes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)


class Text:
    """A well-formed document: its elements, and where each stands in the text."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            self.root: Node = etree.fromstring(data, _PARSER)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise InputError(f"this is not XML that can be mended: {error}") from None
        self.encoding = self.root.getroottree().docinfo.encoding or "utf-8"
        self.text = self._decoded()

    def _decoded(self) -> str:
        try:
            text = self.data.decode(self.encoding)
            faithful = text.encode(self.encoding) == self.data
        except (LookupError, UnicodeError):
            faithful, text = False, ""
        if not faithful or len(list(self.root.iter())) != len(_scan(text)):
            raise InputError(f"text in the encoding {self.encoding!r} can't be edited here")
        return text

    @cached_property
    def tags(self) -> dict[Node, Tag]:
        """Where each element stands."""
        return dict(zip(self.root.iter(), _scan(self.text), strict=True))

    def node(self, path: str) -> tuple[Node, str] | None:
        """Give the element at a finding's path, and the attribute that it names."""
        path, _, attribute = path.partition("/@")
        current: Node | None = None
        for step in _STEP.finditer(path):
            number = int(step["number"] or 1)
            if current is None:
                current = self.root
                continue
            same = [child for child in current if child.tag == step["tag"]]
            if len(same) < number:
                return None
            current = same[number - 1]
        return None if current is None else (current, attribute)

    def line(self, path: str) -> int:
        """Give the line on which the element at a path begins, 0 where there is none."""
        found = self.node(path)
        return self.text.count("\n", 0, self.tags[found[0]].start) + 1 if found else 0

    def set_attribute(self, node: Node, name: str, value: str) -> bytes:
        """Replace an attribute's value, or add the attribute."""
        tag = self.tags[node]
        place = tag.attributes.get(name)
        if place is None:
            last = max((p[1] for p in tag.attributes.values()), default=tag.name_end)
            quote = "'"
            if tag.attributes:
                quote = self.text[last - 1]
            return self._spliced(last, last, f" {name}={quote}{_escaped(value, quote)}{quote}")
        _, end, begin, _ = place
        return self._spliced(begin + 1, end - 1, _escaped(value, self.text[begin]))

    def remove_attribute(self, node: Node, name: str) -> bytes:
        """Take an attribute away, with the blanks before it."""
        start, end, _, _ = self.tags[node].attributes[name]
        return self._spliced(start, end, "")

    def rename_attribute(self, node: Node, old: str, new: str) -> bytes:
        """Give an attribute another name."""
        start, _, _, _ = self.tags[node].attributes[old]
        begin = self.text.index(old, start)
        return self._spliced(begin, begin + len(old), new)

    def rename_element(self, node: Node, new: str) -> bytes:
        """Give an element another name, at both of its tags."""
        tag = self.tags[node]
        start, old = tag.start + 1, self.text[tag.start + 1 : tag.name_end]
        text = self.text
        if not tag.empty:
            begin = text.index(old, tag.close)
            text = text[:begin] + new + text[begin + len(old) :]
        text = text[:start] + new + text[tag.name_end :]
        return text.encode(self.encoding, "xmlcharrefreplace")

    def set_text(self, node: Node, value: str) -> bytes:
        """Replace the text of an element that has nothing but text."""
        tag = self.tags[node]
        if tag.empty:
            name = self.text[tag.start + 1 : tag.name_end]
            closing = self.text.rindex("/", 0, tag.inner)
            return self._spliced(closing, tag.end, f">{_escaped(value)}</{name}>")
        return self._spliced(tag.inner, tag.close, _escaped(value))

    def remove_element(self, node: Node) -> bytes:
        """Take an element away, and the line that it leaves empty."""
        tag = self.tags[node]
        start, end = tag.start, tag.end
        before = self.text.rfind("\n", 0, start) + 1
        after = self.text.find("\n", end)
        if after >= 0 and not self.text[before:start].strip() and not self.text[end:after].strip():
            start, end = before, after + 1
        return self._spliced(start, end, "")

    def add_element(self, parent: Node, xml: str) -> bytes:
        """Put an element at the end of another."""
        tag = self.tags[parent]
        line = self.text[self.text.rfind("\n", 0, tag.start) + 1 : tag.start]
        indent = line if not line.strip() else ""
        if tag.empty:
            name = self.text[tag.start + 1 : tag.name_end]
            closing = self.text.rindex("/", 0, tag.inner)
            return self._spliced(closing, tag.end, f">\n{indent}  {xml}\n{indent}</{name}>")
        before = self.text.rfind("\n", 0, tag.close) + 1
        if before > tag.inner and not self.text[before : tag.close].strip():
            return self._spliced(before, before, f"{indent}  {xml}\n")
        return self._spliced(tag.close, tag.close, xml)

    def _spliced(self, start: int, end: int, text: str) -> bytes:
        return (self.text[:start] + text + self.text[end:]).encode(
            self.encoding, "xmlcharrefreplace"
        )


def _scan(text: str) -> list[Tag]:
    """Find every element of a well-formed text, in the order of its start tags."""
    found: list[Tag] = []
    inside: list[Tag] = []
    for token in _TOKEN.finditer(text):
        if token["name"]:
            tag = Tag(token.start(), token.end("name"), token.end(), bool(token["empty"]))
            for pair in _PAIR.finditer(text, token.start("inside"), token.end("inside")):
                tag.attributes[pair["name"]] = (
                    pair.start(), pair.end(), pair.start("value"), pair.end("value"),
                )  # fmt: skip
            found.append(tag)
            if tag.empty:
                tag.close = tag.end = token.end()
            else:
                inside.append(tag)
        elif token["close"] and inside:
            tag = inside.pop()
            tag.close, tag.end = token.start(), token.end()
    return found


def _escaped(value: str, quote: str = "") -> str:
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        value = value.replace(sign, name)
    return value.replace(quote, "&quot;" if quote == '"' else "&apos;") if quote else value
