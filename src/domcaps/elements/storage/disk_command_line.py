"""QEMU arguments for ``<disk>``: the image as block devices, and the drive on its bus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.base.connection_command_line import reconnecting
from domcaps.elements.boards.defaults import DISK_KIND, DISK_TYPE
from domcaps.elements.buses.disk import bus_named
from domcaps.elements.controllers.iothreads_command_line import mapping
from domcaps.elements.placement.drives import Drives, disk_index
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.storage.disk_driver_command_line import labels, of_driver
from domcaps.elements.storage.image_command_line import CACHES, BlockImage
from domcaps.elements.storage.source_command_line import SOURCES
from domcaps.language.changes.storage import DISK_USB_BOT
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.buses.disk import DiskBus
    from domcaps.elements.placement.drives import Drive

_BOOTED = {"cdrom": "cdrom", "floppy": "fd"}
_DEVICES = {"disk", "cdrom", "floppy", "lun"}
_OWN = {
    "iotune": "libvirt sets limits of the disk while it starts the machine",
    "mirror": "a copy that libvirt was making",
    "privateData": "what libvirt keeps of a running machine",
    "transient": "libvirt puts an image on top that it removes at the end",
}
"""What libvirt does without an argument."""
_CHAR_OF_FLOPPY = "AB"


def write_disks(line: Line) -> None:
    """Write every disk. libvirt numbers their block devices from the last to the first."""
    drives = line.domain.all(Drives)[0].ordered
    with_blocks = [drive for drive in drives if drive.node.get("type") != "vhostuser"]
    numbers = dict(zip(map(id, reversed(with_blocks)), line.blocks(len(with_blocks)), strict=True))
    for drive in drives:
        _disk(line, drive, numbers.get(id(drive), 0))


def _disk(line: Line, drive: Drive, number: int) -> None:
    reading, node = line.reading, drive.node
    kind = reading.get(node, "type", {*SOURCES, "vhostuser"}) or DISK_TYPE
    device = reading.get(node, "device", _DEVICES) or DISK_KIND
    reading.set_aside(node, "snapshot", "rawio", "sgio")
    for tag, what in _OWN.items():
        inside = reading.child(node, tag)
        if inside is not None:
            reading.beside(inside, what)
    is_read_only = reading.child(node, "readonly") is not None or device == "cdrom"
    target = reading.child(node, "target")
    if target is not None:
        # the name gives the place, where no address does; the bus is that of `drive`
        reading.set_aside(target, "dev", "bus", "tray")
    more: dict[str, object] = line.boot(node, _BOOTED.get(device, "hd"))
    if kind == "vhostuser":
        _vhost_user(line, drive, more)
        return
    auth = reading.child(node, "auth")
    if auth is not None and kind != "network":
        # the storage driver logs in
        reading.beside(auth, "libvirt logs in where the volume is")
    image = BlockImage(line, node, number, kind, device)
    if drive.bus == "sd":
        _card(line, drive, image, is_read_only=is_read_only)
        return
    before, content = _content(line, node, image, device, is_read_only)
    more = content | more | labels(line, node, bus_named(drive.bus))
    _attach(line, drive, device, before, more)


def _content(
    line: Line, node: Node, image: BlockImage, device: str, is_read_only: bool
) -> tuple[list[str], dict[str, object]]:
    """Take what is in a disk: the words for it, and the device's options."""
    reading = line.reading
    source, driver = reading.child(node, "source"), reading.child(node, "driver")
    more = {} if driver is None else of_driver(line, driver, node)
    if reading.child(node, "shareable") is not None:
        more["share-rw"] = True
        if not is_read_only and not image.said["cache"]:
            # no other guest would see what is in this one's cache
            image.said["cache"] = "none"
    if source is None or not (set(source.attrib) - {"startupPolicy", "index"}):
        if source is not None:
            reading.set_aside(source, "startupPolicy", "index")
        if device == "disk":
            raise untold(node, "", "a disk without an image")
        chain = reading.child(node, "backingStore")
        if chain is not None:
            reading.set_aside_whole(chain)
        return [], more
    words, more["drive"] = image.words(node, source, is_read_only=is_read_only)
    cache = CACHES.get(image.said["cache"] or "")
    if cache is not None:
        more["write-cache"] = cache[2]
    return words, more


