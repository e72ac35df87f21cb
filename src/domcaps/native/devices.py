"""Devices other than disks and character devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.device_types import (
    BRIDGES,
    CARDS,
    USB_CONTROLLERS,
    USB_INPUT,
    VIRTIO,
    WITH_VGA,
)
from domcaps.elements.machines import Q35, S390
from domcaps.elements.video import MODEL_TYPE
from domcaps.language.told import Told, ways_of
from domcaps.native.disks import usb_place
from domcaps.native.line import Line, Turn, options
from domcaps.native.reading import untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.hardware import Installed

_PORT_DEVICES = {"pcie-root-port", "ioh3420", "pcie-pci-bridge"}
_XHCI = {"qemu-xhci", "nec-xhci"}
_LOWEST_VNC = 5900
_KIB = 1024
# slot and function of controllers that boards have
_IDE, _SATA = (1, 1), (0x1F, 2)


def write_controllers(line: Line, devices: Node) -> None:
    """Tell of the controllers, and of those that libvirt adds."""
    line.reading.children(devices, "controller")
    for controller in line.hardware.all:
        part = controller.part
        node = None if part is None else part.node
        if node is not None:
            # what they are is known of each by `Hardware`
            line.reading.set_aside(node, "type", "index", "model")
        _controller(line, controller, node)


def _controller(line: Line, controller: Installed, node: Node | None) -> None:
    kind, index, model = controller.type, controller.index, controller.model
    if kind == "pci":
        _pci(line, controller, node)
    elif kind == "usb" and model in USB_CONTROLLERS:
        _usb(line, controller, node)
    elif kind == "usb" and model == "none":
        return
    elif kind == "scsi" and model == VIRTIO["scsi"]:
        line.plug(node, line.virtio("scsi"), id=f"scsi{index}")
    elif kind == "scsi" and model == "lsilogic":
        line.plug(node, "lsi", id=f"scsi{index}")
    elif kind == "virtio-serial" and model in {None, "virtio"}:
        ports = None if node is None else line.reading.number(node, "ports")
        line.plug(node, line.virtio("serial"), id=f"virtio-serial{index}", max_ports=ports)
    elif kind == "sata":
        _sata(line, index, node)
    elif kind == "ide" and not index and model is None and line.root_bus == "pci.0":
        _stays(line, node, *_IDE)
    else:
        raise untold(
            line.domain.root if node is None else node,
            "",
            f"a controller {kind} of the model {model or 'default'}",
        )


def _stays(line: Line, node: Node | None, slot: int, function: int) -> None:
    """Take the address of what is part of the board, and can be nowhere else."""
    address = None if node is None else line.reading.child(node, "address")
    if address is None:
        return
    line.reading.get(address, "type", {"pci"})
    for name, there in (("domain", 0), ("bus", 0), ("slot", slot), ("function", function)):
        if line.reading.number(address, name) not in {None, there}:
            raise untold(address, name, "another place for what is part of the board")


def _sata(line: Line, index: int, node: Node | None) -> None:
    if line.holds(Q35) and not index:
        _stays(line, node, *_SATA)
    else:
        line.plug(node, "ich9-ahci", id=f"sata{index}")


def _pci(line: Line, controller: Installed, node: Node | None) -> None:
    if not controller.index and controller.model in {"pci-root", "pcie-root"}:
        return
    if node is None or controller.model not in BRIDGES:
        where = line.domain.root if node is None else node
        raise untold(where, "model", f"a PCI controller {controller.model}")
    reading = line.reading
    holder, target = reading.child(node, "model"), reading.child(node, "target")
    driver = None if holder is None else reading.get(holder, "name", _PORT_DEVICES)
    more: dict[str, object] = {}
    if controller.model == "pcie-root-port":
        chassis = port = None
        if target is not None:
            chassis, port = reading.number(target, "chassis"), reading.number(target, "port")
        more = {"chassis": controller.index if chassis is None else chassis, "port": port}
    told = options(driver or BRIDGES[controller.model], id=f"pci.{controller.index}", **more,
                   **line.place(node))  # fmt: skip
    line.device(Turn.BRIDGE, told, order=controller.index)


def _usb(line: Line, controller: Installed, node: Node | None) -> None:
    ports = None if node is None else line.reading.number(node, "ports")
    if ports is not None and controller.model not in _XHCI and node is not None:
        raise untold(node, "ports")
    driver, name = USB_CONTROLLERS[controller.model or ""], f"usb{controller.index or ''}"
    line.plug(node, driver, id=name, p2=ports, p3=ports)


def write_devices(line: Line, devices: Node) -> None:
    """Tell of all other devices."""
    reading = line.reading
    emulator = reading.child(devices, "emulator")
    if emulator is not None:
        reading.text(emulator)
    for number, node in enumerate(reading.children(devices, "interface")):
        _interface(line, node, number)
    for number, node in enumerate(reading.children(devices, "input")):
        _input(line, node, number)
    _graphics(line, devices)
    for number, node in enumerate(reading.children(devices, "video")):
        _video(line, node, number)
    for number, node in enumerate(reading.children(devices, "rng")):
        _rng(line, node, number)
    _balloon(line, devices)


def _interface(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    reading.get(node, "type", {"user"})
    model, mac = reading.child(node, "model"), reading.child(node, "mac")
    kind = None if model is None else reading.get(model, "type", CARDS)
    if kind is None:
        raise untold(node, "", "a network card of the model that libvirt chooses")
    address = None if mac is None else reading.get(mac, "address")
    net = f"net{number}-host"
    line.plug(
        node,
        line.virtio("interface") if kind == "virtio" else kind,
        "-netdev",
        options("user", id=net),
        netdev=net,
        id=f"net{number}",
        mac=address,
        bootindex=line.boot_index(node, "network"),
    )


def _input(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    kind = reading.get(node, "type", {"tablet", "mouse", "keyboard"}) or ""
    bus = reading.get(node, "bus", {"usb", "virtio", "ps2"})
    if bus == "virtio":
        line.plug(node, line.virtio(kind), id=f"input{number}")
    elif bus == "usb" or (bus is None and kind == "tablet"):
        told = options(USB_INPUT[kind], id=f"input{number}", **usb_place(line, node))
        line.device(Turn.ATTACHED, told)
    elif bus is None or not line.is_x86 or kind == "tablet":
        raise untold(node)
    # a PC has a keyboard and a mouse of its own


def _graphics(line: Line, devices: Node) -> None:
    reading = line.reading
    screens = devices.findall("graphics")
    first = reading.child(devices, "graphics")
    audio = reading.child(devices, "audio")
    if audio is not None:
        reading.get(audio, "type", {"none"})
        line.add("-audiodev", options("none", id=f"audio{reading.get(audio, 'id')}"))
    if first is None:
        line.add("-display", "none")
        return
    if len(screens) > 1:
        raise untold(screens[1], "", "a second screen")
    if devices.find("video") is None:
        raise untold(first, "", "a screen without <video>, which libvirt would choose")
    reading.get(first, "type", {"vnc"})
    port = reading.number(first, "port")
    automatic = reading.get(first, "autoport", {"yes", "no"}) == "yes" or port in {None, -1, 0}
    if not automatic and (port or 0) < _LOWEST_VNC:
        raise untold(first, "port")
    host = _listens(line, first)
    shown = f"[{host}]" if ":" in host else host
    # QEMU looks for a free port from the first on
    where = f"{shown}:0,to=99" if automatic else f"{shown}:{(port or 0) - _LOWEST_VNC}"
    line.add("-vnc", where)


def _listens(line: Line, node: Node) -> str:
    reading = line.reading
    said = reading.get(node, "listen")
    listen = reading.child(node, "listen")
    if listen is not None:
        reading.get(listen, "type", {"address"})
        inside = reading.get(listen, "address")
        if said and inside and said != inside:
            raise untold(listen, "address")
        said = inside or said
    if said and "," in said:
        raise untold(node, "listen")
    return said or "127.0.0.1"


def _video(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    model = reading.child(node, "model")
    kind = None if model is None else reading.get(model, "type")
    choice = MODEL_TYPE.find(kind or "", line.domain.world.target.dialect)
    if model is None or choice is None or choice.told is None or kind == "default":
        raise untold(node, "", "a video card that libvirt chooses")
    reading.get(model, "heads", {"1"})
    primary = reading.get(model, "primary", {"yes", "no"}) == "yes"
    if not primary and number == 0:
        primary = not any(
            m.get("primary") == "yes" for m in line.domain.find("devices/video/model")
        )
    if primary and number:
        raise untold(model, "primary", "a primary card that is not the first")
    ways = ways_of(choice.told, line.domain.world, kind or "")
    words = next((way.args.split() for way in ways if isinstance(way, Told)), None)
    if kind == "none":
        return
    if words is None or len(words) != len(("-device", "driver")):
        raise untold(model, "type", f"the video card {kind!r}")
    driver = words[1]
    if primary and line.is_x86:
        driver = WITH_VGA.get(driver, driver)
    more: dict[str, object] = {}
    if kind == "vga":
        memory = reading.number(model, "vram")
        if (memory or 0) % _KIB:
            raise untold(model, "vram", "a part of a MiB")
        more["vgamem_mb"] = None if memory is None else memory // _KIB
    if kind == "ramfb":
        line.device(Turn.ATTACHED, options(driver, id=f"video{number}"))
    else:
        line.plug(node, driver, id=f"video{number}", **more)


def _rng(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    reading.get(node, "model", {"virtio"})
    backend, rate = reading.child(node, "backend"), reading.child(node, "rate")
    if backend is None:
        raise untold(node)
    kind = reading.get(backend, "model", {"random", "builtin"})
    name, path = f"rng{number}-host", reading.text(backend)
    told = options(f"rng-{kind}", id=name, filename=path or None)
    more: dict[str, object] = {}
    if rate is not None:
        # libvirt's period is a second where it says none
        more = {"max-bytes": reading.number(rate, "bytes"),
                "period": reading.number(rate, "period") or 1000}  # fmt: skip
    line.plug(node, line.virtio("rng"), "-object", told, rng=name, id=f"rng{number}", **more)


def _balloon(line: Line, devices: Node) -> None:
    """Tell of the balloon, and of the one that libvirt adds where a domain says nothing of it."""
    reading = line.reading
    node = reading.child(devices, "memballoon")
    if node is None and not (line.is_x86 or line.holds(S390)):
        return
    model = "virtio" if node is None else reading.get(node, "model", {"virtio", "none"})
    if model == "virtio":
        line.plug(node, line.virtio("balloon"), id="balloon0")
