"""QEMU arguments for ``<panic>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import panic_model
from domcaps.language.command_line import Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

PANICS = {"isa": "pvpanic", "pvpanic": "pvpanic-pci"}
"""Devices by which a guest says that it panics, by model."""


def write_panic(line: Line, node: Node) -> None:
    """Write the device by which the guest reports a crash; some are part of the CPU."""
    reading = line.reading
    reading.get(node, "model", {*PANICS, "hyperv", "s390", "pseries", "default"})
    model = panic_model(node, line.domain)
    if model not in PANICS:
        # processor or firmware say so
        return
    if model == "isa":
        address = reading.child(node, "address")
        port = None
        if address is not None:
            reading.get(address, "type", {"isa"})
            port = reading.get(address, "iobase")
            reading.set_aside(address, "irq")
        line.device(Turn.ATTACHED, options(PANICS[model], ioport=port))
    else:
        line.plug(node, PANICS[model])
