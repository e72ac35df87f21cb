"""QEMU arguments for serial ports, consoles and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import CHARDEV_TYPE
from domcaps.elements.boards.families import ARM_VIRT
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_KINDS = {"pty", "null", "file", "unix", "vc", "stdio", "pipe", "dev", "tcp", "spicevmc",
          "qemu-vdagent"}  # fmt: skip
_NAMES = {"spicevmc": "com.redhat.spice.0", "qemu-vdagent": "com.redhat.spice.0"}
"""What the guest's side is called where a domain says nothing, by kind."""
_PURPOSES = {"spicevmc": "vdagent"}


def write_characters(line: Line, devices: Node) -> None:
    """Tell of all that characters go through."""
    serials = line.reading.children(devices, "serial")
    for number, node in enumerate(serials):
        _serial(line, node, number)
    for number, node in enumerate(line.reading.children(devices, "console")):
        _console(line, node, number, serials)
    for number, node in enumerate(line.reading.children(devices, "channel")):
        _channel(line, node, number)


def backend(line: Line, node: Node, name: str, purpose: str) -> list[str]:
    """Take the host's side; `purpose` is what it is for, where that has to be said."""
    reading = line.reading
    kind = reading.get(node, "type", _KINDS) or CHARDEV_TYPE
    source = reading.child(node, "source")
    if kind in {"pty", "null", "vc", "stdio"}:
        if source is not None and kind == "pty":
            # the one that it had when it ran
            reading.set_aside(source, "path")
        return ["-chardev", options(kind, id=name)]
    if kind == "spicevmc":
        return ["-chardev", options(kind, id=name, name=purpose)]
    if kind == "qemu-vdagent":
        return ["-chardev", options(kind, id=name, **_agent(line, source))]
    if kind == "tcp":
        return ["-chardev", _tcp(line, node, source, name)]
    path = None if source is None else reading.get(source, "path")
    if kind == "unix":
        return ["-chardev", _unix(line, source, name, path or line.made_up(f"{purpose}.sock"))]
    if source is None or not path:
        raise untold(node, "", "a path that is not said")
    told: dict[str, object] = {}
    if kind == "file":
        told["append"] = reading.get(source, "append", {"on", "off"})
    return ["-chardev", options("serial" if kind == "dev" else kind, id=name, path=path, **told)]


def _unix(line: Line, source: Node | None, name: str, path: str) -> str:
    # libvirt waits for no one at a socket that it made up
    serves = source is None or line.reading.get(source, "mode", {"bind", "connect"}) != "connect"
    more = {"server": "on", "wait": "off"} if serves else {}
    return options("socket", id=name, path=path, **more)


def _tcp(line: Line, node: Node, source: Node | None, name: str) -> str:
    if source is None:
        raise untold(node)
    reading = line.reading
    if len(node.findall("source")) > 1:
        raise untold(node, "", "two sides of a connection")
    serves = reading.get(source, "mode", {"bind", "connect"}) == "bind"
    protocol = reading.child(node, "protocol")
    kind = None if protocol is None else reading.get(protocol, "type", {"raw", "telnet"})
    told = {"host": reading.get(source, "host"), "port": reading.get(source, "service")}
    more = {"server": "on", "wait": "off"} if serves else {}
    if kind == "telnet":
        more["telnet"] = "on"
    return options("socket", id=name, **told, **more)


def _agent(line: Line, source: Node | None) -> dict[str, object]:
    """Take what the agent of the guest's desktop is for."""
    told: dict[str, object] = {}
    if source is None:
        return told
    clipboard, mouse = (line.reading.child(source, tag) for tag in ("clipboard", "mouse"))
    if clipboard is not None:
        told["clipboard"] = line.reading.get(clipboard, "copypaste", {"yes", "no"}) == "yes"
    if mouse is not None:
        told["mouse"] = line.reading.get(mouse, "mode", {"client", "server"}) == "client"
    return told


def _serial(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, f"serial{number}"
    before = backend(line, node, f"char{name}", name)
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
        before = backend(line, node, f"char{name}", name)
        _on_virtio(line, node, options("virtconsole", chardev=f"char{name}", id=name), before)
    elif number:
        raise untold(node, "", "a second console that is a serial port")
    elif not serials:
        _port(line, "serial0", backend(line, node, "charserial0", "serial0"), 0, node)
    elif reading.get(node, "type") != serials[0].get("type"):
        raise untold(node, "", "a console that differs from its serial port")
    elif (source := node.find("source")) is not None:
        _same(line, node, source, serials[0].find("source"))


def _same(line: Line, node: Node, source: Node, other: Node | None) -> None:
    """Take the source of a console that is a serial port again."""
    if other is None or source.items() != other.items():
        raise untold(source, "", "a console that differs from its serial port")
    line.reading.children(node, "source")
    line.reading.set_aside(source, *(str(name) for name in source.attrib))


def _channel(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, f"channel{number}"
    target = reading.child(node, "target")
    if target is None:
        raise untold(node)
    reading.get(target, "type", {"virtio"})
    kind = node.get("type")
    told = reading.get(target, "name") or _NAMES.get(kind or "")
    # whether somebody was there when it ran
    reading.set_aside(target, "state")
    before = backend(line, node, f"char{name}", _PURPOSES.get(kind or "", told or name))
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
