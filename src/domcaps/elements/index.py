"""Where things stand in the table, so that one of them can be had without loading all.

``index.txt`` has a line for each module of the table that is looked for: its name, the size of its
file, its elements of the report with their Python names, and the codes of its rules and fields.
``python tools/index_table.py`` writes the file; a test compares it with the table. A line whose
module has another size now counts for nothing: the whole table is looked through then.
"""

from __future__ import annotations

import functools
import os
from typing import NamedTuple

from domcaps.files import package_text

FILE = "index.txt"
PACKAGE = "domcaps.elements"


class IndexedModule(NamedTuple):
    """A module with what stands in it: elements with their names in Python; codes.

    Several elements may have one name: each counts for other releases of libvirt.
    """

    name: str
    size: int
    elements: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]

    def line(self) -> str:
        """Give its line in the file."""
        elements = " ".join(f"{name}={variable}" for name, variable in self.elements)
        return f"{self.name}\t{self.size}\t{elements}\t{' '.join(self.codes)}\n"

    @property
    def is_as_indexed(self) -> bool:
        """Whether the module's file still has the size that it had."""
        try:
            return size_of(self.name) == self.size
        except OSError:
            return False


def size_of(module: str) -> int:
    """Give the size of a module's file."""
    return os.stat(_file(module)).st_size  # noqa: PTH116 - pathlib is slow


def modules_with_code(code: str) -> tuple[str, ...]:
    """Name the modules in which the rules or the field of a code stand; nothing where not known."""
    return tuple(one.name for one in _as_indexed(code) if code in one.codes)


def places_of_element(name: str) -> tuple[tuple[str, str], ...]:
    """Give module and Python name of the elements of a name; nothing where that is not known."""
    return tuple(
        (module.name, variable)
        for module in _as_indexed(f"{name}=")
        for element, variable in module.elements
        if element == name
    )


def _as_indexed(word: str) -> list[IndexedModule]:
    """Give the modules whose line has a word; none where one of them is not as it was."""
    # most lines are never taken apart
    found = [_parsed(line) for line in _text().splitlines() if word in line]
    return found if all(module.is_as_indexed for module in found) else []


def _file(module: str) -> str:
    return os.path.join(_folder(), *module.removeprefix(f"{PACKAGE}.").split(".")) + ".py"  # noqa: PTH118


@functools.cache
def _folder() -> str:
    return os.path.dirname(__file__)  # noqa: PTH120


@functools.cache
def _text() -> str:
    try:
        return package_text(PACKAGE, FILE)
    except OSError:
        # a source without it: everything is looked for in the whole table
        return ""


def _parsed(line: str) -> IndexedModule:
    name, size, elements, codes = line.split("\t")
    pairs = (pair.partition("=") for pair in elements.split())
    known = tuple((element, variable) for element, _, variable in pairs)
    return IndexedModule(name, int(size), known, tuple(codes.split()))
