"""A report as a flat list of statements, so that two can be compared.

A statement has a path and a value: ``video.modelType=vga`` is ``yes``, ``vcpu max`` is ``255``,
``cpu.custom model EPYC`` is ``usable=yes vendor=AMD``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import Row
    from domcaps.report.document import Document

# attributes by which rows of the same name are told apart
_IDENTITIES = ("name", "model", "node")


def flatten(document: Document) -> dict[str, str]:
    """Give every statement of a report."""
    statements: dict[str, str] = {}
    for section in (*document.top, *document.devices, *document.features):
        statements.update(_section(section, ""))
    return statements


def flatten_section(section: Section) -> dict[str, str]:
    """Give the statements of one element that is no part of another."""
    return dict(_section(section, ""))


def _section(section: Section, prefix: str) -> Iterator[tuple[str, str]]:
    path = f"{prefix}{section.name}"
    if section.supported is not None:
        yield path, "yes" if section.supported else "no"
    if section.tag == section.name:
        for name, value in section.attributes:
            yield f"{path} {name}", value
    for part in section.parts:
        if isinstance(part, EnumAnswer):
            for value in part.values:
                yield f"{path}.{part.name}={value}", "yes"
        elif isinstance(part, ValuesAnswer):
            for value in part.values:
                yield f"{path}: {value}", "yes"
        elif isinstance(part, Section):
            yield from _section(part, f"{path}.")
        else:
            yield from _row(part, path)


def _row(row: Row, prefix: str) -> Iterator[tuple[str, str]]:
    identity = next((v for n, v in row.attributes if n in _IDENTITIES), "")
    rest = [f"{n}={v}" for n, v in row.attributes if v != identity]
    if row.text and rest and not identity:
        identity = row.text
    elif row.text:
        rest.insert(0, row.text)
    path = f"{prefix} {row.name} {identity}".rstrip()
    plain = [child for child in row.rows if not child.rows and not child.text]
    rest += [value for child in plain for _, value in child.attributes]
    yield path, " ".join(rest) or "yes"
    for child in row.rows:
        if child not in plain:
            yield from _row(child, path)
