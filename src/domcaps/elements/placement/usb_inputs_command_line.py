"""QEMU arguments for the keyboard and mouse that libvirt adds to a screen of boards of POWER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.placement.assigned import AssignedAddresses
from domcaps.elements.placement.usb import Usb
from domcaps.language.command_line import Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line

_DRIVERS = {"keyboard": "usb-kbd", "mouse": "usb-mouse"}


def write_usual_inputs(line: Line, devices: Node) -> None:
    """Write the keyboard and mouse that libvirt adds to a screen of boards of POWER."""
    kinds = line.domain.all(Usb)[0].added_inputs()
    places = line.domain.all(AssignedAddresses)[0].added_usb("input")
    first = len(devices.findall("input"))
    for number, (kind, place) in enumerate(zip(kinds, places, strict=False), start=first):
        told = {"bus": f"{line.controller_name('usb', place.bus)}.0",
                "port": ".".join(map(str, place.port))}  # fmt: skip
        line.device(Turn.ATTACHED, options(_DRIVERS[kind], id=f"input{number}", **told))
