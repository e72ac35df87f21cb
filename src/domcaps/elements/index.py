"""Where things stand in the table, so that one of them is found without loading all modules.

``index.txt`` has a line for each module of the table that is searched for: its name, its elements
of the report with their Python names, and the codes of its rules and fields.
What is not found where the file says is searched for in the whole table. ``questions.txt`` has the
questions of the table to an emulator. ``python tools/index_table.py`` writes the files; a test
compares them with the table.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.facts.question import QmpCommand
from domcaps.files import package_text
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "index.txt"
QUESTIONS = "questions.txt"
PACKAGE = "domcaps.elements"


class IndexedModule(NamedTuple):
    """A module with what stands in it: elements with their names in Python; codes.

    Several elements may have one name: each counts for other releases of libvirt.
    """

    name: str
    elements: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]

    def line(self) -> str:
        """Give its line in the file."""
        elements = " ".join(f"{name}={variable}" for name, variable in self.elements)
        return f"{self.name}\t{elements}\t{' '.join(self.codes)}\n"


def modules_with_code(code: str) -> tuple[str, ...]:
    """Name the modules in which the rules or the field of a code stand, as far as is known."""
    return tuple(module.name for module in _with_word(code) if code in module.codes)


def places_of_element(name: str) -> tuple[tuple[str, str], ...]:
    """Give module and Python name of the elements of a name, as far as is known."""
    return tuple(
        (module.name, variable)
        for module in _with_word(f"{name}=")
        for element, variable in module.elements
        if element == name
    )


def modules_with_elements() -> tuple[str, ...]:
    """Name the modules in which elements of the report stand; none where that is not known."""
    return tuple(module.name for module in _with_word("=") if module.elements)


def listed_questions() -> frozenset[QmpCommand]:
    """Give the questions of the table as they are listed; none where there is no list."""
    found = (line.partition(" ") for line in _text(QUESTIONS).splitlines())
    return frozenset(QmpCommand(name, arguments or "{}") for name, _, arguments in found)


def list_of_questions(questions: Iterable[QmpCommand]) -> str:
    """Write the list."""
    return "".join(f"{question}\n" for question in sorted(questions))


def _with_word(word: str) -> list[IndexedModule]:
    # most lines are never taken apart
    return [_parsed(line) for line in _text(FILE).splitlines() if word in line]


@functools.cache
def _text(file: str) -> str:
    try:
        return package_text(PACKAGE, file)
    except OSError:
        # a source without the file: everything is searched for in the whole table
        return ""


def _parsed(line: str) -> IndexedModule:
    name, elements, codes = line.split("\t")
    pairs = (pair.partition("=") for pair in elements.split())
    known = tuple((element, variable) for element, _, variable in pairs)
    return IndexedModule(name, known, tuple(codes.split()))
