"""QEMU arguments for ``<input>``, also of those that libvirt adds to boards of POWER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import input_bus
from domcaps.language.command_line import ON_OFF, Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

USB_INPUT = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd"}
"""Input devices on USB."""
_OTHERS = {"passthrough", "evdev"}
_VIRTIO = {"passthrough": "virtio-input-host"}


def write_input(line: Line, node: Node, number: int) -> None:
    """Write an input device; a PC has a keyboard and a mouse of its own."""
    reading = line.reading
    kind = reading.one(node, "type", {*USB_INPUT, *_OTHERS})
    reading.get(node, "bus", {"usb", "virtio", "ps2", "none", "xen"})
    bus, name = input_bus(node, line.domain), line.name(node, f"input{number}")
    if kind == "evdev":
        _of_host(line, node, name)
    elif bus == "virtio":
        more = line.virtio_options(reading.child(node, "driver"))
        source = reading.child(node, "source")
        if source is not None:
            more["evdev"] = line.need("device", reading.get(source, "evdev") or "", source)
        driver = _VIRTIO.get(kind, f"virtio-{kind}")
        model = reading.get(node, "model")
        line.plug_virtio(node, driver, model=model, id=name, **more)
    elif bus == "usb":
        told = options(USB_INPUT[kind], id=name, **line.usb_place(node))
        line.device(Turn.ATTACHED, told)
    elif not line.is_x86 or kind == "tablet":
        raise untold(node)
    else:
        # it is part of the board, whatever is said of it
        for child in node:
            reading.set_aside_whole(child)


def _of_host(line: Line, node: Node, name: str) -> None:
    """Write an input device of the host, whose events go to the guest."""
    reading = line.reading
    source = reading.child(node, "source")
    if source is None:
        raise untold(node)
    path = line.need("device", reading.get(source, "dev") or "", source)
    grab = reading.get(source, "grab", {"all"})
    toggle = reading.get(source, "grabToggle")
    line.add("-object", options(
        "input-linux", id=name, evdev=path, repeat=reading.get(source, "repeat", ON_OFF),
        grab_all=True if grab == "all" else None, **{"grab-toggle": toggle},
    ))  # fmt: skip
