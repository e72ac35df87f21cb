"""What may stand where in a domain: a line for each place in ``elements/schema/vocabulary.txt``.

::

    /domain/devices/disk* @device:disk|lun @model       an element, its attributes and their forms
    /domain/devices/disk/serial :SERIAL                 the form of its text
    /domain/devices/disk[@device=lun] @rawio            what it may have only in some cases
    /domain/devices/disk +device                        and all that stands under another name:
    device/alias @name!:IDENTIFIER

| sign | meaning |
|---|---|
| ``name*``, ``name+``, ``name!`` | any number of such elements, at least one, exactly one |
| ``@name!`` | an attribute that is required |
| ``~HWUUID`` | after a name or a word: the change of libvirt by which its schema has it |
| ``:a|b``, ``:PATH`` | what it may be: a word, or a form of ``elements/schema/datatypes.py`` |
| ``:...|a|^b`` | what the table's field may be, or a, but not b |
| ``[@a]``, ``[!@a]`` | where there is such an attribute, or none |
| ``[@a=b|c]``, ``[!@a=b|c]`` | where it is one of these, or none of them |
| ``[@a?=b]`` | where it is that, or is not there |
| ``[a]``, ``[a=b]`` | the same of an element inside, and of its text |
| ``{a,b}`` | both places at once |
| ``order:a,b|c`` | elements that stand in this order, b and c in any |
| ``some`` | there is at least one element inside |

Libvirt ignores names that it does not know, so that a typo goes unseen: those are reported in
any case, and `vocabulary` has all names. What names may stand beside which others, and
the forms of values, count only where a domain is compared with the schema: ``schema/check.py``.

What the table's parts declare or know is added, so that a new field needs no second entry.
"""

from __future__ import annotations

import functools
import zlib
from typing import TYPE_CHECKING

import msgspec

from domcaps.files import package_text
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern
from domcaps.similar import close_matches
from domcaps.validate.catalogue.rules import parts
from domcaps.validate.schema.names import PACKAGE, SchemaPlace, listed_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Part


class Condition(NamedTuple):
    """What an element must have, or must not have, for more to be said of it."""

    name: str
    attribute: bool
    negated: bool
    values: frozenset[str] | None
    absent: bool

    def holds(self, node: Node) -> bool:
        """Look at an element."""
        return self._found(node) != self.negated

    def _found(self, node: Node) -> bool:
        if self.attribute:
            text = node.get(self.name)
        else:
            inside = node.find(self.name)
            text = None if inside is None else (inside.text or "").strip()
        if text is None:
            return self.absent
        return self.values is None or text in self.values


class Attribute(NamedTuple):
    """What is said of an attribute; `words` are its forms and values."""

    required: bool
    since: str
    words: str


class Piece(msgspec.Struct, eq=False):
    """What is said of a place: always, or where conditions hold."""

    attributes: dict[str, list[Attribute]] = msgspec.field(default_factory=dict)
    children: dict[str, Piece] = msgspec.field(default_factory=dict)
    cases: dict[tuple[Condition, ...], Piece] = msgspec.field(default_factory=dict)
    others: list[str] = msgspec.field(default_factory=list)
    text: list[str] = msgspec.field(default_factory=list)
    order: tuple[tuple[str, ...], ...] = ()
    some: bool = False
    mark: str = ""
    since: str = ""

    def case(self, conditions: tuple[Condition, ...]) -> Piece:
        """Give what is said where these hold."""
        return self.cases.setdefault(conditions, Piece()) if conditions else self


_STEP = late_pattern(r"(\*|[\w:.-]+?)([!*+]?)(?:~([A-Z0-9_]+))?((?:\[[^\]]*\])*)")
_CONDITION = late_pattern(r"\[(!?)(@?)([\w:.-]+)(\??)(?:=([^\]]*))?\]")
_ATTRIBUTE = late_pattern(r"@(\*|[\w.-]+?)(!?)(?:~([A-Z0-9_]+))?(?::(.*))?")


@functools.cache
def pieces() -> dict[str, Piece]:
    """Read the file: what is said of ``domain``, and under other names."""
    outside = Piece()
    known = {"": outside}
    for line in _text().splitlines():
        if line and line[0] != "#":
            path, *words = line.split()
            for one in _expanded(path.removeprefix("/")):
                piece = _at(known, one)
                for word in words:
                    _say(piece, word)
    return outside.children


def _text() -> str:
    return package_text(PACKAGE, "vocabulary.txt")


def _expanded(path: str) -> Iterator[str]:
    """Give every path that one with braces stands for."""
    before, brace, rest = path.partition("{")
    if not brace:
        yield path
        return
    inside, _, after = rest.partition("}")
    for name in inside.split(","):
        yield from _expanded(before + name + after)


