"""Network cards, input devices and video cards, and the order in which all others follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import card_model, input_bus, video_model
from domcaps.elements.display.video import MODEL_TYPE
from domcaps.elements.qemu.types import (
    CARDS,
    USB_INPUT,
    VIDEO_MEMORY,
    WITH_SCREENS,
    WITH_VGA,
    WITHOUT_MEMORY,
)
from domcaps.language.qemu_args import QemuArgs, alternatives_of
from domcaps.native.disks import usb_place
from domcaps.native.extras import write_extras
from domcaps.native.line import Line, Turn, options
from domcaps.native.reading import untold
from domcaps.native.screens import write_screens

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_KIB = 1024


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
    write_screens(line, devices)
    for number, node in enumerate(reading.children(devices, "video")):
        _video(line, node, number)
    write_extras(line, devices)


def _interface(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    model, mac = reading.child(node, "model"), reading.child(node, "mac")
    kind = card_model(node, line.domain)
    if model is not None:
        reading.set_aside(model, "type")
    if kind not in CARDS:
        raise untold(node, "", f"a network card {kind!r}")
    address = None if mac is None else reading.get(mac, "address")
    net = f"net{number}-host"
    mtu, rom = reading.child(node, "mtu"), reading.child(node, "rom")
    more: dict[str, object] = {"mac": address}
    if rom is not None:
        more["romfile"] = "" if reading.get(rom, "enabled", {"yes", "no"}) == "no" else None
        more["rombar"] = reading.get(rom, "bar", {"on", "off"})
    if kind == "virtio":
        more["host_mtu"] = None if mtu is None else reading.number(mtu, "size")
        more |= _queues(line, node)
    line.plug(
        node,
        line.virtio("interface") if kind == "virtio" else kind,
        "-netdev",
        _network(line, node, net),
        netdev=net,
        id=f"net{number}",
        **more,
        bootindex=line.boot_index(node, "network"),
    )


def _queues(line: Line, node: Node) -> dict[str, object]:
    """Take the options of a card of virtio."""
    reading = line.reading
    driver = reading.child(node, "driver")
    if driver is None:
        return {}
    if reading.get(driver, "name", {"qemu", "vhost"}) == "vhost" and node.get("type") == "user":
        raise untold(driver, "name", "a kernel's driver for a network of QEMU's own")
    told = {"rx_queue_size": reading.number(driver, "rx_queue_size"),
            "tx_queue_size": reading.number(driver, "tx_queue_size"),
            "event_idx": reading.get(driver, "event_idx", {"on", "off"})}  # fmt: skip
    return told | line.virtio_options(driver)


def _network(line: Line, node: Node, name: str) -> str:
    """Take what a card is connected to."""
    reading = line.reading
    kind = reading.get(node, "type", {"user", "bridge", "ethernet"}) or "user"
    source, target = reading.child(node, "source"), reading.child(node, "target")
    if kind == "user":
        backend = reading.child(node, "backend")
        if backend is not None:
            reading.get(backend, "type", {"default"})
        return options("user", id=name)
    if kind == "bridge":
        bridge = None if source is None else reading.get(source, "bridge")
        if target is not None:
            raise untold(target, "dev", "the name of what QEMU's helper makes")
        # a helper of QEMU's makes the connection, if /etc/qemu/bridge.conf allows it
        return options("bridge", id=name, br=bridge)
    device = None if target is None else reading.get(target, "dev")
    if target is None or not device or reading.get(target, "managed", {"yes", "no"}) != "no":
        raise untold(node, "", "a network device that libvirt would make")
    return options("tap", id=name, ifname=device, script="no", downscript="no")


def _input(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    kind = reading.get(node, "type", {"tablet", "mouse", "keyboard"}) or ""
    reading.get(node, "bus", {"usb", "virtio", "ps2"})
    bus = input_bus(node, line.domain)
    if bus == "virtio":
        more = line.virtio_options(reading.child(node, "driver"))
        line.plug(node, line.virtio(kind), id=f"input{number}", **more)
    elif bus == "usb":
        told = options(USB_INPUT[kind], id=f"input{number}", **usb_place(line, node))
        line.device(Turn.ATTACHED, told)
    elif not line.is_x86 or kind == "tablet":
        raise untold(node)
    # a PC has a keyboard and a mouse of its own


def _video(line: Line, node: Node, number: int) -> None:
    reading = line.reading
    model = reading.child(node, "model")
    kind = video_model(node, line.domain)
    choice = MODEL_TYPE.find(kind, line.domain.world.target.dialect)
    if model is None or choice is None or choice.qemu_args is None:
        raise untold(node, "", "a video card that libvirt chooses")
    reading.set_aside(model, "type")
    primary = reading.get(model, "primary", {"yes", "no"}) == "yes"
    if not primary and number == 0:
        primary = not any(
            m.get("primary") == "yes" for m in line.domain.find("devices/video/model")
        )
    if primary and number:
        raise untold(model, "primary", "a primary card that is not the first")
    ways = alternatives_of(choice.qemu_args, line.domain.world, kind)
    words = next((way.args.split() for way in ways if isinstance(way, QemuArgs)), None)
    if kind == "none":
        return
    if words is None or len(words) != len(("-device", "driver")):
        raise untold(model, "type", f"the video card {kind!r}")
    driver = words[1]
    if primary and line.is_x86:
        driver = WITH_VGA.get(driver, driver)
    more = _of_card(line, node, model, kind)
    if kind == "ramfb":
        line.device(Turn.ATTACHED, options(driver, id=f"video{number}"))
    else:
        line.plug(node, driver, id=f"video{number}", **more)


def _of_card(line: Line, node: Node, model: Node, kind: str) -> dict[str, object]:
    """Take how much memory and how many screens a card has."""
    reading = line.reading
    told: dict[str, object] = {}
    heads = reading.number(model, "heads") or 1
    if kind in WITH_SCREENS:
        told["max_outputs"] = heads if heads > 1 else None
    elif heads > 1:
        raise untold(model, "heads")
    for name, option in VIDEO_MEMORY.get(kind, ()):
        size = reading.number(model, name)
        if (size or 0) % _KIB and option.endswith("_mb"):
            raise untold(model, name, "a part of a MiB")
        if size is not None:
            told[option] = size // _KIB if option.endswith("_mb") else size * _KIB
    if kind in WITHOUT_MEMORY:
        # libvirt writes it into every domain, and tells QEMU nothing of it
        reading.set_aside(model, "vram")
    screen, speed = reading.child(model, "resolution"), reading.child(model, "acceleration")
    if screen is not None:
        told |= {"xres": reading.number(screen, "x"), "yres": reading.number(screen, "y")}
    if speed is not None:
        reading.get(speed, "accel3d", {"no"})
        reading.get(speed, "accel2d", {"no"})
    if kind == "virtio":
        told |= line.virtio_options(reading.child(node, "driver"))
    return told
