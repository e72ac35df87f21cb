"""Values that may stand at a place of a domain: near ones, those that serve the same purpose, …

All of it is read from the table: what a field declares, what is preferred, what can stand in.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.choose import losses
from domcaps.elements.boards.families import family_of
from domcaps.language.node_path import without_positions
from domcaps.language.spelling import nearest
from domcaps.language.value_types import Int
from domcaps.validate import alternatives
from domcaps.validate.alternatives import fields_by_path
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.samples import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language import Choice

_MOST_VALUES = 16


def values_of(path: str) -> list[str]:
    """Give the values that an attribute or text may have by its declaration."""
    found: dict[str, None] = {}
    for declared in fields_by_path().get(without_positions(path), ()):
        if declared.choice is not None:
            found |= dict.fromkeys(choice.name for choice in declared.choice.choices)
        found |= dict.fromkeys(getattr(declared.kind, "names", ()))
    return list(found)


def choice_at(path: str, value: str) -> Choice | None:
    """Give the choice of the table that a value at a place is, None where none is declared."""
    for declared in fields_by_path().get(without_positions(path), ()):
        for choice in declared.choice.choices if declared.choice is not None else ():
            if choice.name == value:
                return choice
    return None


def misspelt(old: str, known: Iterable[str], *, exact: bool = False) -> list[str]:
    """Give at most two known words that look like one; of a number there are none."""
    return [] if len(old) < 2 or old.isdigit() else nearest(old, known, 2, exact=exact)


def numbers(path: str, old: str) -> Iterator[str]:
    """Give the nearest number that a place permits, where the old one is out of its range."""
    digits = re.fullmatch(r"\s*([+-]?\d{1,40})\s*", old)
    if digits is None:
        return
    value = int(digits[1])
    for declared in fields_by_path().get(path, ()):
        kind = declared.kind
        if isinstance(kind, Int):
            least = value if kind.least is None else max(value, kind.least)
            near = least if kind.most is None else min(least, kind.most)
            if str(near) != old:
                yield str(near)


def preferred(path: str, old: str, known: Iterable[str]) -> list[str]:
    """Give values in the order in which new domains prefer them."""
    listed = alternatives.preferred(path, (value for value in known if value not in {old, ""}))
    return listed[:_MOST_VALUES]


def of_same_family(old: str, known: Sequence[str]) -> list[str]:
    """Give machine types of a machine type's family, the nearest to its version first.

    The nearest is the next newer one, since a guest's devices stay most alike; then comes the name
    without a version, such as ``q35``, and then older ones.
    """
    family, version = _family_of(old, known)
    if version and not any(name.startswith(_before_version(old)) for name in known):
        # a vendor's own versions, as of pc-q35-rhel9.2.0, are none of QEMU's
        version = ()
    alike = [(name, family_of(name)[1]) for name in known if family_of(name)[0] == family]
    versions = sorted((v, name) for name, v in alike if v and name != old)
    newer = [name for v, name in versions if version and v >= version]
    older = [name for v, name in reversed(versions) if not version or v < version]
    aliases = [name for name, v in alike if not v and name != old]
    return [*newer, *aliases, *older] if version else [*aliases, *older]


def _before_version(name: str) -> str:
    """Give a machine type's name without the version at its end."""
    return re.sub(r"\d[\d.]*$", "", name)


def on_board(old: str, board: str, known: Iterable[str]) -> list[str]:
    """Give machine types of a board: that of a machine type's version, then the alias, then all."""
    version = family_of(old)[1]
    names = [name for name in known if family_of(name)[0] == board]

    def rank(name: str) -> int:
        found = family_of(name)[1]
        return 0 if found == version else 1 if not found else 2

    return sorted(names, key=rank)


def _name_of_family(name: str) -> str:
    return family_of(name)[0]


def _family_of(old: str, known: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """Give the family of a name; one that begins names of a family, as ``pc-q35``, is of it."""
    family, version = family_of(old)
    if not version and old and family == old and family not in map(_name_of_family, known):
        longer = (family_of(name) for name in known if name.startswith(f"{old}-"))
        family = next((name for name, _ in longer), family)
    return family, version


@functools.lru_cache(maxsize=1024)
def _sample(code: str) -> Node | None:
    """Give the domain by which the manual of a finding shows how it is right."""
    known = codes().get(code)
    if known is None or known.good is None:
        return None
    return etree.fromstring(domain_of(known.good).encode())


@functools.lru_cache(maxsize=1024)
def shown(code: str, path: str) -> tuple[str, ...]:
    """Give the value that the manual of a finding shows at a place; nothing that is its owner's."""
    root = _sample(code)
    steps, _, attribute = path.removeprefix("/domain").lstrip("/").partition("@")
    steps = steps.rstrip("/")
    name = attribute or steps.rpartition("/")[2]
    if root is None or name in losses.NAMED_BY_OWNER:
        return ()
    found = root.findall(steps) if steps else [root]
    values = [node.get(attribute) if attribute else (node.text or "").strip() for node in found]
    return tuple(dict.fromkeys(value for value in values if value and "/" not in value))
