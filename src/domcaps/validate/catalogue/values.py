"""The smallest XML in which a value of an enum is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.validate.catalogue.minimal import element_with
from domcaps.validate.catalogue.rules import parts

if TYPE_CHECKING:
    from domcaps.language import Enum


def xml_of(enum: Enum | None, value: str) -> str | None:
    """Give the least that a domain needs to use a value; None where that is unknown."""
    if enum is None:
        return None
    for choice in enum.choices:
        if choice.name == value and enum.sample_of(choice):
            return enum.sample_of(choice)
    for part in parts():
        for field in part.fields():
            if field.choice is enum and part.path is not None:
                return element_with(part.path, {field.path: value})
    return None
