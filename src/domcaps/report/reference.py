"""The table as a document: every choice, when it holds, and which libvirt lists it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements import table
from domcaps.language import Element, Enum

if TYPE_CHECKING:
    from domcaps.language import Predicate
    from domcaps.language.change import LibvirtChange


def to_markdown() -> str:
    """Write the whole table."""
    lines = [
        "# All features of the report",
        "",
        "Every element and value that `<domainCapabilities>` can contain, and the condition under",
        "which it is listed. Use it to look up how a feature is called, for `domcaps explain`,",
        "`--set` and programs: an element is `video`, an enum `video.modelType`, a value",
        "`video.modelType=vga`. To see what *your* host lists, and why, use",
        "[`domcaps explain`](explaining.md).",
        "",
        "*libvirt* names the releases of libvirt that have the value; empty means all.",
    ]
    for element in table():
        lines += ["", *_section(element)]
    return "\n".join(lines) + "\n"


def element_to_markdown(element: Element) -> str:
    """Write one element of the table, without a heading."""
    return "\n".join([_place(element), "", *_element(element, "")]) + "\n"


def _section(element: Element) -> list[str]:
    title = f"## `{element.name}`{_range(element)}"
    return [title, "", _place(element), "", *_element(element, "")]


def _place(element: Element) -> str:
    place = element.place.value
    return "At the top of the report." if place == "top" else f"In `<{place}>`."


def _range(thing: Element | Enum) -> str:
    return f" ({_releases(thing.since, thing.until)})" if thing.since or thing.until else ""


def _releases(since: LibvirtChange | None, until: LibvirtChange | None) -> str:
    parts = [f"since {since.since}" if since else "", f"before {until.since}" if until else ""]
    return ", ".join(part for part in parts if part)


def _element(element: Element, prefix: str) -> list[str]:
    lines = []
    if element.supported is not None:
        condition = _condition(element.supported)
        lines += [f"Supported if {condition}.", ""] if condition != _ALWAYS else []
    for part in element.content:
        if isinstance(part, Enum):
            lines += _enum(part)
        elif isinstance(part, Element):
            lines += [f"### `{prefix}{element.name}.{part.name}`{_range(part)}", ""]
            lines += _element(part, f"{prefix}{element.name}.")
    if not any(isinstance(part, Enum | Element) for part in element.content):
        lines += [f"`domcaps explain {prefix}{element.name}` shows it for a host.", ""]
    return lines


def _enum(enum: Enum) -> list[str]:
    where = f", in domain XML `{enum.attribute}`" if enum.attribute else ""
    lines = [f"**{enum.name}**{_range(enum)}{where}", ""]
    if enum.choices:
        lines += ["| value | listed if | libvirt |", "|---|---|---|"]
        lines += [
            f"| {f'`{c.name}`' if c.name else '(empty)'} | {_condition(c.when)} | "
            f"{_releases(c.since, c.until)} |"
            for c in enum.choices
        ]
    return [*lines, ""]


_ALWAYS = "always"
_OR_TYPES = re.compile(r"QEMU has the type '[^']+'(?: or QEMU has the type '[^']+')+")


def _condition(when: Predicate) -> str:
    """Describe a condition, with types of which one is enough in one list."""
    text = when.describe().replace("|", "/")
    if text == "always supported":
        return _ALWAYS
    return _OR_TYPES.sub(_one_of_types, text)


def _one_of_types(found: re.Match[str]) -> str:
    types = re.findall("'[^']+'", found[0])
    return f"QEMU has one of the types {', '.join(types)}"
