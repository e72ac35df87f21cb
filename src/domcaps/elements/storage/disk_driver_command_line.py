"""QEMU arguments what a disk says of itself, and how its device works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.buses.disk import DiskBus

_LABELS = {"wwn": "wwn", "vendor": "vendor", "product": "product"}
_POLICIES = {"stop": "stop", "report": "report", "ignore": "ignore", "enospace": "enospc"}
_SIZES = ("logical_block_size", "physical_block_size", "discard_granularity")


def labels(line: Line, node: Node, bus: DiskBus) -> dict[str, object]:
    """Take what a disk says of itself."""
    reading = line.reading
    told: dict[str, object] = {}
    for tag, option in _LABELS.items():
        inside = reading.child(node, tag)
        if inside is None:
            continue
        if bus.words is None or tag not in bus.words.labels:
            raise untold(inside)
        text = reading.text(inside)
        told[option] = f"0x{text.lower().removeprefix('0x')}" if tag == "wwn" else text
    sizes = reading.child(node, "blockio")
    if sizes is not None:
        for name in _SIZES:
            told[name] = reading.get(sizes, name)
    target = node.find("target")
    if target is not None:
        rate = reading.number(target, "rotation_rate")
        if rate is not None:
            told["rotation_rate"] = str(rate)
        if reading.get(target, "removable", {"on", "off"}) is not None:
            told["removable"] = target.get("removable") or ""
    return told


def of_driver(line: Line, driver: Node, node: Node) -> dict[str, object]:
    """Take the options that are the device's own."""
    reading = line.reading
    errors = reading.get(driver, "error_policy", _POLICIES)
    reads = reading.get(driver, "rerror_policy", _POLICIES)
    told: dict[str, object] = {
        "werror": _POLICIES.get(errors or ""),
        "rerror": _POLICIES.get(reads or errors or ""),
    }
    if told["rerror"] == "enospc":
        # there is no such error of reading
        told["rerror"] = "report"
    target = node.find("target")
    bus = None if target is None else target.get("bus")
    if bus == "virtio":
        thread = reading.number(driver, "iothread")
        told |= {
            "iothread": None if thread is None else f"iothread{thread}",
            "num-queues": reading.number(driver, "queues"),
            "queue-size": reading.number(driver, "queue_size"),
            "event_idx": reading.get(driver, "event_idx", {"on", "off"}),
            "ioeventfd": reading.get(driver, "ioeventfd", {"on", "off"}),
            **line.virtio_options(driver),
        }
    return told
