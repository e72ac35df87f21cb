"""Serial ports, consoles and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.machines import ARM_VIRT
from domcaps.native.line import Line, Turn, options
from domcaps.native.reading import untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_KINDS = {"pty", "null", "file", "unix"}


def write_characters(line: Line, devices: Node) -> None:
    """Tell of all that characters go through."""
    serials = line.reading.children(devices, "serial")
    for number, node in enumerate(serials):
        _serial(line, node, number)
    for number, node in enumerate(line.reading.children(devices, "console")):
        _console(line, node, number, serials)
    for number, node in enumerate(line.reading.children(devices, "channel")):
        _channel(line, node, number)


def _backend(line: Line, node: Node, name: str) -> list[str]:
    """Take the host's side."""
    reading = line.reading
    kind = reading.get(node, "type", _KINDS) or "pty"
    if kind in {"pty", "null"}:
        return ["-chardev", options(kind, id=name)]
    source = reading.child(node, "source")
    path = None if source is None else reading.get(source, "path")
    if source is None or not path:
        raise untold(node, "", "a path that libvirt would make up")
    if kind == "file":
        append = reading.get(source, "append", {"on", "off"})
        return ["-chardev", options("file", id=name, path=path, append=append)]
    serves = reading.get(source, "mode", {"bind", "connect"}) == "bind"
    more = {"server": "on", "wait": "off"} if serves else {}
    return ["-chardev", options("socket", id=name, path=path, **more)]


def _serial(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, f"serial{number}"
    before = _backend(line, node, f"char{name}")
    target = reading.child(node, "target")
    port, model = number, None
    if target is not None:
        kinds, models = _kinds(line)
        reading.get(target, "type", kinds)
        named = reading.number(target, "port")
        port = number if named is None else named
        holder = reading.child(target, "model")
        model = None if holder is None else reading.get(holder, "name", models)
    _port(line, name, before, port, node, model)


def _kinds(line: Line) -> tuple[set[str], set[str]]:
    """Give the serial ports of this board: their kinds and models."""
    if line.has_channels:
        return {"sclp-serial"}, {"sclpconsole", "sclplmconsole"}
    if line.holds(ARM_VIRT):
        return {"system-serial"}, {"pl011"}
    return {"isa-serial"}, {"isa-serial"}


def _port(
    line: Line, name: str, before: list[str], port: int, node: Node, model: str | None = None
) -> None:
    told = f"char{name}"
    if line.has_channels:
        line.device(Turn.ATTACHED, options(model or "sclpconsole", chardev=told, id=name), *before)
    elif line.holds(ARM_VIRT):
        if port or any(word == "-serial" for word in line.words):
            raise untold(node, "", "a second serial port of the board")
        line.add(*before, "-serial", f"chardev:{told}")
    else:
        told = options("isa-serial", chardev=told, id=name, index=port)
        line.device(Turn.ATTACHED, told, *before)


def _console(line: Line, node: Node, number: int, serials: list[Node]) -> None:
    reading = line.reading
    target = reading.child(node, "target")
    own = "sclp" if line.has_channels else "serial"
    kind = own
    if target is not None:
        kind = reading.get(target, "type", {own, "serial", "virtio"}) or own
        if reading.number(target, "port") not in {None, number}:
            raise untold(target, "port", "another number than that of its place")
    if kind == "virtio":
        name = f"console{number}"
        before = _backend(line, node, f"char{name}")
        _on_virtio(line, node, options("virtconsole", chardev=f"char{name}", id=name), before)
    elif number:
        raise untold(node, "", "a second console that is a serial port")
    elif not serials:
        _port(line, "serial0", _backend(line, node, "charserial0"), 0, node)
    elif reading.get(node, "type") != serials[0].get("type"):
        raise untold(node, "", "a console that differs from its serial port")


def _channel(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, f"channel{number}"
    target = reading.child(node, "target")
    if target is None:
        raise untold(node)
    reading.get(target, "type", {"virtio"})
    before = _backend(line, node, f"char{name}")
    told = reading.get(target, "name")
    device = options("virtserialport", chardev=f"char{name}", id=name, name=told)
    _on_virtio(line, node, device, before)


def _on_virtio(line: Line, node: Node, device: str, before: list[str]) -> None:
    """Write a port of a virtio controller; QEMU numbers those that have no address."""
    reading = line.reading
    address = reading.child(node, "address")
    bus, port = 0, None
    if address is not None:
        reading.get(address, "type", {"virtio-serial"})
        reading.get(address, "bus", {"0"})
        bus, port = reading.number(address, "controller") or 0, reading.number(address, "port")
    place = f"{device},bus=virtio-serial{bus}.0" + ("" if port is None else f",nr={port}")
    # a port that has a number comes before those that take the next
    line.device(Turn.ATTACHED, place, *before, order=int(port is None))
