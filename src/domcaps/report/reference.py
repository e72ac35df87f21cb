"""The table as a document: every choice, when it holds, and which libvirt lists it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements import table
from domcaps.language import Element, Enum
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from domcaps.language import Predicate
    from domcaps.language.change import LibvirtChange


def to_markdown() -> str:
    """Write the whole table."""
    lines = [
        "# All features of the report",
        "",
        "This page lists every element and value that `<domainCapabilities>` can contain, and the",
        "condition under which it is listed. Use it to look up how a feature is called in",
        "`domcaps explain`, in `--set` of `domcaps new`, and in programs.",
        "",
        "| | example | in domain XML |",
        "|---|---|---|",
        "| element | `video` | `<video>` in `<devices>` |",
        "| enum | `video.modelType` | `<model type='…'>` of `<video>` |",
        "| value | `video.modelType=vga` | `<model type='vga'/>` |",
        "",
        "To see what *your* host lists, and why, ask [`domcaps explain`](explaining.md):",
        "",
        "```console",
        "$ domcaps explain --host shipped:debian13-x86_64 video.modelType",
        "```",
        "",
        "- *QEMU has the type …* means: QEMU lists it in the answer to `qom-list-types`.",
        "- Of long lists of types only the first ones are named; `domcaps explain` names all.",
        "- *libvirt* names the releases of libvirt that have the value; empty means all.",
        "- A value may have several rows, each for some releases of libvirt.",
        "",
        "## Index",
        "",
        ", ".join(
            f"[`{one.name}`](#{_anchor(one)})" for one in {e.name: e for e in table()}.values()
        ),
    ]
    for element in table():
        lines += ["", *_section(element)]
    return "\n".join(lines) + "\n"


def element_to_markdown(element: Element) -> str:
    """Write one element of the table, without a heading."""
    return "\n".join([_place(element), "", *_element(element, "")]) + "\n"


def _anchor(element: Element) -> str:
    """Give the anchor that the website makes of the heading of an element."""
    words = re.sub(r"[^\w\s-]", "", f"{element.name}{_range(element)}").lower()
    return re.sub(r"\s+", "-", words)


def _section(element: Element) -> list[str]:
    title = f"## `{element.name}`{_range(element)}"
    return [title, "", _place(element), "", *_element(element, "")]


def _place(element: Element) -> str:
    place = element.place.value
    return f"In `<{'domainCapabilities' if place == 'top' else place}>`."


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
            lines += _enum(part, f"{prefix}{element.name}.{part.name}")
        elif isinstance(part, Element):
            lines += [f"### `{prefix}{element.name}.{part.name}`{_range(part)}", ""]
            lines += _element(part, f"{prefix}{element.name}.")
    if not any(isinstance(part, Enum | Element) for part in element.content):
        lines += [f"No enums. `domcaps explain {prefix}{element.name}` shows it for a host.", ""]
    return lines


def _enum(enum: Enum, path: str) -> list[str]:
    where = f"; in domain XML: `{enum.attribute}`" if enum.attribute else ""
    lines = [f"Enum `{path}`{_range(enum)}{where}", ""]
    if enum.choices:
        lines += ["| value | listed if | libvirt |", "|---|---|---|"]
        rows: dict[tuple[str, str], list[str]] = {}
        for one in enum.choices:
            when = _condition(one.when) if one.listed else _UNLISTED
            row = when, _releases(one.since, one.until)
            rows.setdefault(row, []).append(f"`{one.name}`" if one.name else "(empty)")
        lines += [
            f"| {', '.join(names)} | {when} | {dates} |" for (when, dates), names in rows.items()
        ]
    return [*lines, ""]


_ALWAYS = "always"
_UNLISTED = "never: the value is valid in domain XML only"
_SHOWN = 4
"""So many types are named of which one is enough; `domcaps explain` names all."""
_OR_TYPES = late_pattern(r"QEMU has the type '[^']+'(?: or QEMU has the type '[^']+')+")


def _condition(when: Predicate) -> str:
    """Describe a condition, with types of which one is enough in one list."""
    text = when.describe().replace("|", "/")
    if text == "always supported":
        return _ALWAYS
    return _OR_TYPES.sub(_one_of_types, text)


def _one_of_types(found: re.Match[str]) -> str:
    types = re.findall("'[^']+'", found[0])
    more = f" … ({len(types)} in all)" if len(types) > _SHOWN else ""
    return f"QEMU has one of the types {', '.join(types[:_SHOWN])}{more}"
