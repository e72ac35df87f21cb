"""QEMU arguments for ``<redirdev>``, with what ``<redirfilter>`` lets pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.characters.backend_command_line import backend
from domcaps.language.command_line import YES_NO, Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_ANY = "-1"


def write_redirected(line: Line, devices: Node) -> None:
    """Write the devices that a client redirects, on USB."""
    reading = line.reading
    filters = filter_words(line, devices)
    for number, node in enumerate(reading.children(devices, "redirdev")):
        name = line.name(node, f"redir{number}")
        reading.get(node, "bus", {"usb"})
        protocol = reading.child(node, "protocol")
        if protocol is not None:
            reading.get(protocol, "type", {"raw"})
        before = backend(line, node, f"char{name}", "usbredir")
        told = options("usb-redir", chardev=f"char{name}", id=name, filter=filters,
                       **line.boot(node, "usb"), **line.usb_place(node))  # fmt: skip
        line.device(Turn.ATTACHED, told, *before)


def filter_words(line: Line, devices: Node) -> str | None:
    """Give the rules by which devices pass, None where all do."""
    reading, rules = line.reading, []
    holder = reading.child(devices, "redirfilter")
    if holder is None:
        return None
    for node in reading.children(holder, "usbdev"):
        parts = [reading.get(node, name) or _ANY for name in ("class", "vendor", "product")]
        version = reading.get(node, "version")
        allow = reading.get(node, "allow", YES_NO)
        shown = _ANY if version in {None, _ANY} else _version(node, version or "")
        rules.append(":".join((*parts, shown, "1" if allow == "yes" else "0")))
    return "|".join(rules)


def _version(node: Node, text: str) -> str:
    """Write a version such as 1.10 as the number that a device has for it."""
    major, _, minor = text.partition(".")
    if not (major + minor).isdecimal():
        raise untold(node, "version", f"the value {text!r}")
    return f"{(int(major, 16) << 8) | int(minor or '0', 16):#06x}"
