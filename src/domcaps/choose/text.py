"""A document's text, edited in place: what is not edited stays as it was, byte for byte."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.elements.base.written import predecessor
from domcaps.errors import DomainError, InputError
from domcaps.language.node_path import with_attribute
from domcaps.xml_parser import elements_parser

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
_REST = re.compile(r"(?:[ \t\r]*+<!--[^\n]*?-->)*[ \t\r]*+\n")
_BLANKS = re.compile(r"[ \t]*")
_INDENT = "  "
_LONG = 2**18
"""Documents of more bytes are not kept in memory."""

_PARSER = elements_parser()


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


class DocumentText:
    """A well-formed document: its elements, and where each stands in the text."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            self.root: Node = etree.fromstring(data, _PARSER)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise DomainError(f"this is not XML that can be repaired: {error}") from None
        self._by_name: dict[Node, dict[str, list[Node]]] = {}
        self._steps: dict[Node, str] = {}
        self.encoding = self.root.getroottree().docinfo.encoding or "utf-8"
        self.text = self._decoded()

    def _decoded(self) -> str:
        try:
            text = self.data.decode(self.encoding)
            faithful = text.encode(self.encoding) == self.data
        except (LookupError, UnicodeError):
            faithful, text = False, ""
        self._scanned = _scan(text) if faithful else []
        if not faithful or sum(1 for _ in self.root.iter()) != len(self._scanned):
            raise InputError(f"text in the encoding {self.encoding!r} can't be edited here")
        return text

    @cached_property
    def tags(self) -> dict[Node, Tag]:
        """Where each element stands."""
        return dict(zip(self.root.iter(), self._scanned, strict=True))

    def node(self, path: str) -> tuple[Node, str] | None:
        """Give the element at a finding's path, and the attribute that it names."""
        path, _, attribute = path.partition("/@")
        current: Node | None = None
        for step in _STEP.finditer(path):
            number = int(step["number"] or 1)
            if current is None:
                current = self.root
                continue
            same = self._children(current).get(step["tag"], ())
            if len(same) < number:
                return None
            current = same[number - 1]
        return None if current is None else (current, attribute)

    def _children(self, node: Node) -> dict[str, list[Node]]:
        """Give the children of an element by their names."""
        known = self._by_name.get(node)
        if known is None:
            known = self._by_name[node] = {}
            for child in node:
                known.setdefault(str(child.tag), []).append(child)
        return known

    def path(self, node: Node, attribute: str = "") -> str:
        """Give the path of an element or attribute; the children of each element count once."""
        steps = [self._step(node), *map(self._step, node.iterancestors())]
        return with_attribute("/" + "/".join(reversed(steps)), attribute)

    def _step(self, node: Node) -> str:
        parent = node.getparent()
        if parent is None:
            return str(node.tag)
        if node not in self._steps:
            for tag, same in self._children(parent).items():
                for number, child in enumerate(same, 1):
                    self._steps[child] = tag if len(same) == 1 else f"{tag}[{number}]"
        return self._steps[node]

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
            quote = self.text[last - 1] if tag.attributes else self.quote
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
        parent = node.getparent()
        if parent is not None and self.is_all_of(parent, node):
            above = self.tags[parent]
            kept = self.text[above.start : above.inner - 1].rstrip()
            return self._spliced(above.start, above.end, f"{kept}/>")
        before = self.text.rfind("\n", 0, start) + 1
        after = self.text.find("\n", end)
        if after >= 0 and not self.text[before:start].strip() and not self.text[end:after].strip():
            start, end = before, after + 1
        return self._spliced(start, end, "")

    def is_all_of(self, parent: Node, node: Node) -> bool:
        """Tell whether an element has nothing but one other, comments included."""
        above, tag = self.tags[parent], self.tags[node]
        rest = self.text[above.inner : tag.start] + self.text[tag.end : above.close]
        return not rest.strip()

    def add_element(self, parent: Node, child: Node) -> bytes:
        """Put an element into another, where libvirt writes it, with the quotes of the text."""
        tag, last = self.tags[parent], predecessor(parent, str(child.tag))
        begins = self._begins_its_line(tag)
        indent = self._indent(tag) if begins else ""
        if tag.empty or not self.text[tag.inner : tag.close].strip():
            return self._filled(parent, child, indent, lines=begins)
        first = self.tags[parent[0]] if len(parent) else None
        inner = self._indent(first) if first is not None else indent + _INDENT
        step = inner.removeprefix(indent) or _INDENT
        if last is not None:
            place = self._line_after(self.tags[last].end)
            if place is None or not self._begins_its_line(self.tags[last]):
                end = self.tags[last].end
                return self._spliced(end, end, self._written(child))
        else:
            start = tag.close if first is None else first.start
            place = self.text.rfind("\n", 0, start) + 1
            if place <= tag.inner or self.text[place:start].strip():
                return self._spliced(start, start, self._written(child))
        written = self._written(child, inner, step)
        return self._spliced(place, place, f"{inner}{written}{self._newline}")

    def _filled(self, parent: Node, child: Node, indent: str, *, lines: bool) -> bytes:
        """Put an element into one that has nothing in it."""
        tag = self.tags[parent]
        name = self.text[tag.start + 1 : tag.name_end]
        opened = self.text[tag.start : tag.inner].removesuffix("/>").removesuffix(">").rstrip()
        inner, new = indent + _INDENT, self._newline
        if lines:
            inside = f"{new}{inner}{self._written(child, inner, _INDENT)}{new}{indent}"
        else:
            inside = self._written(child)
        return self._spliced(tag.start, tag.end, f"{opened}>{inside}</{name}>")

    def _written(self, node: Node, indent: str | None = None, step: str = "") -> str:
        """Write an element; with `indent` its children stand on lines of their own."""
        quote = self.quote
        said = "".join(f" {n!s}={quote}{_escaped(str(v), quote)}{quote}" for n, v in node.items())
        inside = _escaped((node.text or "").strip())
        if len(node) and indent is not None:
            new, inner = self._newline, indent + step
            lines = (f"{inner}{self._written(child, inner, step)}{new}" for child in node)
            inside = f"{new}{''.join(lines)}{indent}"
        elif len(node):
            inside = "".join(self._written(child) for child in node)
        name = str(node.tag)
        return f"<{name}{said}>{inside}</{name}>" if inside else f"<{name}{said}/>"

    @cached_property
    def quote(self) -> str:
        """The quote that most attributes have."""
        values = (p[2] for tag in self.tags.values() for p in tag.attributes.values())
        counted = Counter(self.text[begin] for begin in values).most_common(1)
        return counted[0][0] if counted else "'"

    @cached_property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _begins_its_line(self, tag: Tag) -> bool:
        begin = self.text.rfind("\n", 0, tag.start) + 1
        return not self.text[begin : tag.start].strip()

    def _indent(self, tag: Tag) -> str:
        begin = self.text.rfind("\n", 0, tag.start) + 1
        return _BLANKS.match(self.text, begin, tag.start)[0]  # type: ignore[index]

    def _line_after(self, end: int) -> int | None:
        """Give where the next line begins, where nothing but comments is left of this one."""
        rest = _REST.match(self.text, end)
        return None if rest is None else rest.end()

    def _spliced(self, start: int, end: int, text: str) -> bytes:
        return (self.text[:start] + text + self.text[end:]).encode(
            self.encoding, "xmlcharrefreplace"
        )


def text_of(data: bytes) -> DocumentText:
    """Give a document's text; the last few are kept, since edits look at one again and again.

    An edit gives bytes, so that what is kept never changes. Raises as `Text` does.
    """
    return _kept(data) if len(data) < _LONG else _kept_long(data)


_kept = functools.lru_cache(maxsize=8)(DocumentText)
_kept_long = functools.lru_cache(maxsize=2)(DocumentText)
"""Of long texts, of which one takes a tenth of a second, that before an edit and that after it."""


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
