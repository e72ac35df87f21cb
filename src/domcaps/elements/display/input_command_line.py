"""QEMU arguments for ``<input>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import input_bus
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

USB_INPUT = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd"}
"""Input devices on USB."""


def write_input(line: Line, node: Node, number: int) -> None:
    """Write an input device; a PC has a keyboard and a mouse of its own."""
    reading = line.reading
    kind = reading.get(node, "type", {"tablet", "mouse", "keyboard"}) or ""
    reading.get(node, "bus", {"usb", "virtio", "ps2"})
    bus = input_bus(node, line.domain)
    if bus == "virtio":
        more = line.virtio_options(reading.child(node, "driver"))
        line.plug(node, line.virtio(f"virtio-{kind}"), id=f"input{number}", **more)
    elif bus == "usb":
        told = options(USB_INPUT[kind], id=f"input{number}", **line.usb_place(node))
        line.device(Turn.ATTACHED, told)
    elif not line.is_x86 or kind == "tablet":
        raise untold(node)
