"""What libvirt's schema lets stand where, as a document: ``docs/schema.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.schema.datatypes import FORMS
from domcaps.language.change import named
from domcaps.validate.schema.vocabulary import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.validate.schema.vocabulary import Attribute, Condition, Piece

_ABOUT = """\
This page lists what libvirt's schema allows in domain XML, as `domcaps validate --schema` and
`virsh define --validate` check it. Use it to look up where an element or attribute may stand, and
which form its value must have.

- **bold**: required.
- `CAPITALS`: a form of values; the [last section](#forms) explains each.
- An attribute without a form may be any text, or what [All features of the report](table.md) lists.
- "shared part `X`": what the section about `X` lists may stand there, too."""
_NUMBERS = {"": "", "*": "any number", "+": "at least one", "!": "exactly one"}


def to_markdown() -> str:
    """Give the document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Schema of domain XML"
    yield ""
    yield _ABOUT
    for name, piece in pieces().items():
        yield ""
        yield f"## `{name}`" if name == "domain" else f"## Shared part `{name}`"
        yield ""
        yield "| where | attributes | text | elements |"
        yield "|---|---|---|---|"
        yield from _rows(name, piece, "")
    yield ""
    yield "## Forms"
    yield ""
    yield "| form | |"
    yield "|---|---|"
    for name, form in FORMS.items():
        yield f"| `{name}` | {form.expected} |"


def _rows(path: str, piece: Piece, where: str) -> Iterator[str]:
    """Give a row for a piece, and for all below it."""
    attributes = ", ".join(
        _attribute(name, one) for name, stated in piece.attributes.items() for one in stated
    )
    text = ", ".join(map(_words, piece.text))
    inside = [_element(name, child) for name, child in piece.children.items()]
    inside += [f"shared part [`{name}`](#shared-part-{name.lower()})" for name in piece.others]
    inside += ["at least one of them"] if piece.some else []
    inside += ["in this order: " + ", ".join(map(" or ".join, piece.order))] if piece.order else []
    if attributes or text or inside or not piece.cases:
        yield f"| `{path}`{where} | {attributes} | {text} | {', '.join(inside)} |".replace(
            "|,", ","
        )
    for name, child in piece.children.items():
        yield from _rows(f"{path}/{name}", child, where)
    for conditions, case in piece.cases.items():
        yield from _rows(path, case, f"{where}, {' and '.join(map(_spoken, conditions))}")


def _attribute(name: str, stated: Attribute) -> str:
    shown = f"**{name}**" if stated.required else name
    shown += f" ({_since(stated.since)})" if stated.since else ""
    return f"{shown}: {_words(stated.words)}" if stated.words else shown


def _element(name: str, piece: Piece) -> str:
    shown = f"**{name}**" if piece.mark in ("!", "+") else name
    notes = [note for note in (_NUMBERS[piece.mark], piece.since and _since(piece.since)) if note]
    return f"{shown} ({', '.join(notes)})" if notes else shown


def _since(name: str) -> str:
    change = named(name)
    about = "" if change.certain else "about "
    return f"since {about}{change.since}"


def _words(words: str) -> str:
    shown = []
    for word in words.split("|"):
        name, _, since = word.partition("~")
        shown.append(f"`{name}` ({_since(since)})" if since else f"`{name}`")
    return " or ".join(shown)


def _spoken(condition: Condition) -> str:
    if condition.values is None:
        return f"{'without' if condition.negated else 'with'} {condition.name}"
    values = " or ".join(sorted(condition.values))
    text = f"{condition.name} {'is not' if condition.negated else 'is'} {values}"
    return f"{text}, or is absent" if condition.absent else text