def _card(line: Line, drive: Drive, image: BlockImage, *, is_read_only: bool) -> None:
    """Write a memory card, whose slot is part of the board: QEMU has a drive for it."""
    source = line.reading.child(drive.node, "source")
    if source is None:
        raise untold(drive.node, "", "a disk without an image")
    words, _ = image.words(drive.node, source, is_read_only=is_read_only)
    blocks = [json.loads(word) for word in words[1::2]]
    told = {"if": "sd", "index": disk_index(drive.name) or 0, "format": blocks[-1]["driver"],
            **_flat("file", {k: v for k, v in blocks[0].items() if k not in _LAYER})}  # fmt: skip
    if is_read_only:
        told["readonly"] = "on"
    line.add("-drive", options(None, **told))


_LAYER = {"node-name", "auto-read-only", "discard"}


def _flat(name: str, value: object) -> dict[str, object]:
    """Write a value of JSON as options with dots in their names."""
    if isinstance(value, dict):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(str(place), inner) for place, inner in enumerate(value)]
    else:
        return {name: value}
    return {
        key: text for inner, one in pairs for key, text in _flat(f"{name}.{inner}", one).items()
    }


def _vhost_user(line: Line, drive: Drive, more: dict[str, object]) -> None:
    """Write a disk that is in another program, which listens at a socket."""
    reading, node = line.reading, drive.node
    source, driver = reading.child(node, "source"), reading.child(node, "driver")
    if source is None:
        raise untold(node)
    reading.get(source, "type", {"unix"})
    reading.set_aside(source, "index")
    name = _name(line, drive)
    path = line.need("vhost-user", reading.get(source, "path") or "", source)
    told = options("socket", id=f"chr-vu-{name}", path=path, **reconnecting(line, source))
    if driver is not None:
        reading.get(driver, "name", {"qemu"})
        reading.get(driver, "type", {"raw"})
        more |= of_driver(line, driver, node)
    line.plug_virtio(node, "vhost-user-blk", "-chardev", told, model=reading.get(node, "model"),
                     chardev=f"chr-vu-{name}", id=name, **more)  # fmt: skip


def _name(line: Line, drive: Drive) -> str:
    """Give libvirt's name of a disk: by its place on its controller, or by its number."""
    if drive.place is not None and drive.bus != "nvme":
        controller, bus, target, unit = drive.place
        is_narrow = drive.bus != "scsi" or _model(line, controller) == "lsilogic"
        middle = f"{bus}" if is_narrow else f"{bus}-{target}"
        return line.name(drive.node, f"{drive.bus}{controller}-{middle}-{unit}")
    number = disk_index(drive.name) or 0
    return line.name(drive.node, f"{drive.bus}-disk{number}")


def _attach(
    line: Line, drive: Drive, device: str, before: list[str], more: dict[str, object]
) -> None:
    """Write the device, on its bus."""
    node, bus = drive.node, bus_named(drive.bus)
    more["id"] = name = _name(line, drive)
    model = line.reading.get(node, "model")
    if device == "floppy":
        _floppy(line, drive, before, more)
        return
    words = bus.words
    driver = words and {"disk": words.disk, "cdrom": words.cdrom, "lun": words.lun}.get(device)
    if bus.name == "usb":
        _on_usb(line, drive, device, before, more, model or _usual_on_usb(line, device))
        return
    if not words or not driver:
        raise untold(node, "device", f"a {device} on the bus {drive.bus!r}")
    if bus.controller is None and bus.address == "":
        # a device of the board's own bus
        threads = mapping(line, node)
        more["iothread-vq-mapping"] = threads
        line.plug_virtio(node, "virtio-blk", *before, model=model, **more)
        return
    if bus.name == "scsi" and driver in {"scsi-hd", "scsi-cd"}:
        more["device_id"] = _identity(name, drive)
    place = _place(line, drive, bus)
    line.device(Turn.ATTACHED, options(driver, **place, **more), *before)


