"""QEMU arguments for serial and parallel ports, consoles, channels and smart cards."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address
from domcaps.elements.boards.defaults import CONSOLE_TARGET
from domcaps.elements.boards.families import PSERIES
from domcaps.elements.characters.backend_command_line import backend
from domcaps.elements.characters.console import Console
from domcaps.elements.characters.serial import MODELS, Serial, port_type
from domcaps.language.command_line import Line, Turn, doubled, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_NAMES = {"spicevmc": "com.redhat.spice.0", "qemu-vdagent": "com.redhat.spice.0"}
"""What the guest's side is called where a domain says nothing, by kind."""
_PURPOSES = {"spicevmc": "vdagent", "qemu-vdagent": "vdagent"}
_DEVICES = {"isa-serial": "isa-serial", "isa-debug": "isa-debugcon", "pci-serial": "pci-serial",
            "usb-serial": "usb-serial", "spapr-vio-serial": "spapr-vty"}  # fmt: skip
_CERTIFICATES = ("cert1", "cert2", "cert3")
_OF_SERIAL = {"serial", "sclp", "sclplm"}


def write_characters(line: Line, devices: Node) -> None:
    """Write all that characters go through."""
    reading = line.reading
    for number, node in enumerate(reading.children(devices, "smartcard")):
        _smartcard(line, node, number)
    serials = reading.children(devices, "serial")
    for number, node in enumerate(serials):
        _serial(line, node, number)
    for number, node in enumerate(reading.children(devices, "parallel")):
        _parallel(line, node, number)
    for number, node in enumerate(reading.children(devices, "channel")):
        _channel(line, node, number)
    for number, node in enumerate(reading.children(devices, "console")):
        _console(line, node, number, serials)


