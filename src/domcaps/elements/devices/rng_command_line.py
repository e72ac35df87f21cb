"""QEMU arguments for ``<rng>``: the source of randomness, and the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.characters.backend_command_line import backend
from domcaps.language.command_line import Line, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def write_rng(line: Line, node: Node, number: int) -> None:
    """Write a source of randomness and its device."""
    reading, name = line.reading, line.name(node, f"rng{number}")
    model = reading.get(node, "model", VIRTIO_MODELS)
    source, rate = reading.child(node, "backend"), reading.child(node, "rate")
    if source is None:
        raise untold(node)
    kind = reading.get(source, "model", {"random", "builtin", "egd"})
    before: list[str] = []
    told: dict[str, object] = {}
    if kind == "egd":
        before = backend(line, source, f"char{name}", name)
        told["chardev"] = f"char{name}"
    elif kind == "random":
        path = reading.text(source)
        told["filename"] = line.need("device", path, source) if path else "/dev/urandom"
    else:
        # libvirt reads no text of it
        reading.text(source)
    words = [*before, "-object", options(f"rng-{kind}", id=f"obj{name}", **told)]
    more: dict[str, object] = {}
    if rate is not None:
        # libvirt's period is a second where it says none
        more = {"max-bytes": reading.positive(rate, "bytes"),
                "period": reading.number(rate, "period") or 1000}  # fmt: skip
    more |= line.virtio_options(reading.child(node, "driver"))
    line.plug_virtio(node, "virtio-rng", *words, model=model, rng=f"obj{name}", id=name, **more)
