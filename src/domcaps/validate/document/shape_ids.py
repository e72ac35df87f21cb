"""Shapes of elements, as numbers: equal numbers are equal shapes.

What an element has, without the text of its names, numbers and paths, is its *shape*: its elements
and attributes, and the values of those that have only a few.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

TELLING = frozenset({"type", "model", "mode"})
"""Attributes that have few values wherever they stand."""

NO_SHAPE, NO_TEXT, SOME_TEXT, SOME_VALUE, APART = -1, -2, -3, -4, -5
"""In a shape: what has none, text and values that do not count, and what is reported elsewhere."""

_MOST = 5000
_LONGEST = 100
LONGEST_NAME = 64
_NUMBERS: dict[tuple[str | int, ...], int] = {}
_NEXT = itertools.count()


def names_of(node: Node) -> list[str]:
    """Give the names of an element's attributes.

    Values are better asked for one by one: lxml takes quadratic time for all of them.
    """
    given: Any = node.keys()  # the stubs allow for bytes, which lxml gives only for Python 2
    return given  # type: ignore[no-any-return]


def outline(node: Node) -> int:
    """Give the shape of an element of which nothing is known."""
    shape: list[str | int] = [node.tag]
    for name in names_of(node):
        shape += name, node.get(name, "") if name in TELLING else SOME_VALUE
    shape.append(SOME_TEXT if node.text else NO_TEXT)
    shape += [outline(child) for child in node]
    return intern_shape(shape)


def intern_shape(shape: list[str | int]) -> int:
    """Give the number of a shape; there is none of what is large."""
    key = tuple(shape)
    number = _NUMBERS.get(key)
    if number is None:
        if NO_SHAPE in shape or len(shape) > _LONGEST:
            return NO_SHAPE
        if any(len(item) > LONGEST_NAME for item in shape if isinstance(item, str)):
            return NO_SHAPE
        if len(_NUMBERS) >= _MOST:
            # numbers are not given a second time: what they led to is forgotten with them
            _NUMBERS.clear()
        number = _NUMBERS[key] = next(_NEXT)
    return number
