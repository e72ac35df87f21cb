"""What several hosts can all do, as one report.

A value is there where every report has it, an element is supported where every report says so, and
a figure such as the number of virtual CPUs is the smallest of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import RequestError
from domcaps.language import Row
from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.report.document import Document

Part = EnumAnswer | ValuesAnswer | Row | Section

# attributes that tell rows of one name apart, and those whose smallest value all can keep
_IDENTITIES = ("name", "model", "node")
_YES_NO = {"yes", "no"}


def baseline(documents: Sequence[Document]) -> Document:
    """Give the report of what all reports have; raises `RequestError` where that makes no sense.

    Emulator and machine type are those of the first.
    """
    if not documents:
        raise RequestError("a baseline needs a host")
    first = documents[0]
    for what in ("arch", "libvirt", "domain"):
        found = dict.fromkeys(str(getattr(document, what)) for document in documents)
        if len(found) > 1:
            name = "virtualization type" if what == "domain" else what
            raise RequestError(
                f"there is no baseline of several: {' and '.join(found)}",
                where=name,
                remedy="name one for all of them",
            )
    return msgspec.structs.replace(
        first,
        top=_sections([document.top for document in documents]),
        devices=_sections([document.devices for document in documents]),
        features=_sections([document.features for document in documents]),
        unknown=tuple(sorted({text for document in documents for text in document.unknown})),
    )


def _sections(sides: Sequence[tuple[Section, ...]]) -> tuple[Section, ...]:
    """Keep the elements that all have, in the order of the first."""
    others = [{section.name: section for section in side} for side in sides[1:]]
    return tuple(
        _section([section, *(other[section.name] for other in others)])
        for section in sides[0]
        if all(section.name in other for other in others)
    )


def _section(sides: Sequence[Section]) -> Section:
    first = sides[0]
    if any(side.supported is False for side in sides) or _contradict(sides):
        return msgspec.structs.replace(
            first,
            supported=False,
            parts=(),
            attributes=_shared([side.attributes for side in sides]),
        )
    return msgspec.structs.replace(
        first,
        attributes=_shared([side.attributes for side in sides]),
        parts=tuple(_parts([side.parts for side in sides])),
    )


def _contradict(sides: Sequence[Section]) -> bool:
    """Tell whether something that each names once is another thing for each, as a host's model."""
    for row in sides[0].parts:
        if not isinstance(row, Row) or not row.text or row.text.isdigit():
            continue
        same = [
            [p for p in side.parts if isinstance(p, Row) and p.name == row.name] for side in sides
        ]
        if all(len(rows) == 1 for rows in same) and len({rows[0].text for rows in same}) > 1:
            return True
    return False


def _parts(sides: Sequence[tuple[Part, ...]]) -> list[Part]:
    others = [{_identity(part): part for part in side} for side in sides[1:]]
    found: list[Part] = []
    for part in sides[0]:
        same = [other.get(_identity(part)) for other in others]
        merged = None if None in same else _part([part, *same])  # type: ignore[list-item]
        if merged is not None:
            found.append(merged)
    return found


def _identity(part: Part) -> tuple[str, ...]:
    if not isinstance(part, Row):
        return (type(part).__name__, part.name)
    names = tuple(value for name, value in part.attributes if name in _IDENTITIES)
    # rows that nothing else tells apart are told apart by their text
    return ("Row", part.name, *(names or ((part.text,) if not part.text.isdigit() else ())))


def _part(sides: Sequence[Part]) -> Part | None:
    first = sides[0]
    if isinstance(first, Section):
        return _section([side for side in sides if isinstance(side, Section)])
    if isinstance(first, Row):
        return _row([side for side in sides if isinstance(side, Row)])
    values = [side.values for side in sides if isinstance(side, EnumAnswer | ValuesAnswer)]
    shared = tuple(value for value in values[0] if all(value in other for other in values[1:]))
    return msgspec.structs.replace(first, values=shared)


def _row(sides: Sequence[Row]) -> Row:
    texts = [side.text for side in sides]
    text = texts[0]
    if len(set(texts)) > 1 and all(one.isdigit() for one in texts):
        text = min(texts, key=int)
    rows = _parts([side.rows for side in sides])
    attributes = _shared([side.attributes for side in sides])
    return Row(sides[0].name, text, attributes, tuple(row for row in rows if isinstance(row, Row)))


def _shared(sides: Sequence[tuple[tuple[str, str], ...]]) -> tuple[tuple[str, str], ...]:
    """Keep attributes that all have: of yes and no it is no, of numbers the smallest."""
    found = []
    for name, _ in sides[0]:
        values = [dict(side).get(name) for side in sides]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            continue
        if set(known) <= _YES_NO:
            found.append((name, "no" if "no" in known else "yes"))
        elif all(value.isdigit() for value in known):
            found.append((name, min(known, key=int)))
        elif len(set(known)) == 1:
            found.append((name, known[0]))
    return tuple(found)
