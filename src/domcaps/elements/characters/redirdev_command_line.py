"""QEMU arguments for ``<redirdev>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.characters.ports_command_line import backend
from domcaps.language.command_line import Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def write_redirected(line: Line, node: Node, number: int) -> None:
    """Write a device that a client redirects, on USB."""
    reading, name = line.reading, f"redir{number}"
    reading.get(node, "bus", {"usb"})
    before = backend(line, node, f"char{name}", "usbredir")
    told = options("usb-redir", chardev=f"char{name}", id=name, **line.usb_place(node),
                   bootindex=line.boot_index(node, "usb"))  # fmt: skip
    line.device(Turn.ATTACHED, told, *before)
