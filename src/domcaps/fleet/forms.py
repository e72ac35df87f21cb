"""What documents are made of: a structure that many have, and the values in it.

A value is that of an attribute, or the text of an element. Both are found without a parser, and
only where that is certain: documents with comments, entities or texts between elements have no form
and are judged as a whole.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.fleet.tracking import reads
from domcaps.patterns import late_pattern
from domcaps.validate.document.parse import MAX_BYTES
from domcaps.validate.document.shape_ids import TELLING
from domcaps.validate.document.walk import NO_VALUES, domain_position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

Read = int | tuple[int, "Callable[[str], Any]"]
"""A slot that is read, or one of which only what a function makes of its value counts."""


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
        self._above = _above(nodes)
        paths, positions = _paths(nodes, self._above), _positions(nodes, self._above)
        self.telling = tuple(
            slot
            for slot, (number, name) in enumerate(places)
            if _tells(paths[number], positions[number], name)
        )
        self._in_shape = [
            slot
            for slot, (number, name) in enumerate(places)
            if name in TELLING or name in _few(positions[number])
        ]
        self._is_plain = all(number >= 0 for number, _ in places)
        self._sizes = _sizes(self._above)
        self._starts = _starts(len(nodes), places)
        self._alike = _alike(nodes, self._above, paths, self.slots) if self._is_plain else []

    def inside(self, number: int) -> range:
        """Give the numbers of an element and of all that is inside."""
        return range(number, number + self._sizes[number])

    def slots_in(self, number: int) -> tuple[int, int]:
        """Give the first slot within an element, and the first one behind it."""
        return self._starts[number], self._starts[number + self._sizes[number]]

    def alike(self, number: int) -> int | None:
        """Name what an element is made of but for values, and its path; None where that is unsure.

        Equal names are equal elements: their slots stand in the same order.
        """
        return self._alike[number] if self._is_plain else None

    def in_shape(self, number: int) -> tuple[int, ...]:
        """Give the slots in an element that count for the shapes of parts."""
        first, end = self.slots_in(number)
        if self._is_plain:
            return tuple([slot for slot in self._in_shape if first <= slot < end])
        inside, shape = self.inside(number), frozenset(self._in_shape)
        return tuple(s for (n, _), s in self.slots.items() if n in inside and s in shape)

    def read_by(self, operation: Operation, number: int, argument: Any) -> tuple[Read, ...] | None:
        """Give the slots that decide what an operation answers; None where that is not known.

        `number` is that of the element, -1 for the document.
        """
        if operation is reads.TOLD:
            told = self.slots.get((number, ""))
            return () if told is None else ((told, argument),)
        if operation is reads.TOLD_BY:
            name, tell = argument
            told = self.slots.get((number, name))
            return () if told is None else ((told, tell),)
        if operation in _STRUCTURAL:
            return ()
        if operation is reads.TEXT or operation is reads.ATTRIBUTE:
            name = "" if operation is reads.TEXT else argument
            slot = self.slots.get((number, name))
            return () if slot is None else (slot,)
        if operation is reads.TEXTS:
            inside = self.inside(number)
            return tuple(s for n in inside if (s := self.slots.get((n, ""))) is not None)
        if operation in _BY_PATH:
            return self._of_path(argument[0] if operation is reads.INSIDE else argument, number)
        return None

    def _of_path(self, path: str, number: int) -> tuple[int, ...] | None:
        if "[" not in path:
            return ()
        if "[" in _CONDITION.sub("", path):
            return None
        names = {name for name in _CONDITION.findall(path) if name}
        # steps up lead anywhere
        everywhere = number < 0 or ".." in path
        inside = range(len(self._sizes)) if everywhere else self.inside(number)
        return tuple(s for (n, name), s in self.slots.items() if name in names and n in inside)


def _above(nodes: list[Node]) -> list[int]:
    """Give for each element the number of the one around it, -1 for the document's."""
    numbers: dict[Any, int] = {node: number for number, node in enumerate(nodes)}
    return [numbers.get(node.getparent(), -1) for node in nodes]


def _paths(nodes: list[Node], above: list[int]) -> list[str]:
    found: list[str] = []
    for node, outer in zip(nodes, above, strict=True):
        found.append(f"{found[outer]}/{node.tag}" if outer >= 0 else str(node.tag))
    return found


def _positions(nodes: list[Node], above: list[int]) -> list[SchemaPosition | None]:
    found: list[SchemaPosition | None] = []
    for node, outer in zip(nodes, above, strict=True):
        around = found[outer] if outer >= 0 else None
        if outer < 0:
            found.append(domain_position())
        else:
            found.append(None if around is None else around.enter(str(node.tag)))
    return found


def _sizes(above: list[int]) -> list[int]:
    """Give for each element how many there are with all that is inside."""
    sizes = [1] * len(above)
    for number in range(len(above) - 1, 0, -1):
        sizes[above[number]] += sizes[number]
    return sizes


def _starts(count: int, places: list[tuple[int, str]]) -> list[int]:
    """Give for each element the first slot that is its own or behind it."""
    of_each = Counter(number for number, _ in places)
    return list(itertools.accumulate((of_each[number] for number in range(count)), initial=0))


_ALIKE: dict[Any, int] = {}
_MOST_ALIKE = 200_000
_NUMBERS = itertools.count()


def _alike(
    nodes: list[Node], above: list[int], paths: list[str], slots: dict[tuple[int, str], int]
) -> list[int]:
    """Give for each element a number that those share which differ in values alone."""
    found = [0] * len(nodes)
    inner: list[list[tuple[int, str | None]]] = [[] for _ in nodes]
    for number in range(len(nodes) - 1, -1, -1):
        node = nodes[number]
        text = None if (number, "") in slots else node.text or ""
        found[number] = _number_of((node.tag, *node.keys(), text, *inner[number]))
        if above[number] >= 0:
            inner[above[number]].append((found[number], node.tail))
    return [_number_of(pair) for pair in zip(found, paths, strict=True)]


_MOST_ATTRIBUTES = 1000
"""No element that libvirt knows has so many."""


def _number_of(key: tuple[Any, ...]) -> int:
    number = _ALIKE.get(key)
    if number is None:
        if len(_ALIKE) >= _MOST_ALIKE:
            # numbers are not given a second time
            _ALIKE.clear()
        number = _ALIKE[key] = next(_NUMBERS)
    return number


def form_of(document: SplitDocument, root: Node) -> DocumentForm | None:
    """Give the form of a parsed document, None where its values stand otherwise than was taken."""
    nodes = list(root.iter())
    # lxml looks for each value from the first attribute on
    if len(document.values) > _MOST_ATTRIBUTES and any(
        len(node.attrib) > _MOST_ATTRIBUTES for node in nodes
    ):
        return None
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


def _tells(above: str, position: SchemaPosition | None, name: str) -> bool:
    """Tell whether a value decides which target is meant, or which parts there are."""
    if name == "xmlns":
        return True
    path = f"{above}/@{name}" if name else f"{above}/"
    if _TARGET.fullmatch(path) or _DEVICE.fullmatch(path):
        return True
    return position is not None and any(one.attribute == name for one in position.placed if name)
