"""Names that libvirt knows nothing of: it passes over them, so that a slip of the pen goes unseen.

Which names there are stands in ``elements/vocabulary.txt``, one line for each place::

    /domain/devices/disk @device @model @type        an element and its attributes
    /domain/devices/filesystem/alias = /domain/devices/disk/alias      the same as another
    /domain/metadata/* @*                            anything may be here

What the table's parts declare or know is added, so that a new field needs no second entry.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from domcaps.validate.catalogue import parts

if TYPE_CHECKING:
    from domcaps.language.part import Part


@dataclass(eq=False, slots=True)
class Place:
    """What may stand at one place of a domain."""

    attributes: set[str] = field(default_factory=set)
    children: dict[str, Place] = field(default_factory=dict)

    def child(self, name: str) -> Place:
        """Give the place of an element inside, made where it is new."""
        return self.children.setdefault(name, Place())


@functools.cache
def vocabulary() -> Place:
    """Give the place of ``<domain>``, with all below it."""
    outside = Place()
    for line in (files("domcaps.elements") / "vocabulary.txt").read_text().splitlines():
        path, *words = line.split()
        parent, _, name = path.rpartition("/")
        where = _at(outside, parent)
        if words[:1] == ["="]:
            where.children[name] = _at(outside, words[1])
        else:
            where.child(name).attributes.update(word.removeprefix("@") for word in words)
    domain = outside.child("domain")
    for kind in parts():
        _declare(domain, kind)
    return domain


def _at(place: Place, path: str) -> Place:
    for name in path.strip("/").split("/"):
        if name:
            place = place.child(name)
    return place


def _declare(domain: Place, kind: type[Part]) -> None:
    """Add what a part declares; paths that are more than names say nothing about names."""
    path = kind.path or ""
    knows = [known for base in kind.__mro__ for known in vars(base).get("knows", ())]
    for inner in (*(declared.path for declared in kind.fields()), *knows):
        steps, _, attribute = inner.rpartition("@") if "@" in inner else (inner, "", "")
        full = f"{path}/{steps}"
        if any(sign in full for sign in "*[.("):
            continue
        place = _at(domain, full)
        if attribute:
            place.attributes.add(attribute)


def nearest(place: Place, attribute: str, tag: str) -> tuple[str, ...]:
    """Give the names that are nearest to one that is not known: an attribute, or an element."""
    if attribute:
        return _near(attribute, place.attributes)
    return _near(tag, set(place.children))


def _near(name: str, names: set[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(name[:100], sorted(names), n=2, cutoff=0.7))