def _identity(name: str, drive: Drive) -> str:
    """Give what a SCSI disk is called by its guest: its serial number, or what it is."""
    serial = drive.node.findtext("serial")
    if serial:
        return serial
    return f"drive-{name}"


def _usual_on_usb(line: Line, device: str) -> str:
    """Give the model that libvirt chooses: new CD-ROMs are real ones, and may be empty."""
    models = ["usb-storage"]
    if line.domain.world.target.dialect.has(DISK_USB_BOT):
        models.append("usb-bot")
        if device == "cdrom" and line.domain.new:
            models.reverse()
    return next((model for model in models if line.has_type(model)), models[0])


def _on_usb(
    line: Line, drive: Drive, device: str, before: list[str], more: dict[str, object], model: str
) -> None:
    """Write a disk on USB; a CD-ROM of the newer kind is one of SCSI inside."""
    place = line.usb_place(drive.node)
    more.setdefault("removable", "off" if model != "usb-bot" else None)
    if model == "usb-bot":
        name = str(more.pop("id"))
        line.device(Turn.ATTACHED, options("usb-bot", id=name, **place))
        driver = "scsi-cd" if device == "cdrom" else "scsi-hd"
        inner = {"bus": f"{name}.0", "scsi-id": 0, "lun": 0, "id": f"{name}-device"}
        line.device(Turn.ATTACHED, options(driver, **inner, **more), *before, order=1)
        return
    line.device(Turn.ATTACHED, options("usb-storage", **place, **more), *before)


def _floppy(line: Line, drive: Drive, before: list[str], more: dict[str, object]) -> None:
    """Write a floppy disk, in one of the two drives of the board's controller."""
    at = drive.place
    _taken_address(line, drive.node)
    if at is None or at.controller or at.bus or at.target or at.unit > 1:
        raise untold(drive.node, "", "a floppy disk that is in no drive of the board")
    first = more.pop("bootindex", None)
    if first is not None:
        line.add("-global", f"isa-fdc.bootindex{_CHAR_OF_FLOPPY[at.unit]}={first}")
    line.device(Turn.ATTACHED, options("floppy", unit=at.unit, **more), *before)


def _taken_address(line: Line, node: Node) -> None:
    address = line.reading.child(node, "address")
    if address is not None:
        line.reading.get(address, "type", {"drive"})
        line.reading.set_aside(address, "controller", "bus", "target", "unit")


def _place(line: Line, drive: Drive, bus: DiskBus) -> dict[str, object]:
    """Take the place of a disk on a controller, by the form that its bus has for it."""
    _taken_address(line, drive.node)
    at = drive.place
    if at is None:
        raise untold(drive.node, "", "a disk without a place")
    form = _form(line, bus, at.controller)
    if not form or any(getattr(at, name) for name in bus.zero):
        raise untold(drive.node, "", f"a disk on the bus {bus.name!r} at {at}")
    numbers = {name: getattr(at, name) for name in ("controller", "bus", "target", "unit")}
    numbers |= {"nsid": at.unit + 1, "name": line.controller_name(bus.name, at.controller)}
    parts = (part.partition("=") for part in form.format(**numbers).split(","))
    return {name: number for name, _, number in parts}


def _form(line: Line, bus: DiskBus, index: int) -> str:
    """Give the form of a place: that of the board's own controller, or by the model of another."""
    words = bus.words
    if words is None:
        return ""
    if bus.controller is not None and line.holds(bus.controller.builtin) and not index:
        return words.builtin
    model = _model(line, index) if bus.name == "scsi" else ""
    return words.by_model.get(model, words.place)


def _model(line: Line, index: int) -> str:
    """Give the model of a SCSI controller."""
    controllers = line.domain.all(InstalledControllers)[0].of("scsi")
    return next((c.model or "" for c in controllers if c.index == index), "")
