"""What ``<qemu:…>`` hands to QEMU: arguments as they are, and other values of properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import untold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line

_SPACE = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_BOOLEANS = {"true": "on", "false": "off"}

Overrides = dict[str, dict[str, str | None]]
"""Properties by the alias of their device; None takes a property away."""


def own_words(line: Line, root: Node) -> tuple[list[str], Overrides]:
    """Give the domain's own arguments, which come last, and the properties that it overrides."""
    reading, words = line.reading, []
    overrides: Overrides = {}
    for node in reading.children(root, f"{_SPACE}commandline"):
        for child in node:
            if child.tag == f"{_SPACE}arg":
                words.append(reading.get(child, "value") or "")
            elif child.tag == f"{_SPACE}env":
                name, value = reading.get(child, "name"), reading.get(child, "value")
                line.environment[name or ""] = value or ""
            reading.children(node, str(child.tag))
    for node in reading.children(root, f"{_SPACE}override"):
        for alias, name, value in _properties(line, node):
            overrides.setdefault(alias, {})[name] = value
    for tag in ("capabilities", "deprecation"):
        for node in reading.children(root, f"{_SPACE}{tag}"):
            reading.beside(node, "changes what libvirt takes QEMU for")
    return words, overrides


def _properties(line: Line, node: Node) -> Iterator[tuple[str, str, str | None]]:
    reading = line.reading
    for device in reading.children(node, f"{_SPACE}device"):
        alias = reading.get(device, "alias") or ""
        for end in reading.children(device, f"{_SPACE}frontend"):
            for one in reading.children(end, f"{_SPACE}property"):
                name = reading.get(one, "name") or ""
                kind = reading.get(one, "type", {"string", "signed", "unsigned", "bool", "remove"})
                value = reading.get(one, "value") or ""
                if "," in name or "=" in name:
                    raise untold(one, "name", f"the value {name!r}")
                shown = _BOOLEANS.get(value, value) if kind == "bool" else value
                yield alias, name, None if kind == "remove" else shown
