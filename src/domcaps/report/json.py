"""Writing a report as JSON: the same parts as the XML, by name instead of by order.

::

    {"version": 1, "path": …, "domain": "kvm", "machine": …, "arch": …, "libvirt": "12.8",
     "devices": {"video": {"supported": true, "enums": {"modelType": ["vga", …]}}, …}, …}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.language import Row
from domcaps.report.answer import EnumAnswer, Section

if TYPE_CHECKING:
    from domcaps.report.document import Document


def to_json(document: Document, snapshot: str) -> str:
    """Write the document and the name of the answer, indented, with a line feed at its end."""
    content: dict[str, Any] = {
        "version": 1,
        "path": document.path,
        "domain": document.domain,
        "machine": document.machine,
        "arch": document.arch,
        "libvirt": document.libvirt,
    }
    content |= _sections(document.top)
    content["devices"] = _sections(document.devices)
    content["features"] = _sections(document.features)
    content["unknown"] = list(document.unknown)
    content["snapshot"] = snapshot
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _sections(sections: tuple[Section, ...]) -> dict[str, Any]:
    return {section.name: _section(section) for section in sections}


def _section(section: Section) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if section.supported is not None:
        content["supported"] = section.supported
    content |= {name: value for name, value in section.attributes if section.tag == section.name}
    enums: dict[str, list[str]] = {}
    rows: list[dict[str, Any]] = []
    for part in section.parts:
        if isinstance(part, Section):
            content[part.name] = _section(part)
        elif isinstance(part, Row):
            rows.append(_row(part))
        elif isinstance(part, EnumAnswer):
            enums[part.name] = list(part.values)
        else:
            content[part.name] = list(part.values)
    if enums:
        content["enums"] = enums
    if rows:
        content["content"] = rows
    return content


def _row(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {"name": row.name, **dict(row.attributes)}
    if row.text:
        content["value" if "value" not in content else "text"] = row.text
    if row.rows:
        content["content"] = [_row(child) for child in row.rows]
    return content