def _at(known: dict[str, Piece], path: str) -> Piece:
    """Give the piece at a path, made where it is new; `known` has those that were asked for."""
    piece = known.get(path)
    if piece is None:
        above, _, step = path.rpartition("/")
        piece = known[path] = _below(_at(known, above), step)
    return piece


def _below(piece: Piece, step: str) -> Piece:
    found = _STEP.fullmatch(step)
    if found is None:
        raise ValueError(f"vocabulary.txt: {step!r}")
    name, mark, since, conditions = found.groups()
    piece = piece.children.setdefault(name, Piece())
    piece.mark = mark or piece.mark
    piece.since = since or piece.since
    return piece.case(_conditions(conditions)) if conditions else piece


@functools.cache
def _conditions(text: str) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            name,
            attribute=bool(at),
            negated=bool(negated),
            values=frozenset(values.split("|")) if values else None,
            absent=bool(absent),
        )
        for negated, at, name, absent, values in _CONDITION.findall(text)
    )


def _say(piece: Piece, word: str) -> None:
    sign, rest = word[0], word[1:]
    if sign == "@":
        found = _ATTRIBUTE.fullmatch(word)
        if found is None:
            raise ValueError(f"vocabulary.txt: {word!r}")
        name, required, since, words = found.groups()
        said = Attribute(bool(required), since or "", words or "")
        piece.attributes.setdefault(name, []).append(said)
    elif sign == ":":
        piece.text.append(rest)
    elif sign == "+":
        piece.others.append(rest)
    elif word.startswith("order:"):
        piece.order = tuple(
            tuple(names.split("|")) for names in word.removeprefix("order:").split(",")
        )
    elif word == "some":
        piece.some = True
    else:
        raise ValueError(f"vocabulary.txt: {word!r}")


@functools.cache
def vocabulary() -> SchemaPlace:
    """Give the place of ``<domain>``, with all below it."""
    return listed_places(fingerprint()) or made_vocabulary()


def fingerprint() -> str:
    """Give a checksum of all that names of places follow from: the file, and the table's parts."""
    declared = (text for kind in parts() for text in (kind.path or "", *_named_in(kind)))
    checksum = zlib.crc32("\n".join((_text(), *declared)).encode())
    return f"{checksum:08x}"


def made_vocabulary() -> SchemaPlace:
    """Work out the place of ``<domain>``, without the list that was made beforehand."""
    domain = _place(frozenset({pieces()["domain"]}), {})
    for kind in parts():
        _declare(domain, kind)
    return domain


def _place(said: frozenset[Piece], known: dict[frozenset[Piece], SchemaPlace]) -> SchemaPlace:
    """Give the names that any of these have, in whatever case; a place may hold itself."""
    found = known.get(said)
    if found is not None:
        return found
    place = known[said] = SchemaPlace()
    inside: dict[str, set[Piece]] = {}
    for piece in _in_all_cases(said):
        place.attributes.update(piece.attributes)
        for name, child in piece.children.items():
            if ":" not in name:
                inside.setdefault(name, set()).add(child)
    for name, children in inside.items():
        place.children[name] = _place(frozenset(children), known)
    return place


def _in_all_cases(said: Iterable[Piece]) -> Iterator[Piece]:
    for piece in said:
        yield piece
        yield from _in_all_cases(piece.cases.values())
        yield from _in_all_cases(pieces()[name] for name in piece.others)


def _place_at(place: SchemaPlace, path: str) -> SchemaPlace:
    for name in path.strip("/").split("/"):
        if name:
            place = place.child(name)
    return place


def _declare(domain: SchemaPlace, kind: type[Part]) -> None:
    """Add what a part declares; paths that are more than names say nothing about names."""
    path = kind.path or ""
    for inner in _named_in(kind):
        steps, _, attribute = inner.rpartition("@") if "@" in inner else (inner, "", "")
        full = f"{path}/{steps}"
        if any(sign in full for sign in "*[.("):
            continue
        place = _place_at(domain, full)
        if attribute:
            place.attributes.add(attribute)


def _named_in(kind: type[Part]) -> list[str]:
    """Give the paths of all that a part declares or knows."""
    knows = [known for base in kind.__mro__ for known in vars(base).get("knows", ())]
    return [*[declared.path for declared in kind.fields()], *knows]


def nearest(place: SchemaPlace, attribute: str, tag: str) -> tuple[str, ...]:
    """Give the names that are nearest to one that is not known: an attribute, or an element."""
    if attribute:
        return _near(attribute, place.attributes)
    return _near(tag, set(place.children))


def _near(name: str, names: set[str]) -> tuple[str, ...]:
    return tuple(close_matches(name[:100], sorted(names), n=2, cutoff=0.7))
