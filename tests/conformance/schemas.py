"""Compare what ``--schema`` refuses with a schema that libvirt installs: ``python schemas.py DIR``.

::

    PYTHONPATH=src:tests python tests/conformance/schemas.py /usr/share/libvirt/schemas \\
        --dialect 12.8 --count 5000 --seed 1

No libvirt has to run. Parts of domains are made at random by following the schema, some of them are
changed, and both sides say whether they are right. Each disagreement is made smaller and shown; a
name that only the schema has is one. What libvirt refuses when it reads a domain is a disagreement
here, too, where only the schema says it: ``live_generated.py`` tells whether it matters.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.language.dialect import Dialect, parse_dialect
from domcaps.validate.document.walk import DocumentWalk
from domcaps.validate.schema.check import refusals

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

RNG = "{http://relaxng.org/ns/structure/1.0}"
PLAIN = "<domain type='qemu'><name>a</name><os><type>hvm</type></os></domain>"
DEEPEST = 9
MOST_MAKING = 1000
NUMBERS = (
    "0 1 2 5 31 32 99 100 255 256 1000 4095 65535 65536 1000000 4294967295 4294967296 -1 +1 007"
)
TEXTS = (
    *("", " ", " 1", "a", "A", "x y", "a/b", "a,b", "a:b", "a.b", "yes", "no", "on", "off", "none"),
    *("default", "0x0", "0x1f", "0xff", "0x100", "0xffff", "0xabcdef", "/a", "/dev/vda", ".", "*"),
    *("0-3", "0-3,^2", "1-", "vda", "hdc", "nvme0n1", "KiB", "b", "MB", "bytes", "1.2.3.4", "::1"),
    *("fe80::1", "52:54:00:12:34:56", "53:54:00:12:34:56", "naa.5123456789abcde0", "1.1", "0644"),
    *("2f9f9e8e-6d1b-4c0c-9b61-0c5e0f0b7a11", "5123456789abcde0", "2030-01-31T23:59:59", "1.2.3"),
    *("[store] a/b", "abcdefghijkl", "a" * 40, "18446744073709551615", "18446744073709551616"),
)


_TIMES = {"optional": (0, 0, 0, 1, 1), "zeroOrMore": (0, 1, 2), "oneOrMore": (1, 1, 2)}


class NotToBeMadeError(Exception):
    """A pattern that nothing matches, or that leads too deep."""


class Schema:
    """The definitions of a folder, and what follows them."""

    def __init__(self, folder: Path) -> None:
        self.defines: dict[str, Node] = {}
        self.texts = (*NUMBERS.split(), *TEXTS)
        self._whole = etree.RelaxNG(file=str(folder / "domain.rng"))
        self._fitting: dict[Node, tuple[str, ...]] = {}
        self._load(folder, "domain.rng", set())

    def _load(self, folder: Path, name: str, seen: set[str]) -> None:
        if name in seen:
            return
        seen.add(name)
        root = etree.parse(str(folder / name)).getroot()
        for define in root.iter(f"{RNG}define"):
            # those that say "not allowed" are there to be overridden
            if define.find(f"{RNG}notAllowed") is None:
                self.defines.setdefault(str(define.get("name")), define)
        for include in root.iter(f"{RNG}include"):
            self._load(folder, str(include.get("href")), seen)

    def takes(self, root: Node) -> bool:
        """Tell whether it takes a domain."""
        return bool(self._whole.validate(root))

    def words(self) -> tuple[str, ...]:
        """Give every value that it names."""
        found = {v.text for define in self.defines.values() for v in define.iter(f"{RNG}value")}
        return tuple(sorted(filter(None, found)))

    def fitting(self, data: Node) -> tuple[str, ...]:
        """Give texts that have the form of a pattern of data."""
        if data not in self._fitting:
            one = etree.Element(f"{RNG}element", name="x")
            one.set("datatypeLibrary", "http://www.w3.org/2001/XMLSchema-datatypes")
            one.append(copy.deepcopy(data))
            form = etree.RelaxNG(one)
            self._fitting[data] = tuple(t for t in self.texts if form.validate(_with_text(t)))
        return self._fitting[data]


def _with_text(text: str) -> Node:
    node = etree.Element("x")
    node.text = text
    return node


class Maker:
    """Makes domains by following a schema."""

    def __init__(self, schema: Schema, random: random.Random) -> None:
        self.schema = schema
        self.random = random
        self.seen: dict[str, list[Node]] = {}

    def domain(self) -> Node:
        """Give a domain with something in it."""
        for _ in range(MOST_MAKING):
            root = etree.fromstring(PLAIN)
            try:
                if self.random.random() < 0.7:
                    devices = etree.SubElement(root, "devices")
                    self.follow(self.random.choice(self._references("devices")), devices, 1)
                else:
                    self.follow(self.random.choice(self._references("domaincontents")), root, 0)
            except NotToBeMadeError:
                continue
            self._remember(root)
            return root
        raise NotToBeMadeError

    def _references(self, name: str) -> list[Node]:
        ways = [
            reference
            for reference in self.schema.defines[name].iter(f"{RNG}ref")
            if reference.get("name") not in {"virttype", "hvs", "os", "metadata", "devices"}
        ]
        return ways or list(self.schema.defines[name])

    def _remember(self, root: Node) -> None:
        for node in root.iter():
            known = self.seen.setdefault(str(node.tag), [])
            if len(known) < 40:
                known.append(copy.deepcopy(node))

    def follow(self, pattern: Node, node: Node, depth: int) -> None:
        """Add to an element what a pattern asks for."""
        kind = str(pattern.tag).removeprefix(RNG)
        inside = list(pattern.iterchildren(etree.Element))
        if kind == "ref":
            self._all(self._define(pattern), node, depth)
        elif kind in _TIMES:
            for _ in range(self.random.choice(_TIMES[kind])):
                self._try(inside, node, depth)
        elif kind == "element":
            self._element(pattern, inside, node, depth)
        elif kind == "attribute":
            self._attribute(pattern, inside, node, depth)
        elif kind in ("value", "data", "text", "notAllowed"):
            node.text = self._text(kind, pattern)
        elif kind == "choice":
            self.follow(self.random.choice(inside), node, depth)
        elif kind not in ("empty", "name", "anyName"):
            if kind == "interleave":
                self.random.shuffle(inside)
            self._all(inside, node, depth)

    def _text(self, kind: str, pattern: Node) -> str | None:
        if kind == "value":
            return pattern.text
        fitting = {"text": self.schema.texts, "notAllowed": ()}.get(kind)
        fitting = self.schema.fitting(pattern) if fitting is None else fitting
        if not fitting:
            raise NotToBeMadeError
        return self.random.choice(fitting)

    def _define(self, reference: Node) -> list[Node]:
        define = self.schema.defines.get(str(reference.get("name")))
        if define is None:
            raise NotToBeMadeError
        return list(define.iterchildren(etree.Element))

    def _all(self, patterns: list[Node], node: Node, depth: int) -> None:
        for pattern in patterns:
            self.follow(pattern, node, depth)

    def _try(self, patterns: list[Node], node: Node, depth: int) -> None:
        before = copy.deepcopy(node)
        try:
            self._all(patterns, node, depth)
        except NotToBeMadeError:
            node.clear()
            node.text = before.text
            for name, value in before.items():
                node.set(name, value)
            node.extend(list(before))

    def _element(self, pattern: Node, inside: list[Node], node: Node, depth: int) -> None:
        name = pattern.get("name")
        if name is None or depth > DEEPEST or pattern.get("ns"):
            raise NotToBeMadeError
        child = etree.SubElement(node, name)
        try:
            self._all(inside, child, depth + 1)
        except NotToBeMadeError:
            node.remove(child)
            raise

    def _attribute(self, pattern: Node, inside: list[Node], node: Node, depth: int) -> None:
        name = pattern.get("name")
        if name is None:
            raise NotToBeMadeError
        holder = _with_text("")
        self._all(inside, holder, depth)
        node.set(name, (holder.text or "") if inside else self.random.choice(self.schema.texts))

    def change(self, root: Node) -> None:
        """Change something."""
        node = self.random.choice(list(root.iter()))
        ways = (self._set, self._set, self._set, self._drop, self._add, self._mix, self._write)
        self.random.choice(ways)(node)

    def _set(self, node: Node) -> None:
        like = self.random.choice(self.seen.get(str(node.tag), [node]))
        if like.keys():
            texts = (*self.schema.texts, *self.schema.words())
            node.set(str(self.random.choice(like.keys())), self.random.choice(texts))

    def _drop(self, node: Node) -> None:
        if node.keys() and self.random.random() < 0.5:
            del node.attrib[self.random.choice(node.keys())]
        elif len(node):
            node.remove(self.random.choice(list(node)))

    def _add(self, node: Node) -> None:
        like = self.random.choice(self.seen.get(str(node.tag), [node]))
        for child in list(like)[:1] if len(like) else []:
            node.append(copy.deepcopy(child))

    def _mix(self, node: Node) -> None:
        children = list(node)
        self.random.shuffle(children)
        node.extend(children)

    def _write(self, node: Node) -> None:
        node.text = self.random.choice(self.schema.texts)


def ours(root: Node, dialect: Dialect) -> str:
    """Give why domcaps refuses a domain, "" where it does not."""
    for node, attribute, _ in DocumentWalk(root).unknown:
        return f"unknown {node.tag} {attribute}"
    for code, found in refusals(root, dialect):
        return f"{code}: {found.message}"
    return ""


def smaller(root: Node, schema: Schema, dialect: Dialect) -> Node:
    """Take away what the disagreement does not need."""
    for node in [*root.iter()][1:]:
        parent = node.getparent()
        if parent is not None:
            place = parent.index(node)
            parent.remove(node)
            if not disagree(root, schema, dialect):
                parent.insert(place, node)
    for node in root.iter():
        for name, value in node.items():
            del node.attrib[name]
            if not disagree(root, schema, dialect):
                node.set(name, value)
    return root


def disagree(root: Node, schema: Schema, dialect: Dialect) -> bool:
    """Tell whether only one of both refuses."""
    fresh = etree.fromstring(etree.tostring(root))
    return schema.takes(fresh) == bool(ours(fresh, dialect))


def main() -> int:
    """Make, ask, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dialect", default="12.8", help="the libvirt whose schema it is")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dialect = parse_dialect(options.dialect)
    schema = Schema(options.folder)
    maker = Maker(schema, random.Random(options.seed))  # noqa: S311 - no secret
    groups: dict[str, bytes] = {}
    counts: Counter[str] = Counter()
    taken = 0
    for number in range(options.count):
        root = maker.domain()
        for _ in range(number % 3):
            maker.change(root)
        taken += schema.takes(root)
        if disagree(root, schema, dialect):
            least = smaller(root, schema, dialect)
            said = ours(least, dialect)
            names = " ".join(str(node.tag) for node in least.iter())
            kind = f"WRONG {said[:90]}" if said else f"MISSING in {names}"
            counts[kind] += 1
            groups.setdefault(kind, etree.tostring(least))
    for kind, count in counts.most_common():
        print(f"== {count} {kind}\n   {groups[kind].decode()}")
    wrong = counts.total()
    print(f"{options.count} domains, {taken} that the schema takes")
    print(f"{options.count - wrong} agree, {wrong} do not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
