"""QEMU arguments for ``<rng>``: the source of randomness, and the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def write_rng(line: Line, node: Node, number: int) -> None:
    """Write a source of randomness and its device."""
    reading = line.reading
    reading.get(node, "model", {"virtio"})
    source, rate = reading.child(node, "backend"), reading.child(node, "rate")
    if source is None:
        raise untold(node)
    kind = reading.get(source, "model", {"random", "builtin"})
    name, path = f"rng{number}-host", reading.text(source)
    told = options(f"rng-{kind}", id=name, filename=path or None)
    more: dict[str, object] = {}
    if rate is not None:
        # libvirt's period is a second where it says none
        more = {"max-bytes": reading.number(rate, "bytes"),
                "period": reading.number(rate, "period") or 1000}  # fmt: skip
    more |= line.virtio_options(reading.child(node, "driver"))
    line.plug(node, line.virtio("virtio-rng"), "-object", told, rng=name, id=f"rng{number}", **more)
