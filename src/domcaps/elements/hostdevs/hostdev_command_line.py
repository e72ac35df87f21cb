"""QEMU arguments for ``<hostdev>``, and for network cards that are devices of the host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.boards.defaults import HOSTDEV_MODE
from domcaps.elements.placement.drives import Drives
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.storage.source_command_line import pci_of_host, source_of
from domcaps.language.command_line import ON_OFF, YES_NO, Line, Turn, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

_TYPES = {"usb", "pci", "scsi", "scsi_host", "mdev"}
_BESIDES = {
    "bandwidth": "libvirt limits the bandwidth of the card",
    "vlan": "libvirt sets the VLAN of the card",
    "virtualport": "libvirt connects the card to the switch",
    "mac": "libvirt sets the address of the card",
}


def write_hostdevs(line: Line, devices: Node) -> None:
    """Write devices of the host; cards among the interfaces come first."""
    cards = [n for n in devices.iterfind("interface") if n.get("type") == "hostdev"]
    plain = line.reading.children(devices, "hostdev")
    for node in (*cards, *plain):
        _hostdev(line, node, line.numbered(node, "hostdev"))


def _hostdev(line: Line, node: Node, name: str) -> None:
    reading = line.reading
    if node.tag == "interface":
        reading.get(node, "type")
        for tag, what in _BESIDES.items():
            for inside in reading.children(node, tag):
                reading.beside(inside, what)
        model = reading.child(node, "model")
        if model is not None:
            reading.set_aside(model, "type")
    else:
        reading.get(node, "mode", {HOSTDEV_MODE})
    reading.get(node, "managed", YES_NO)
    kind = _kind(line, node)
    source = reading.child(node, "source")
    if source is None:
        raise untold(node)
    reading.set_aside(source, "startupPolicy", "writeFiltering")
    _TOLD[kind](line, node, source, name)


def _kind(line: Line, node: Node) -> str:
    if node.tag == "hostdev":
        return line.reading.get(node, "type", _TYPES) or ""
    address = node.find("source/address")
    return "usb" if address is not None and address.get("type") == "usb" else "pci"


def _pci(line: Line, node: Node, source: Node, name: str) -> None:
    reading = line.reading
    driver, address = reading.child(node, "driver"), reading.child(source, "address")
    if address is None:
        raise untold(source)
    reading.set_aside(address, "type")
    told: dict[str, object] = {"host": line.need("host-device", pci_of_host(line, address), source)}
    words: list[str] = []
    if driver is not None:
        reading.get(driver, "name", {"vfio", "kvm"})
        reading.set_aside(driver, "model")
        if reading.get(driver, "iommufd", YES_NO) == "yes":
            words = ["-object", options("iommufd", id="iommufd0")]
            told["iommufd"] = "iommufd0"
    teaming = reading.child(node, "teaming")
    if teaming is not None:
        reading.get(teaming, "type", {"transient"})
        told["failover_pair_id"] = reading.get(teaming, "persistent")
    told |= _display(line, node)
    if words and words[1] in line.words:
        words = []
    kind = "vfio-pci-nohotplug" if told.get("ramfb") else "vfio-pci"
    line.plug(node, kind, *words, **told, id=name, **_boot_and_rom(line, node))


def _boot_and_rom(line: Line, node: Node) -> dict[str, object]:
    boot = line.boot(node, "hostdev")
    rom = line.reading.child(node, "rom")
    told: dict[str, object] = {}
    if rom is not None:
        bar, file = line.reading.get(rom, "bar", ON_OFF), line.reading.get(rom, "file")
        enabled = line.reading.get(rom, "enabled", YES_NO)
        told = {"rombar": {"on": 1, "off": 0}.get(bar or ""), "romfile": file}
        if enabled == "no":
            told = {"rombar": 0, "romfile": ""}
        elif file:
            line.need("file", file, rom)
    return told | boot


def _display(line: Line, node: Node) -> dict[str, object]:
    display = line.reading.get(node, "display", ON_OFF)
    ramfb = line.reading.get(node, "ramfb", ON_OFF)
    return {"display": display, "ramfb": True if ramfb == "on" else None}


def _usb(line: Line, node: Node, source: Node, name: str) -> None:
    reading = line.reading
    address = reading.child(source, "address")
    vendor, product = reading.child(source, "vendor"), reading.child(source, "product")
    told: dict[str, object] = {}
    for part, option in ((vendor, "vendorid"), (product, "productid")):
        if part is not None:
            told[option] = reading.get(part, "id")
    if address is not None:
        reading.set_aside(address, "type", "port")
        bus, device = (reading.number(address, key) for key in ("bus", "device"))
        told = {"hostbus": bus, "hostaddr": device}
    reset = reading.get(source, "guestReset", {"off", "uninitialized", "on"})
    if reset is not None:
        told["guest-reset"] = reset != "off"
        told["guest-resets-all"] = None if reset == "off" else reset == "on"
    reading.get(source, "autoAddress", YES_NO)
    line.need("host-device", "USB", source)
    word = options(
        "usb-host", **told, id=name, **line.usb_place(node), **line.boot(node, "hostdev")
    )
    line.device(Turn.ATTACHED, word)


def _scsi(line: Line, node: Node, source: Node, name: str) -> None:
    reading = line.reading
    (number,) = line.blocks(1)
    backend = f"libvirt-{number}-backend"
    read_only = reading.child(node, "readonly") is not None
    protocol = reading.get(source, "protocol", {"adapter", "iscsi"})
    reading.get(node, "rawio", YES_NO)
    reading.get(node, "sgio", {"filtered", "unfiltered"})
    if protocol == "iscsi":
        blocks = source_of(line, source, "network", "lun", backend)
    else:
        adapter, unit = reading.child(source, "adapter"), reading.child(source, "address")
        if adapter is None or unit is None:
            raise untold(source)
        reading.set_aside(unit, "bus", "target", "unit", "type")
        where = f"{reading.get(adapter, 'name')}-{unit.get('bus')}-{unit.get('target')}"
        path = f"/dev/disk/by-host/{where}-{unit.get('unit')}"
        reading.besides[source] = "libvirt finds the device file of the host's SCSI device"
        blocks = {"driver": "host_device", "filename": line.need("host-device", path, source)}
    blocks |= {"node-name": backend, "read-only": read_only}
    more: dict[str, object] = {"drive": backend, "id": name}
    # QEMU locks no device of SCSI
    reading.child(node, "shareable")
    words = ["-blockdev", json.dumps(blocks, separators=(",", ":"))]
    place = _place(line, node)
    told = options("scsi-generic", **more, **place, **line.boot(node, "hostdev"))
    line.device(Turn.ATTACHED, told, *words)


def _place(line: Line, node: Node) -> dict[str, object]:
    reading = line.reading
    address = reading.child(node, "address")
    if address is not None:
        reading.get(address, "type", {"drive"})
        reading.set_aside(address, "controller", "bus", "target", "unit")
    drives = line.domain.all(Drives)[0].host_devices
    at = next((drive.place for drive in drives if drive.node is node), None)
    if at is None:
        raise untold(node, "", "a device without a place")
    controllers = line.domain.all(InstalledControllers)[0].of("scsi")
    model = next((c.model for c in controllers if c.index == at.controller), None)
    bus = f"{line.controller_name('scsi', at.controller)}.0"
    if model == "lsilogic":
        return {"bus": bus, "scsi-id": at.unit}
    return {"bus": bus, "channel": at.bus, "scsi-id": at.target,
            "lun": at.unit}  # fmt: skip


def _scsi_host(line: Line, node: Node, source: Node, name: str) -> None:
    reading = line.reading
    reading.get(source, "protocol", {"vhost"})
    model = reading.get(node, "model", VIRTIO_MODELS)
    wwpn = line.need("host-device", reading.get(source, "wwpn") or "", source)
    line.plug_virtio(node, "vhost-scsi", model=model, wwpn=wwpn, id=name)


def _mediated(line: Line, node: Node, source: Node, name: str) -> None:
    reading = line.reading
    model = reading.get(node, "model", {"vfio-pci", "vfio-ccw", "vfio-ap"}) or ""
    address = reading.child(source, "address")
    if address is None:
        raise untold(source)
    uuid = reading.get(address, "uuid")
    path = line.need("host-device", f"/sys/bus/mdev/devices/{uuid}", source)
    told = {"id": name, "sysfsdev": path, **_display(line, node), **line.boot(node, "hostdev")}
    driver = "vfio-pci-nohotplug" if told.get("ramfb") else model
    line.plug(node, driver, **told)


_TOLD: dict[str, Callable[[Line, Node, Node, str], None]] = {
    "pci": _pci,
    "usb": _usb,
    "scsi": _scsi,
    "scsi_host": _scsi_host,
    "mdev": _mediated,
}
"""Writes a device of each type."""
