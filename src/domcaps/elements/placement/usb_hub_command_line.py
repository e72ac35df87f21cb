"""QEMU arguments for ``<hub>``, also of those that libvirt adds: before what sits on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.placement.assigned import AssignedAddresses
from domcaps.language.command_line import Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line


def write_hubs(line: Line, nodes: list[Node]) -> None:
    """Write the hubs, before what sits on them."""
    for number, node in enumerate(nodes):
        line.reading.get(node, "type", {"usb"})
        name = line.name(node, f"hub{number}")
        told = options("usb-hub", id=name, **line.usb_place(node))
        line.device(Turn.ATTACHED, told, order=-2)
    places = line.domain.all(AssignedAddresses)[0].added_usb("hub")
    for number, place in enumerate(places, start=len(nodes)):
        port = ".".join(map(str, place.port))
        bus = f"{line.controller_name('usb', place.bus)}.0"
        told = options("usb-hub", id=f"hub{number}", bus=bus, port=port)
        line.device(Turn.ATTACHED, told, order=-2)
