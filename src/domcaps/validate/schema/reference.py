"""What libvirt's schema lets stand where, as a document: ``docs/schema.md``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.schema.datatypes import FORMS
from domcaps.language.change import named
from domcaps.named_tuples import NamedTuple
from domcaps.validate.schema.vocabulary import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.validate.schema.vocabulary import Attribute, Condition, Piece

_ABOUT = """\
# Schema of domain XML

This page lists what libvirt's schema allows in domain XML. Use it to look up where an element or
attribute may stand, and which form its value must have.

libvirt compares a domain with its schema only for `virsh define --validate`; `domcaps validate
--schema` makes the same check. Elements of other hypervisors, such as `bhyve:commandline`, are part
of the schema, too.

## How to read the tables

| element | how often | attributes | text | also |
|---|---|---|---|---|
| `vcpu` | 0 or 1 | placement, cpuset: `CPUSET` | `COUNT` | |
| `perf/event` | 1 or more | **name**, **enabled** | | |

The first row means: `<vcpu>` may be omitted. It may have the attributes `placement` and `cpuset`;
the value of `cpuset` has the form `CPUSET`, the text of `<vcpu>` the form `COUNT`.
The second row means: `<perf>` must have at least one `<event>`, with the attributes `name` and
`enabled`.

- **Bold** attributes are required.
- `CAPITALS` are forms of values, explained [at the end](#forms). `yes` or `no` are values.
- An attribute without a form may have any text that libvirt accepts; [All features of the
  report](table.md) has the values of many.
- "known values" are those in All features of the report; "not `default`" means all of them but
  `default`.
- "if type is x" limits a row to elements with that attribute, or that element inside.
- "(itself)" is the element, or the group, that the table is about.
- The column *also* names groups: what [the group](#groups) has may stand in this element, too.
  "in this order: a, b" means that these child elements must stand in this order.
- "(since 12.1)" names the first release of libvirt, "(since about 12.1)" an estimate.
"""
_NUMBERS = {"": "0 or 1", "*": "any", "+": "1 or more", "!": "1"}
_HEAD = ("| element | how often | attributes | text | also |", "|---|---|---|---|---|")


class _Section(NamedTuple):
    """A table of its own: an element with all that is below it."""

    title: str
    name: str
    piece: Piece
    skip: frozenset[str] = frozenset()


def to_markdown() -> str:
    """Give the document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    groups = dict(pieces())
    domain = groups.pop("domain")
    devices = domain.children["devices"]
    parts = {name: child for name, child in domain.children.items() if _is_large(child)}
    yield _ABOUT
    yield from ("## Index", "", "| part | sections |", "|---|---|")
    yield f"| domain | {_links(['domain', *(f'domain/{name}' for name in parts)])} |"
    yield f"| devices | {_links([f'devices/{name}' for name in devices.children])} |"
    yield f"| groups | {_links([f'group {name}' for name in groups])} |"
    yield "| values | [forms](#forms) |"
    yield from ("", "## Domain", "")
    skip = frozenset({*parts, "devices"})
    yield from _table(_Section("domain", "", domain, skip))
    for name, child in parts.items():
        yield from _table(_Section(f"domain/{name}", name, child))
    yield from ("## Devices", "")
    for name, child in devices.children.items():
        yield from _table(_Section(f"devices/{name}", name, child))
    yield from ("## Groups", "", "Attributes and elements that several elements have.", "")
    for name, piece in groups.items():
        yield from _table(_Section(f"group {name}", "", piece))
    yield from ("## Forms", "", "| form | meaning |", "|---|---|")
    for name, form in FORMS.items():
        yield f"| `{name}` | {form.expected} |"


def _is_large(piece: Piece) -> bool:
    """Whether an element of the domain has a section of its own."""
    return (bool(piece.cases) or len(piece.children) > _FEW) and "disk" not in piece.children


_FEW = 3


def _links(titles: list[str]) -> str:
    return ", ".join(
        f"[{title.rpartition('/')[2].removeprefix('group ')}](#{_anchor(title)})"
        for title in titles
    )


def _anchor(title: str) -> str:
    """Give the anchor that the website makes of a heading."""
    return re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")


def _table(section: _Section) -> Iterator[str]:
    yield from (f"### `{section.title}`", "", *_HEAD)
    yield from _rows(section.name, section.piece, "", section.skip)
    yield ""


def _rows(
    path: str, piece: Piece, where: str, skip: frozenset[str] = frozenset(), *, case: bool = False
) -> Iterator[str]:
    """Give a row for a piece, and for all below it but the children in `skip`.

    A `case` is what is said of an element in some cases only; the element has its own row above.
    """
    attributes = ", ".join(
        _attribute(name, one) for name, stated in piece.attributes.items() for one in stated
    )
    text = ", ".join(map(_words, piece.text))
    also = [f"[{name}](#{_anchor(f'group {name}')})" for name in piece.others]
    also += ["at least one of its elements"] if piece.some else []
    also += [f"in this order: {', '.join(map(' or '.join, piece.order))}"] if piece.order else []
    shown = f"`{path}`" if path else "(itself)"
    since = f" ({_since(piece.since)})" if piece.since else ""
    often = "" if case or not path else _NUMBERS[piece.mark]
    if not case or attributes or text or also:
        yield f"| {shown}{since}{where} | {often} | {attributes} | {text} | {', '.join(also)} |"
    for name, child in piece.children.items():
        if name not in skip:
            yield from _rows(f"{path}/{name}".lstrip("/"), child, where)
    for conditions, one in piece.cases.items():
        said = " and ".join(map(_spoken, conditions))
        yield from _rows(path, one, f"{where} and {said}" if where else f", if {said}", case=True)


def _attribute(name: str, stated: Attribute) -> str:
    shown = f"**{name}**" if stated.required else name
    shown += f" ({_since(stated.since)})" if stated.since else ""
    return f"{shown}: {_words(stated.words)}" if stated.words else shown


def _since(name: str) -> str:
    change = named(name)
    about = "" if change.certain else "about "
    return f"since {about}{change.since}"


def _words(words: str) -> str:
    shown = []
    for word in words.split("|"):
        name, _, since = word.partition("~")
        value = "known values" if name == "..." else f"`{name.removeprefix('^')}`"
        value = f"not {value}" if name.startswith("^") else value
        shown.append(f"{value} ({_since(since)})" if since else value)
    return " or ".join(shown).replace(" or not ", ", but not ")


def _spoken(condition: Condition) -> str:
    if condition.values is None:
        return f"{'there is no' if condition.negated else 'there is'} {condition.name}"
    values = " or ".join(sorted(condition.values))
    text = f"{condition.name} {'is not' if condition.negated else 'is'} {values}"
    return f"{text} or absent" if condition.absent else text
