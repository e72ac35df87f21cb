"""Write down the names that libvirt's domain format has, from the schemas that it installs.

::

    python tools/generate_vocabulary.py /usr/share/libvirt/schemas [older …] \
        > src/domcaps/elements/vocabulary.txt

Only names are taken: which elements and attributes may stand where. Their forms and what they mean
stand in the table. A name that only some of the folders have is in the union. The form of the
output is described in `domcaps.validate.vocabulary`.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from pathlib import Path

from lxml import etree
from lxml.etree import _Element as Node

RNG = "{http://relaxng.org/ns/structure/1.0}"
START = "domain.rng"

Place = frozenset[Node]
"""All definitions that may apply to an element at one place."""


class Grammar:
    """Definitions of one folder of schemas."""

    start: Node

    def __init__(self, folder: Path) -> None:
        self._defines: dict[str, list[Node]] = {}
        self._load(folder / START, set())

    def _load(self, path: Path, seen: set[Path]) -> None:
        if path in seen:
            return
        seen.add(path)
        root = etree.parse(str(path)).getroot()
        for define in root.iter(f"{RNG}define"):
            self._defines.setdefault(str(define.get("name")), []).append(define)
        if path.name == START:
            (self.start,) = root.iter(f"{RNG}start")
        for include in root.iter(f"{RNG}include"):
            self._load(path.parent / str(include.get("href")), seen)

    def inside(self, node: Node) -> tuple[list[Node], list[Node], bool]:
        """Give the attributes and elements right below a pattern, and whether anything may be."""
        attributes: list[Node] = []
        elements: list[Node] = []
        anything = False
        waiting = deque(node)
        references: set[str] = set()
        while waiting:
            pattern = waiting.popleft()
            tag = str(pattern.tag).removeprefix(RNG)
            if tag == "attribute":
                attributes.append(pattern)
            elif tag == "element":
                elements.append(pattern)
            elif tag == "ref":
                name = str(pattern.get("name"))
                if name not in references:
                    references.add(name)
                    for define in self._defines[name]:
                        waiting.extend(define)
            elif tag in ("anyName", "nsName"):
                anything = True
            elif tag not in ("data", "value", "text", "name", "param", "except"):
                waiting.extend(pattern)
        return attributes, elements, anything


def names(pattern: Node) -> list[str]:
    """Give the names that an attribute or element may have; "*" for any, none for foreign ones."""
    if pattern.get("ns") or any(pattern.iterchildren(f"{RNG}nsName")):
        return []
    stated = pattern.get("name")
    if stated is not None:
        return [] if ":" in stated else [stated]
    found = [
        "*" if child.tag == f"{RNG}anyName" else str(child.text).strip()
        for child in pattern.iter(f"{RNG}name", f"{RNG}anyName")
    ]
    return found[:1] if "*" in found else found


class Writer:
    """The union of several grammars, written place by place."""

    def __init__(self, grammars: list[Grammar]) -> None:
        self._owner: dict[Node, Grammar] = {}
        self._grammars = grammars
        self._written: dict[Place, str] = {}

    def write(self) -> list[str]:
        """Give the lines, the shortest paths first, so that a repeated place refers upwards."""
        start: list[Node] = []
        for grammar in self._grammars:
            _, elements, _ = grammar.inside(grammar.start)
            start += self._own(grammar, elements)
        lines = []
        waiting = deque([("", frozenset(start))])
        while waiting:
            parent, definitions = waiting.popleft()
            for name, place in self._children(definitions) if parent else [("domain", definitions)]:
                path = f"{parent}/{name}"
                if place in self._written:
                    lines.append(f"{path} = {self._written[place]}")
                    continue
                self._written[place] = path
                lines.append(" ".join([path, *self._attributes(place)]))
                waiting.append((path, place))
        return lines

    def _own(self, grammar: Grammar, elements: list[Node]) -> list[Node]:
        for element in elements:
            self._owner[element] = grammar
        return elements

    def _children(self, place: Place) -> list[tuple[str, Place]]:
        found: dict[str, set[Node]] = {}
        for definition in place:
            grammar = self._owner[definition]
            for element in self._own(grammar, grammar.inside(definition)[1]):
                for name in names(element):
                    found.setdefault(name, set()).add(element)
        return [(name, frozenset(found[name])) for name in sorted(found)]

    def _attributes(self, place: Place) -> list[str]:
        found: set[str] = set()
        for definition in place:
            for attribute in self._owner[definition].inside(definition)[0]:
                found.update(names(attribute))
        return sorted(f"@{name}" for name in found)


def main() -> int:
    """Write to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    lines = Writer([Grammar(folder) for folder in options.folders]).write()
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
