"""QEMU arguments for ``<memballoon>``, also of the one that libvirt adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.boards.defaults import adds_balloon
from domcaps.language.command_line import ON_OFF, Line

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def write_balloon(line: Line, devices: Node) -> None:
    """Write the balloon, and the one that libvirt adds where a domain says nothing of it."""
    reading = line.reading
    node = reading.child(devices, "memballoon")
    if node is None:
        if adds_balloon(line.domain):
            line.plug_virtio("memballoon", "virtio-balloon", id="balloon0")
        return
    model = reading.get(node, "model", {*VIRTIO_MODELS, "none"})
    if model == "none":
        # nothing that is said of a device that there is not is read
        reading.set_aside(node, "autodeflate", "freePageReporting")
        for child in node:
            reading.set_aside_whole(child)
        return
    stats = reading.child(node, "stats")
    if stats is not None:
        # how often libvirt asks: the guest's device is the same
        reading.set_aside(stats, "period")
    more: dict[str, object] = {
        "deflate-on-oom": reading.get(node, "autodeflate", ON_OFF),
        "free-page-reporting": reading.get(node, "freePageReporting", ON_OFF),
    }
    more |= line.virtio_options(reading.child(node, "driver"))
    name = line.name(node, "balloon0")
    line.plug_virtio(node, "virtio-balloon", model=model, id=name, **more)
