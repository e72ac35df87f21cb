"""The table as a document: every choice, when it holds, and which libvirt lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements import table
from domcaps.language import Element, Enum

if TYPE_CHECKING:
    from domcaps.language.change import LibvirtChange


def to_markdown() -> str:
    """Write the whole table."""
    lines = [
        "# The table",
        "",
        "Everything that a report can say, and when it holds. Generated from the table by",
        "`python tools/generate_docs.py`.",
    ]
    for element in table():
        lines += ["", *_section(element)]
    return "\n".join(lines) + "\n"


def element_to_markdown(element: Element) -> str:
    """Write one element of the table, as it stands in the whole."""
    return "\n".join(_section(element)) + "\n"


def _section(element: Element) -> list[str]:
    title = f"## {element.place.value}: `{element.name}`{_range(element)}"
    return [title, "", *_element(element, "")]


def _range(thing: Element | Enum) -> str:
    return f" ({_releases(thing.since, thing.until)})" if thing.since or thing.until else ""


def _releases(since: LibvirtChange | None, until: LibvirtChange | None) -> str:
    parts = [f"since {since.since}" if since else "", f"until {until.since}" if until else ""]
    return ", ".join(part for part in parts if part)


def _element(element: Element, prefix: str) -> list[str]:
    lines = []
    if element.supported is not None:
        lines += [f"Supported when {element.supported.describe()}.", ""]
    for part in element.content:
        if isinstance(part, Enum):
            lines += _enum(part)
        elif isinstance(part, Element):
            lines += [f"### `{prefix}{element.name}.{part.name}`{_range(part)}", ""]
            lines += _element(part, f"{prefix}{element.name}.")
    return lines


def _enum(enum: Enum) -> list[str]:
    where = f", written as `{enum.attribute}`" if enum.attribute else ""
    lines = [f"**{enum.name}**{_range(enum)}{where}", ""]
    if enum.choices:
        lines += ["| value | when | libvirt |", "|---|---|---|"]
        lines += [
            f"| `{c.name}` | {c.when.describe().replace('|', '/')} | "
            f"{_releases(c.since, c.until)} |"
            for c in enum.choices
        ]
    return [*lines, ""]