def _smartcard(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, line.name(node, f"smartcard{number}")
    mode = reading.get(node, "mode", {"host", "host-certificates", "passthrough"})
    address = line.domain.within(Address, node)
    line.place(node)
    index = 0 if address is None else address.number("controller")
    bus = f"{line.controller_name('ccid', index)}.0"
    if mode == "passthrough":
        before = backend(line, node, f"char{name}", "smartcard")
        told = options("ccid-card-passthru", chardev=f"char{name}", id=name, bus=bus)
        line.device(Turn.ATTACHED, told, *before)
        return
    if mode == "host":
        told = options("ccid-card-emulated", backend="nss-emulated", id=name, bus=bus)
        line.device(Turn.ATTACHED, told)
        return
    texts = [reading.text(one) for one in reading.children(node, "certificate")]
    database = reading.child(node, "database")
    path = "/etc/pki/nssdb" if database is None else reading.text(database)
    told = options("ccid-card-emulated", backend="certificates",
                   **dict(zip(_CERTIFICATES, texts, strict=False)),
                   db=line.need("folder", path, node), id=name, bus=bus)  # fmt: skip
    line.device(Turn.ATTACHED, told)


def _serial(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, line.name(node, f"serial{number}")
    before = backend(line, node, f"char{name}", name)
    target = reading.child(node, "target")
    port = number
    part = next(s for s in line.domain.all(Serial) if s.node is node)
    if target is not None:
        reading.set_aside(target, "type")
        named = reading.number(target, "port")
        port = number if named is None else named
        holder = reading.child(target, "model")
        if holder is not None:
            reading.get(holder, "name", {*MODELS, "none"})
    _port(line, name, before, port, node, part.type, part.model)


def _port(
    line: Line, name: str, before: list[str], port: int, node: Node, kind: str, model: str
) -> None:
    """Write the guest's side of a serial port."""
    told = f"char{name}"
    if kind == "sclp-serial":
        line.device(Turn.ATTACHED, options(model or "sclpconsole", chardev=told, id=name), *before)
    elif kind == "isa-serial" and line.is_x86:
        more = {"index": port, **_isa(line, node)}
        line.device(Turn.ATTACHED, options("isa-serial", chardev=told, id=name, **more), *before)
    elif kind == "isa-debug":
        more = _isa(line, node) or {"iobase": "0xe9"}
        line.device(Turn.ATTACHED, options("isa-debugcon", chardev=told, id=name, **more), *before)
    elif kind == "usb-serial":
        place = line.usb_place(node)
        line.device(Turn.ATTACHED, options("usb-serial", chardev=told, id=name, **place), *before)
    elif kind in {"pci-serial", "spapr-vio-serial"}:
        line.plug(node, _DEVICES[kind], *before, chardev=told, id=name)
    else:
        # part of the board
        line.add(*before, "-serial", f"chardev:{told}")


def _isa(line: Line, node: Node) -> dict[str, object]:
    """Take the address of a port on ISA."""
    address = line.reading.child(node, "address")
    if address is None:
        return {}
    line.reading.get(address, "type", {"isa"})
    return {name: line.reading.get(address, name) for name in ("iobase", "irq")}


def _parallel(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, line.name(node, f"parallel{number}")
    target = reading.child(node, "target")
    if target is not None:
        reading.set_aside(target, "port", "type")
    before = backend(line, node, f"char{name}", name, of="parallel")
    told = options("isa-parallel", chardev=f"char{name}", id=name, **_isa(line, node))
    line.device(Turn.ATTACHED, told, *before)


def _console(line: Line, node: Node, number: int, serials: list[Node]) -> None:
    reading = line.reading
    target = reading.child(node, "target")
    kind = ""
    if target is not None:
        kind = reading.get(target, "type", {*_OF_SERIAL, "virtio"}) or ""
        # libvirt numbers them itself
        reading.set_aside(target, "port")
    # the first console stands for the first serial port, if only libvirt says so
    first = line.domain.find("devices/console")[0].find("target")
    stands = first is not None and first.get("type", CONSOLE_TARGET) not in _OF_SERIAL
    place = number + bool(serials and stands)
    name = line.name(node, f"console{place}")
    if not kind:
        kind = "sclp" if line.has_channels else "serial"
    if kind == "virtio":
        before = backend(line, node, f"char{name}", name)
        told = options("virtconsole", chardev=f"char{name}", id=name)
        _on_virtio(line, node, told, before)
    elif kind in {"sclp", "sclplm"} and (number or not serials) and target is not None:
        before = backend(line, node, f"char{name}", name)
        told = options(f"{kind}console", chardev=f"char{name}", id=name)
        line.device(Turn.ATTACHED, told, *before)
        line.place(node)
    elif number:
        raise untold(node, "", "a second console that is a serial port")
    elif serials:
        # it is the serial port: what it says of its source does not count
        reading.set_aside(node, "type", "tty")
        for tag in ("source", "protocol", "log"):
            for inside in reading.children(node, tag):
                reading.set_aside(inside, *map(str, inside.attrib))
        # libvirt writes the port's address here as well
        line.place(node)
    else:
        _first_port(line, node)


def _first_port(line: Line, node: Node) -> None:
    """Write the serial port that a console makes where the domain has none."""
    part = next(c for c in line.domain.all(Console) if c.node is node)
    kind = port_type(part)
    if not line.holds(PSERIES):
        line.place(node)
    _port(line, "serial0", backend(line, node, "charserial0", "serial0"), 0, node, kind, "")


def _channel(line: Line, node: Node, number: int) -> None:
    reading, name = line.reading, line.name(node, f"channel{number}")
    target = reading.child(node, "target")
    if target is None:
        raise untold(node)
    kind = node.get("type", "")
    if reading.get(target, "type", {"virtio", "guestfwd"}) == "guestfwd":
        before = backend(line, node, f"char{name}", name)
        where = f"tcp:{_ip_address(line, target)}:{reading.number(target, 'port')}"
        line.add(*before, "-netdev", options("user", guestfwd=f"{where}-chardev:char{name}",
                                             id=name))  # fmt: skip
        return
    told = reading.get(target, "name") or _NAMES.get(kind)
    # whether somebody was there when it ran
    reading.set_aside(target, "state")
    before = backend(line, node, f"char{name}", _PURPOSES.get(kind, told or name))
    device = options("virtserialport", chardev=f"char{name}", id=name, name=told)
    _on_virtio(line, node, device, before)


def _ip_address(line: Line, target: Node) -> str:
    """Take an address in a text of QEMU's whose parts are divided by colons and dashes."""
    text = line.reading.get(target, "address") or ""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise untold(target, "address", f"the value {text!r}") from None


def _on_virtio(line: Line, node: Node, device: str, before: list[str]) -> None:
    """Write a port of a virtio controller."""
    reading = line.reading
    address = reading.child(node, "address")
    if address is not None and address.get("type") != "virtio-serial":
        # libvirt gives it a port of a controller whatever address it has
        line.place(node)
    elif address is not None:
        reading.set_aside(address, "type", "controller", "bus", "port")
    place = line.serial_port(node)
    controller, port = place or (0, None)
    if node.tag == "console" and address is None:
        # the first port that is free
        line.device(Turn.ATTACHED, device, *before)
        return
    bus = doubled(f"{line.controller_name('virtio-serial', controller)}.0")
    told = f"{device},bus={bus}" + ("" if port is None else f",nr={port}")
    line.device(Turn.ATTACHED, told, *before)
