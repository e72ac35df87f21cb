"""THE TABLE: one file for each element of a domain, found by being here.

Every `Element` that stands by itself in a module of this package is part of the table. A new
element is a new file; nothing has to be registered. `elements/video.py` explains how to read one.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

from domcaps.language import Element, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.question import Question
    from domcaps.language import Choice


@functools.cache
def table() -> tuple[Element, ...]:
    """Give every element, in the order of libvirt's document."""
    found: list[Element] = []
    for module in pkgutil.iter_modules(__path__):
        contents = vars(importlib.import_module(f"{__name__}.{module.name}"))
        found.extend(value for value in contents.values() if isinstance(value, Element))
    # an element imported by a sibling, or named beside its parent, is still one element
    unique = {id(element): element for element in found}
    nested = {id(part) for element in unique.values() for part in _parts(element)}
    places = list(Place)
    return tuple(
        sorted(
            (element for key, element in unique.items() if key not in nested),
            key=lambda element: (places.index(element.place), element.order, element.name),
        )
    )


def _parts(element: Element) -> Iterator[Element]:
    for part in element.content:
        if isinstance(part, Element):
            yield part
            yield from _parts(part)


def questions() -> frozenset[Question]:
    """Give all that the table wants to know of an emulator, beyond what is always asked."""
    return frozenset(question for element in table() for question in element.questions())


def choices() -> Iterator[tuple[str, Choice]]:
    """Give every choice of the table with its path, such as ``video.modelType=vga``."""
    for element in table():
        yield from element.choices()
