"""QEMU arguments for what a disk says of itself, and how its device works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import ON_OFF, Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.buses.disk import DiskBus

_POLICIES = {"stop": "stop", "report": "report", "ignore": "ignore", "enospace": "enospc"}
_SIZES = ("logical_block_size", "physical_block_size", "discard_granularity")
_GEOMETRY = ("cyls", "heads", "secs")


def labels(line: Line, node: Node, bus: DiskBus) -> dict[str, object]:
    """Take what a disk says of itself."""
    reading = line.reading
    told: dict[str, object] = {}
    for tag in ("wwn", "vendor", "product"):
        inside = reading.child(node, tag)
        if inside is None:
            continue
        option = None if bus.words is None else bus.words.labels.get(tag)
        if option is None:
            raise untold(inside)
        text = reading.text(inside)
        told[option] = f"0x{text.lower().removeprefix('0x')}" if tag == "wwn" else text
    serial = reading.child(node, "serial")
    if serial is not None:
        reading.text(serial)
        # libvirt writes a backslash before each blank, which QEMU keeps
        told["serial"] = (serial.text or "").replace(" ", "\\ ") or None
    sizes = reading.child(node, "blockio")
    if sizes is not None:
        for name in _SIZES:
            told[name] = reading.positive(sizes, name)
    geometry = reading.child(node, "geometry")
    if geometry is not None:
        told |= {name: reading.positive(geometry, name) for name in _GEOMETRY}
        told["bios-chs-trans"] = reading.get(geometry, "trans")
    return told | _of_target(line, node)


def _of_target(line: Line, node: Node) -> dict[str, object]:
    told: dict[str, object] = {}
    target = node.find("target")
    if target is not None:
        rate = line.reading.positive(target, "rotation_rate")
        if rate is not None:
            told["rotation_rate"] = str(rate)
        if line.reading.get(target, "removable", ON_OFF) is not None:
            told["removable"] = target.get("removable") or ""
        told["dpofua"] = line.reading.get(target, "dpofua", ON_OFF)
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
        told["rerror"] = None
    statistics = reading.child(driver, "statistics")
    if statistics is not None:
        # intervals are a list, which only a running QEMU takes
        reading.beside(statistics, "libvirt sets intervals of statistics")
    if disk_is_virtio(node):
        thread = reading.number(driver, "iothread")
        told |= {
            "iothread": None if thread is None else f"iothread{thread}",
            "num-queues": reading.positive(driver, "queues"),
            "queue-size": reading.positive(driver, "queue_size"),
            "event_idx": reading.get(driver, "event_idx", ON_OFF),
            "ioeventfd": reading.get(driver, "ioeventfd", ON_OFF),
            **line.virtio_options(driver),
        }
    return told


def disk_is_virtio(node: Node) -> bool:
    """Tell whether a disk's device is one of virtio."""
    target = node.find("target")
    if target is None:
        return False
    bus = target.get("bus")
    return bus == "virtio" or (bus is None and target.get("dev", "").startswith("vd"))
