"""What libvirt's schema refuses in a domain beyond unknown names, where that is asked for.

``virsh define --validate`` compares a domain with the schema before it is read. The schema is more
particular than libvirt is: about names that belong to another kind of device, elements that it
wants to be there, and the forms of names and paths. All that stands in
``elements/schema/vocabulary.txt``; this module looks whether a domain is so.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from domcaps.elements.schema.datatypes import form_of
from domcaps.elements.schema.together import EVENTS, RESOURCES, SIDE_BY_SIDE
from domcaps.language.change import named
from domcaps.language.changes.schema import SCHEMA_SIGNS
from domcaps.language.finding import quoted
from domcaps.language.rule import problem
from domcaps.named_tuples import NamedTuple
from domcaps.validate.document.shape_ids import names_of
from domcaps.validate.document.walk import domain_position
from domcaps.validate.schema.vocabulary import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.dialect import Dialect
    from domcaps.language.rule import Problem
    from domcaps.language.value_types import ValueType
    from domcaps.validate.document.walk import SchemaPosition
    from domcaps.validate.schema.vocabulary import Attribute, Piece

SPACES = {
    f"http://libvirt.org/schemas/domain/{name}/1.0": name
    for name in ("bhyve", "lxc", "qemu", "vmware", "xen")
}
"""Namespaces that stand for a prefix in the vocabulary."""

_ANY = "*"
_TABLE = "..."
_MANY = frozenset({"*", "+"})
_NEEDED = frozenset({"!", "+"})


class Refusal(NamedTuple):
    """What is refused, under which code."""

    code: str
    problem: Problem


class Allowed(NamedTuple):
    """What may be at an element of which certain things are said, in one release of libvirt.

    `attributes` have the forms that each must have, all of them; those in `extended` may be what
    the table's fields say, or one of more words, but not of those with ``^``. `inside` has what is
    said of the elements inside. Of both, those in `required` and `needed` is required. Elements
    that are not in `many` stand there once.
    """

    attributes: dict[str, tuple[ValueType[Any], ...]]
    extended: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    text: tuple[ValueType[Any], ...]
    inside: dict[str, tuple[Piece, ...]]
    many: frozenset[str]
    needed: tuple[str, ...]
    some: bool
    places: dict[str, int]


def refusals(root: Node, dialect: Dialect) -> Iterator[Refusal]:
    """Give all that the schema of a release refuses, but for names that it never has."""
    yield from _element(root, (pieces()["domain"],), domain_position(), dialect)
    yield from _not_side_by_side(root)
    yield from _resources_after_events(root)


def _not_side_by_side(root: Node) -> Iterator[Refusal]:
    for path, names in SIDE_BY_SIDE:
        for node in root.iterfind(path):
            places = [place for place, child in enumerate(node) if child.tag in names]
            if places and places[-1] - places[0] >= len(places):
                child = node[places[-1]]
                near = node[places[-2]]
                text = f"{_tag(child)} must be next to {_tag(near)}; move it there"
                yield _refusal("order", text, child)


def _resources_after_events(root: Node) -> Iterator[Refusal]:
    kinds = [(child, child.tag in RESOURCES, child.tag in EVENTS) for child in root]
    event = next((place for place, (_, _, is_event) in enumerate(kinds) if is_event), None)
    if event is None or not any(is_resource for _, is_resource, _ in kinds[:event]):
        return
    late = next((child for child, is_resource, _ in kinds[event:] if is_resource), None)
    if late is not None:
        text = f"{_tag(late)} must come before <{kinds[event][0].tag}>; move it"
        yield _refusal("order", text, late)


def _element(
    node: Node, said: tuple[Piece, ...], position: SchemaPosition | None, dialect: Dialect
) -> Iterator[Refusal]:
    """Compare an element with what is said of its place, and all inside it."""
    allowed = _allowed(tuple(piece for one in said for piece in _that_hold(one, node)), dialect)
    yield from _attributes(node, allowed, position)
    yield from _text(node, allowed)
    yield from _inside(node, allowed, position)
    for child in node:
        name = _name(child)
        stated = allowed.inside.get(name) or allowed.inside.get(_ANY)
        if stated is not None:
            yield from _element(child, stated, _enter(position, child), dialect)


def _attributes(node: Node, allowed: Allowed, position: SchemaPosition | None) -> Iterator[Refusal]:
    for name in names_of(node):
        forms = allowed.attributes.get(name)
        if forms is None:
            # names that are not known at all are told of elsewhere
            known = position is not None and name in position.values
            if (known or name[0] == "{") and _ANY not in allowed.attributes:
                text = f"attribute {quoted(name)} is not valid for this {_tag(node)}; remove it"
                yield _refusal("attribute", text, node, f"@{name}")
            continue
        text = node.get(name, "")
        if not forms or name in allowed.extended:
            forms = (*forms, *_few(position, name, allowed.extended.get(name, ())))
        wrong = _wrong(forms, text)
        if wrong is not None:
            text = f"attribute {name!r} of {_tag(node)} is {quoted(text)}, but must be {wrong}"
            yield _refusal("value", text, node, f"@{name}")
    for name in allowed.required:
        if node.get(name) is None:
            yield _refusal("missing", f"{_tag(node)} needs the attribute {name!r}; add it", node)


def _text(node: Node, allowed: Allowed) -> Iterator[Refusal]:
    text = (node.text or "") + "".join(child.tail or "" for child in node)
    wrong = _wrong(allowed.text, text)
    if wrong is not None:
        empty = "" if text else f"; write one, or remove the empty {_tag(node)}"
        yield _refusal("value", f"{_tag(node)} is {quoted(text)}, but must be {wrong}{empty}", node)
    elif not allowed.text and text and not text.isspace():
        yield _refusal("text", f"{_tag(node)} must not contain text; remove it", node)


def _inside(node: Node, allowed: Allowed, position: SchemaPosition | None) -> Iterator[Refusal]:
    """Compare the names of the elements inside, their number and order."""
    counts: dict[str, int] = {}
    latest = ""
    for child in node:
        name = _name(child)
        if name not in allowed.inside and _ANY not in allowed.inside:
            below = _enter(position, child)
            if name[0] == "{" or ":" in name or (below is not None and below.place is not None):
                text = f"{_tag(child)} is not valid in this {_tag(node)}; remove it"
                yield _refusal("element", text, child)
            continue
        counts[name] = counts.get(name, 0) + 1
        if counts[name] == 2 and name not in allowed.many and name in allowed.inside:
            yield _refusal("repeated", f"{_tag(child)} is repeated; keep one", child)
        if name in allowed.places:
            if latest and allowed.places[name] < allowed.places[latest]:
                yield _refusal(
                    "order", f"{_tag(child)} must come before <{latest}>; move it", child
                )
            else:
                latest = name
    for name in allowed.needed:
        if name not in counts:
            yield _refusal("missing", f"{_tag(node)} needs a <{name}>; add it", node)
    if allowed.some and not counts:
        yield _refusal("missing", f"{_tag(node)} must not be empty", node)


def _that_hold(piece: Piece, node: Node) -> Iterator[Piece]:
    """Give what is said of an element: always, where conditions hold, and under other names."""
    yield piece
    for name in piece.others:
        yield from _that_hold(pieces()[name], node)
    for conditions, case in piece.cases.items():
        if all(condition.holds(node) for condition in conditions):
            yield from _that_hold(case, node)


@functools.lru_cache(maxsize=4096)
def _allowed(said: tuple[Piece, ...], dialect: Dialect) -> Allowed:
    """Put together what is said of an element."""
    stated: dict[str, list[Attribute]] = {}
    inside: dict[str, list[Piece]] = {}
    for piece in said:
        for name, attributes in piece.attributes.items():
            spoken = [one for one in attributes if _has(dialect, one.since)]
            if spoken:
                stated.setdefault(name, []).extend(spoken)
        for name, child in piece.children.items():
            if _has(dialect, child.since):
                inside.setdefault(name, []).append(child)
    places = {
        name: place for piece in said for place, names in enumerate(piece.order) for name in names
    }
    return Allowed(
        {
            name: tuple(
                form_of(_words(one.words, dialect), signs=dialect.has(SCHEMA_SIGNS))
                for one in attributes
                if one.words and not one.words.startswith(_TABLE)
            )
            for name, attributes in stated.items()
        },
        {
            name: _words(one.words, dialect)[1:]
            for name, attributes in stated.items()
            for one in attributes
            if one.words.startswith(_TABLE)
        },
        tuple(
            name for name, attributes in stated.items() if any(one.required for one in attributes)
        ),
        tuple(
            form_of(_words(words, dialect), signs=dialect.has(SCHEMA_SIGNS))
            for piece in said
            for words in piece.text
        ),
        {name: tuple(children) for name, children in inside.items()},
        frozenset(name for name, children in inside.items() if _marked(children, _MANY)),
        tuple(name for name, children in inside.items() if _marked(children, _NEEDED)),
        any(piece.some for piece in said),
        places,
    )


def _marked(said: list[Piece], marks: frozenset[str]) -> bool:
    return any(piece.mark in marks for piece in said)


def _has(dialect: Dialect, since: str) -> bool:
    return not since or dialect.has(named(since))


def _words(words: str, dialect: Dialect) -> tuple[str, ...]:
    split = (word.partition("~") for word in words.split("|"))
    return tuple(word for word, _, since in split if _has(dialect, since))


def _few(
    position: SchemaPosition | None, name: str, more: tuple[str, ...]
) -> tuple[ValueType[Any], ...]:
    """Give the values of an attribute that has a few, by the table's fields and `more`."""
    values = None if position is None else position.values.get(name)
    if not values and not more:
        return ()
    words = {*(values or ()), *more} - {""}
    return (form_of(tuple(sorted(w for w in words if w[0] != "^" and f"^{w}" not in words))),)


def _wrong(forms: tuple[ValueType[Any], ...], text: str) -> str | None:
    """Tell what a text should be; None where it is."""
    for form in forms:
        try:
            form.parse(text)
        except ValueError:
            return form.expected
    return None


def _enter(position: SchemaPosition | None, child: Node) -> SchemaPosition | None:
    return None if position is None else position.enter(str(child.tag))


def _refusal(kind: str, text: str, node: Node, at: str = "") -> Refusal:
    return Refusal(f"schema-{kind}", problem(f"{text} (required by libvirt's schema)", node, at))


def _name(node: Node) -> str:
    """Give the name of an element as the vocabulary writes it."""
    tag = str(node.tag)
    if tag[0] != "{":
        return tag
    space, _, name = tag[1:].partition("}")
    return f"{SPACES[space]}:{name}" if space in SPACES else tag


def _tag(node: Node) -> str:
    return f"<{_name(node).rpartition('}')[2][:60]}>"
