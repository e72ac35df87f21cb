"""What documents are made of: a structure that many have, and the values in it.

A value is that of an attribute, or the text of an element. Both are found without a parser, and
only where that is certain: documents with comments, entities or texts between elements have no form
and are judged as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.tracking import reads
from domcaps.patterns import late_pattern
from domcaps.validate.document.parse import MAX_BYTES
from domcaps.validate.document.shape_ids import TELLING
from domcaps.validate.document.walk import NO_VALUES, position_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from lxml.etree import _Element as Node

    from domcaps.fleet.tracking.reads import Operation
    from domcaps.validate.document.walk import SchemaPosition

_UNCERTAIN = late_pattern("[&\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|<[!?]")
_VALUE = late_pattern(r"""((?<==')[^'<\n\t]*(?=')|(?<==")[^"<\n\t]*(?=")|(?<=>)\s*[^<'"\s][^<]*)""")
_NAMESPACE = late_pattern(r"\sxmlns(?::[\w.-]+)?=['\"]\Z")
_CONDITION = late_pattern(r"\[(?:\d+|@([\w:-]+)(?:='[^']*')?)\]")

_STRUCTURAL = frozenset({
    reads.NAME, reads.PREFIX, reads.NAMES, reads.COUNT, reads.CHILDREN, reads.PARENT,
    reads.SIBLINGS, reads.PATH, reads.PARTS, reads.FIRST, reads.WITHIN,
})  # fmt: skip
"""Operations of which the structure and the telling values decide the answer."""

_BY_PATH = frozenset({reads.FIND, reads.FIND_ALL, reads.AT_PATH, reads.TAGS_IN, reads.INSIDE})


class SplitDocument(NamedTuple):
    """A document as its structure and its values, in the order of the document."""

    structure: tuple[str, ...]
    values: tuple[str, ...]


def split_document(data: bytes) -> SplitDocument | None:
    """Take a document apart; None for one of which a parser might make something else.

    The structure is what stands between values, quotes included. So documents of equal structure
    have the same elements and attributes, and their values stand at the same places.
    """
    if len(data) > MAX_BYTES:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if _UNCERTAIN.search(text):
        return None
    parts = _VALUE.split(text)
    return SplitDocument(tuple(parts[::2]), tuple(parts[1::2]))


class DocumentForm:
    """Where the values of documents of one structure stand: slots, by element and attribute.

    Elements have the numbers of their order; the text is at the attribute "". `telling` are slots
    that decide which parts there are, and which target is meant.
    """

    def __init__(self, nodes: list[Node], places: list[tuple[int, str]]) -> None:
        self.slots = {place: slot for slot, place in enumerate(places)}
        positions = [position_of(node) for node in nodes]
        self.telling = tuple(
            slot
            for slot, (number, name) in enumerate(places)
            if _tells(nodes[number], positions[number], name)
        )
        self._in_shape = {
            slot
            for slot, (number, name) in enumerate(places)
            if name in TELLING or name in _few(positions[number])
        }

    def in_shape(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Give the slots in some elements that count for the shapes of parts."""
        inside = set(numbers)
        return tuple(s for (n, _), s in self.slots.items() if n in inside and s in self._in_shape)

    def read_by(
        self, operation: Operation, numbers: list[int], argument: Any
    ) -> tuple[int, ...] | None:
        """Give the slots that decide what an operation answers; None where that is not known.

        `numbers` are those of the element and of all that is inside.
        """
        if operation in _STRUCTURAL:
            return ()
        if operation is reads.TEXT or operation is reads.ATTRIBUTE:
            name = "" if operation is reads.TEXT else argument
            slot = self.slots.get((numbers[0], name))
            return () if slot is None else (slot,)
        if operation is reads.TEXTS:
            return tuple(s for n in numbers if (s := self.slots.get((n, ""))) is not None)
        if operation in _BY_PATH:
            return self._of_path(argument[0] if operation is reads.INSIDE else argument)
        return None

    def _of_path(self, path: str) -> tuple[int, ...] | None:
        if "[" not in path:
            return ()
        if "[" in _CONDITION.sub("", path):
            return None
        names = {name for name in _CONDITION.findall(path) if name}
        return tuple(slot for (_, name), slot in self.slots.items() if name in names)


def form_of(document: SplitDocument, root: Node) -> DocumentForm | None:
    """Give the form of a parsed document, None where its values stand otherwise than was taken."""
    nodes = list(root.iter())
    if any(node.tail and not node.tail.isspace() for node in nodes):
        return None
    expected = iter(_values_of(nodes))
    places = []
    for before, value in zip(document.structure, document.values, strict=False):
        if _NAMESPACE.search(before):
            places.append((-1, "xmlns"))
            continue
        number, name, text = next(expected, (0, "", None))
        if text != value:
            return None
        places.append((number, name))
    return DocumentForm(nodes, places) if next(expected, None) is None else None


def _values_of(nodes: list[Node]) -> Iterator[tuple[int, str, str]]:
    for number, node in enumerate(nodes):
        for name, text in node.items():
            yield number, str(name), str(text)
        if node.text and not node.text.isspace():
            yield number, "", node.text


def _few(position: SchemaPosition | None) -> set[str]:
    """Give the attributes that have only a few values, "" for the text."""
    if position is None:
        return set()
    few = {name for name, values in position.values.items() if values}
    return few | ({""} if position.texts != NO_VALUES else set())


_TARGET = re.compile(r"domain/@type|domain/os/type/@(arch|machine)|domain/devices/emulator/.*")
_DEVICE = re.compile(r"domain/devices/[^/]+/@(type|model)")


def _tells(node: Node, position: SchemaPosition | None, name: str) -> bool:
    """Tell whether a value decides which target is meant, or which parts there are."""
    if name == "xmlns":
        return True
    above = [str(one.tag) for one in node.iterancestors()]
    path = "/".join((*reversed(above), str(node.tag), f"@{name}" if name else ""))
    if _TARGET.fullmatch(path) or _DEVICE.fullmatch(path):
        return True
    return position is not None and any(one.attribute == name for one in position.placed if name)
