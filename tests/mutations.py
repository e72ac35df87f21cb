"""Domains changed at random: what people, tools and enemies might write."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

    from lxml.etree import _Element as Node

ODD_VALUES = (
    *("", " ", "0", "-1", "1", "2", "3", "15", "16", "31", "32", "64", "100", "255", "256"),
    *("65535", "65536", "2147483648", "4294967295", "4294967296", "18446744073709551616"),
    *("0x0", "0x1f", "0x20", "0xffff", "08", "1.5", "0-3", "0-3,^1", "^0", "1,,2"),
    *("yes", "no", "on", "off", "auto", "none", "default", "nobodys", "a" * 300, "9" * 5000),
    *("00:00:00:00:00:00", "52:54:00:12:34:56", "ff:ff:ff:ff:ff:ff", "127.0.0.1", "::1"),
    *("../x", "/dev/null", "%s", "$(x)", "&amp;", "é", "\u202e"),
)
ODD_BYTES = (
    *(b"", b"<", b">", b"&", b"\x00", b"\xff", b"<!--", b"]]>", b"'"),
    *(b"<!DOCTYPE x [", b"<![CDATA[", b"<?x ", b"&#x0;"),
)


class Mutator:
    """Changes domains, with values and elements that it saw in others of them."""

    def __init__(self, documents: Iterable[bytes], random: random.Random) -> None:
        self.random = random
        self.roots: list[Node] = []
        self.values: dict[str, list[str]] = {}
        self.elements: dict[str, list[Node]] = {}
        for data in documents:
            self._learn(data)
        self._changes: tuple[Callable[[Node], None], ...] = (
            self.drop_attribute,
            self.drop_element,
            self.seen_value,
            self.seen_value,
            self.seen_value,
            self.odd_value,
            self.repeat_element,
            self.seen_element,
            self.seen_element,
            self.new_attribute,
        )

    def _learn(self, data: bytes) -> None:
        try:
            root = etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True))
        except etree.XMLSyntaxError:
            return
        self.roots.append(root)
        for node in root.iter():
            path = _path(node)
            self.elements.setdefault(_path(node.getparent()), []).append(node)
            for name, value in node.items():
                self.values.setdefault(f"{path}/@{name!s}", []).append(str(value))
            if node.text and node.text.strip():
                self.values.setdefault(path, []).append(node.text)
        self.values = {path: list(dict.fromkeys(known)) for path, known in self.values.items()}

    def document(self, changes: int = 1) -> bytes:
        """Give one of the domains with that many changes, still well-formed."""
        root = copy.deepcopy(self.random.choice(self.roots))
        for _ in range(changes):
            self.random.choice(self._changes)(root)
        return etree.tostring(root)

    def bytes(self, changes: int = 3) -> bytes:
        """Give one with changes to its bytes: hardly ever well-formed."""
        data = bytearray(self.document())
        for _ in range(changes):
            place = self.random.randrange(len(data) + 1)
            length = self.random.choice((0, 1, 1, 2, 10, 100))
            new = self.random.choice(ODD_BYTES)
            data[place : place + length] = new
        return bytes(data)

    def _node(self, root: Node) -> Node:
        return self.random.choice(list(root.iter()))

    def drop_attribute(self, root: Node) -> None:
        """Take an attribute away."""
        holders = [node for node in root.iter() if len(node.attrib)]
        if holders:
            node = self.random.choice(holders)
            del node.attrib[self.random.choice(node.keys())]

    def drop_element(self, root: Node) -> None:
        """Take an element away."""
        node = self._node(root)
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)

    def repeat_element(self, root: Node) -> None:
        """Put an element there once more."""
        node = self._node(root)
        parent = node.getparent()
        if parent is not None:
            parent.insert(parent.index(node), copy.deepcopy(node))

    def seen_value(self, root: Node) -> None:
        """Give an attribute or text a value that another domain has there."""
        self._set(root, lambda path: self.random.choice(self.values.get(path, ODD_VALUES)))

    def odd_value(self, root: Node) -> None:
        """Give an attribute or text a value that is at some border."""
        self._set(root, lambda _: self.random.choice(ODD_VALUES))

    def _set(self, root: Node, value: Callable[[str], str]) -> None:
        node = self._node(root)
        names: list[str | None] = [*map(str, node.keys())]
        if node.text and node.text.strip():
            names.append(None)
        if not names:
            return
        name = self.random.choice(names)
        if name is None:
            node.text = value(_path(node))
        else:
            node.set(name, value(f"{_path(node)}/@{name}"))

    def seen_element(self, root: Node) -> None:
        """Add an element that another domain has there, or put it in the place of one."""
        holders = [node for node in root.iter() if _path(node) in self.elements]
        parent = self.random.choice(holders)
        new = copy.deepcopy(self.random.choice(self.elements[_path(parent)]))
        same = parent.findall(str(new.tag))
        if same and self.random.random() < 0.5:
            parent.replace(self.random.choice(same), new)
        else:
            parent.append(new)

    def new_attribute(self, root: Node) -> None:
        """Add an attribute that other domains have there."""
        node = self._node(root)
        prefix = f"{_path(node)}/@"
        known = [path for path in self.values if path.startswith(prefix)]
        if known:
            path = self.random.choice(known)
            node.set(path.removeprefix(prefix), self.random.choice(self.values[path]))


def _path(node: Node | None) -> str:
    steps = []
    while node is not None:
        steps.append(str(node.tag))
        node = node.getparent()
    return "/".join(reversed(steps))
