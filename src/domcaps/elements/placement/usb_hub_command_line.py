"""QEMU arguments for ``<hub>``: before what sits on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line


def write_hub(line: Line, node: Node, number: int) -> None:
    """Write a hub, before what sits on it."""
    line.reading.get(node, "type", {"usb"})
    told = options("usb-hub", id=f"hub{number}", **line.usb_place(node))
    line.device(Turn.ATTACHED, told, order=-1)
