"""QEMU arguments for ``<disk>``: the image as block devices, and the drive on its bus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import DISK_KIND, DISK_TYPE, IMAGE_FORMAT
from domcaps.elements.boards.families import Q35
from domcaps.elements.buses.disk import bus_named
from domcaps.elements.placement.drives import Drives
from domcaps.elements.storage.disk_driver_command_line import labels, of_driver
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.buses.disk import DiskBus, DiskWords
    from domcaps.elements.placement.drives import Drive

_FORMATS = {"raw", "qcow2", "qcow", "qed", "vdi", "vhdx", "vmdk", "vpc"}
_LAYERED = {"qcow2", "qcow", "qed", "vmdk"}
"""Formats of which an image may stand on another one."""
_BOOTED = {"cdrom": "cdrom", "floppy": "fd"}
# direct, no-flush, and whether the guest sees a write cache
_CACHES = {
    "none": (True, False, True),
    "writeback": (False, False, True),
    "writethrough": (False, False, False),
    "directsync": (True, False, False),
    "unsafe": (False, True, True),
}
_DRIVER = {
    "cache": {"default", *_CACHES},
    "io": {"native", "threads", "io_uring"},
    "discard": {"unmap", "ignore"},
    "detect_zeroes": {"on", "off", "unmap"},
}


def write_disks(line: Line) -> None:
    """Tell of every disk."""
    for number, drive in enumerate(line.domain.all(Drives)[0].disks):
        _disk(line, drive, number)


def _disk(line: Line, drive: Drive, number: int) -> None:
    reading, node = line.reading, drive.node
    kind = reading.get(node, "type", {"file", "block"}) or DISK_TYPE
    device = reading.get(node, "device", {"disk", "cdrom", "floppy"}) or DISK_KIND
    is_read_only = reading.child(node, "readonly") is not None or device == "cdrom"
    before, more = _content(line, node, number, kind, device, is_read_only)
    more["bootindex"] = line.boot_index(node, _BOOTED.get(device, "hd"))
    more |= labels(line, node, bus_named(drive.bus))
    serial = reading.child(node, "serial")
    if serial is not None:
        more["serial"] = reading.text(serial)
    target = reading.child(node, "target")
    if target is not None:
        # the name gives the place, where no address does; the bus is that of `drive`
        reading.set_aside(target, "dev", "bus")
    _attach(line, drive, device, before, more)


def _said(line: Line, driver: Node | None) -> dict[str, str | None]:
    """Take how an image is to be read and written."""
    if driver is None:
        return dict.fromkeys((*_DRIVER, "type"))
    line.reading.get(driver, "name", {"qemu"})
    told = {name: line.reading.get(driver, name, among) for name, among in _DRIVER.items()}
    return told | {"type": line.reading.get(driver, "type", _FORMATS)}


def _content(
    line: Line, node: Node, number: int, kind: str, device: str, is_read_only: bool
) -> tuple[list[str], dict[str, object]]:
    """Take what is in a disk: the words for it, and the device's options."""
    reading = line.reading
    source = reading.child(node, "source")
    driver = reading.child(node, "driver")
    told = _said(line, driver)
    path = None if source is None else reading.get(source, "file" if kind == "file" else "dev")
    # what is below an image is written in it, and the number is that of a running guest
    chain = reading.child(node, "backingStore")
    if source is not None:
        reading.set_aside(source, "index")
    more = {} if driver is None else of_driver(line, driver, node)
    if path is None:
        if device != "disk":
            return [], more
        raise untold(node, "", "a disk without an image")
    storage, image = f"disk{number}-storage", f"disk{number}-format"
    below: dict[str, object] = {
        "driver": _protocol(kind, device), "filename": path, "node-name": storage,
        "auto-read-only": True, "discard": "unmap",
    }  # fmt: skip
    above: dict[str, object] = {
        "node-name": image, "read-only": is_read_only, "driver": told["type"] or IMAGE_FORMAT,
        "file": storage,
    }  # fmt: skip
    if chain is not None and above["driver"] in _LAYERED:
        # it has none, whatever the image says
        above["backing"] = None
    more["drive"] = image
    if told["cache"] in _CACHES:
        direct, no_flush, writes = _CACHES[told["cache"] or ""]
        below["cache"] = above["cache"] = {"direct": direct, "no-flush": no_flush}
        if device == "disk":
            more["write-cache"] = writes
    if told["io"]:
        below["aio"] = told["io"]
    if told["discard"]:
        above["discard"] = told["discard"]
    if told["detect_zeroes"]:
        above["detect-zeroes"] = told["detect_zeroes"]
    return ["-blockdev", _json(below), "-blockdev", _json(above)], more


def _protocol(kind: str, device: str) -> str:
    if kind == "file":
        return "file"
    return "host_cdrom" if device == "cdrom" else "host_device"


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _attach(
    line: Line, drive: Drive, device: str, before: list[str], more: dict[str, object]
) -> None:
    """Write the device, on its bus."""
    node, bus = drive.node, bus_named(drive.bus)
    if device == "floppy":
        _floppy(line, drive, before, more)
        return
    words = bus.words
    driver = words and {"disk": words.disk, "cdrom": words.cdrom}.get(device)
    if not words or not driver:
        raise untold(node, "device", f"a {device} on the bus {drive.bus!r}")
    if "write-cache" in more and not words.cache:
        raise untold(node, "", f"the cache of a disk on the bus {bus.name!r}")
    if bus.controller is None and bus.address == "":
        # a device of the board's own bus
        line.plug(node, driver.format(bus=line.virtio_bus), *before, **more)
        return
    place = line.usb_place(node) if bus.address == "usb" else _place(line, drive, bus, words)
    line.device(Turn.ATTACHED, options(driver, **place, **more), *before)


def _floppy(line: Line, drive: Drive, before: list[str], more: dict[str, object]) -> None:
    """Write a floppy disk, in one of the two drives of the board's controller."""
    at = drive.place
    address = line.reading.child(drive.node, "address")
    if address is not None:
        line.reading.get(address, "type", {"drive"})
        line.reading.set_aside(address, "controller", "bus", "target", "unit")
    if at is None or at.controller or at.bus or at.target or at.unit > 1:
        raise untold(drive.node, "", "a floppy disk that is in no drive of the board")
    place = {"bus": "fdc0.0"} if line.holds(Q35) else {}
    first = more.pop("bootindex", None)
    if first is not None:
        line.add("-global", f"isa-fdc.bootindex{'AB'[at.unit]}={first}")
    line.device(Turn.ATTACHED, options("floppy", unit=at.unit, **place, **more), *before)


def _place(line: Line, drive: Drive, bus: DiskBus, words: DiskWords) -> dict[str, object]:
    """Take the place of a disk on a controller, by the form that its bus has for it."""
    reading, node = line.reading, drive.node
    address = reading.child(node, "address")
    if address is not None:
        reading.get(address, "type", {"drive"})
        reading.set_aside(address, "controller", "bus", "target", "unit")
    at = drive.place
    if at is None:
        raise untold(node, "", "a disk without a place")
    builtin = bus.controller is not None and line.holds(bus.controller.builtin)
    form = words.builtin if builtin and not at.controller else words.place
    if not form or any(getattr(at, name) for name in bus.zero):
        raise untold(node, "", f"a disk on the bus {bus.name!r} at {at}")
    numbers = {name: getattr(at, name) for name in ("controller", "bus", "target", "unit")}
    parts = (part.partition("=") for part in form.format(**numbers).split(","))
    return {name: number for name, _, number in parts}
