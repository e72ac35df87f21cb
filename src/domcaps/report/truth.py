"""A report without what was shown not to be so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.language import Row
from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer

if TYPE_CHECKING:
    from collections.abc import Collection

    from domcaps.report.document import Document

Part = EnumAnswer | ValuesAnswer | Row | Section


def leave_out(document: Document, paths: Collection[str]) -> Document:
    """Leave out statements, named as `domcaps.report.flat` names them.

    Values are no longer listed, elements that only said yes say no, limits are not spoken of.
    Nothing else changes.
    """
    return msgspec.structs.replace(
        document,
        top=_kept(document.top, paths),
        devices=_kept(document.devices, paths),
        features=_kept(document.features, paths),
    )


def _kept(sections: tuple[Section, ...], paths: Collection[str]) -> tuple[Section, ...]:
    found = (_section(section, "", paths) for section in sections)
    return tuple(section for section in found if section is not None)


def _section(section: Section, prefix: str, paths: Collection[str]) -> Section | None:
    path = f"{prefix}{section.name}"
    if path in paths:
        return msgspec.structs.replace(section, supported=False, parts=())
    own = section.tag == section.name
    attributes = tuple(
        (name, value)
        for name, value in section.attributes
        if not own or f"{path} {name}" not in paths
    )
    if section.attributes and not attributes:
        # it said nothing else
        return None
    parts = (_part(part, path, paths) for part in section.parts)
    return msgspec.structs.replace(
        section, attributes=attributes, parts=tuple(part for part in parts if part is not None)
    )


def _part(part: Part, path: str, paths: Collection[str]) -> Part | None:
    if isinstance(part, Section):
        return _section(part, f"{path}.", paths)
    if isinstance(part, EnumAnswer):
        values = tuple(v for v in part.values if f"{path}.{part.name}={v}" not in paths)
        return EnumAnswer(part.name, values)
    if isinstance(part, ValuesAnswer):
        return ValuesAnswer(part.name, tuple(v for v in part.values if f"{path}: {v}" not in paths))
    return None if f"{path} {part.name} {_identity(part)}" in paths else part


def _identity(row: Row) -> str:
    named = dict(row.attributes)
    return named.get("name") or named.get("model") or named.get("node") or row.text
