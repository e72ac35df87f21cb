"""QEMU arguments for controllers: those of a domain, and those that libvirt adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import Q35
from domcaps.elements.buses.disk import BUSES
from domcaps.elements.controllers.models import XHCI
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.installed import InstalledController

BRIDGES = {
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pci-bridge": "pci-bridge",
    "pcie-root-port": "pcie-root-port",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
}
"""PCI controllers by model."""
COMPANION_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
"""The first port of its master that a companion serves, where a domain does not say."""
EHCI_WITH_COMPANIONS = {
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
}
"""A controller for fast devices, and its companions for slow ones, by model."""
USB_CONTROLLERS = {
    "qemu-xhci": "qemu-xhci",
    "nec-xhci": "nec-usb-xhci",
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
}
"""Controllers that stand alone, by model."""
_PORT_DEVICES = {"pcie-root-port", "ioh3420", *BRIDGES.values()}
# slot and function of controllers that boards have
_IDE, _SATA = (1, 1), (0x1F, 2)


def write_controllers(line: Line, devices: Node) -> None:
    """Tell of the controllers, and of those that libvirt adds."""
    line.reading.children(devices, "controller")
    for controller in _hardware(line).all:
        part = controller.part
        node = None if part is None else part.node
        if node is not None:
            # what they are is known of each by `InstalledControllers`
            line.reading.set_aside(node, "type", "index", "model")
        _controller(line, controller, node)


def _hardware(line: Line) -> InstalledControllers:
    return line.domain.all(InstalledControllers)[0]


def _controller(line: Line, controller: InstalledController, node: Node | None) -> None:
    told = _TOLD.get(controller.type, _of_disks)
    if not told(line, controller, node):
        raise untold(
            line.domain.root if node is None else node,
            "",
            f"a controller {controller.type} of the model {controller.model or 'default'}",
        )


def _scsi(line: Line, controller: InstalledController, node: Node | None) -> bool:
    name = f"scsi{controller.index}"
    if controller.model == "virtio-scsi":
        line.plug(node, line.virtio("virtio-scsi"), id=name, **_scsi_options(line, node))
    elif controller.model == "lsilogic":
        line.plug(node, "lsi", id=name)
    else:
        return False
    return True


def _serial(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if controller.model not in {None, "virtio"}:
        return False
    ports = None if node is None else line.reading.number(node, "ports")
    driver = None if node is None else line.reading.child(node, "driver")
    more = {"max_ports": ports, **line.virtio_options(driver)}
    line.plug(node, line.virtio("virtio-serial"), id=f"virtio-serial{controller.index}", **more)
    return True


def _ide(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if controller.index or controller.model is not None or line.root_bus != "pci.0":
        return False
    _stays(line, node, *_IDE)
    return True


def _floppies(line: Line, controller: InstalledController, node: Node | None) -> bool:  # noqa: ARG001
    if controller.index:
        return False
    # part of an old PC, and a device of a newer one
    if line.holds(Q35):
        line.device(Turn.BRIDGE, options("isa-fdc", id="fdc0"))
    return True


def _scsi_options(line: Line, node: Node | None) -> dict[str, object]:
    driver = None if node is None else line.reading.child(node, "driver")
    if driver is None:
        return {}
    thread = line.reading.number(driver, "iothread")
    return {
        "iothread": None if thread is None else f"iothread{thread}",
        "num_queues": line.reading.number(driver, "queues"),
        "cmd_per_lun": line.reading.number(driver, "cmd_per_lun"),
        "max_sectors": line.reading.number(driver, "max_sectors"),
        **line.virtio_options(driver),
    }


def _has_master(line: Line, controller: InstalledController) -> bool:
    return any(
        other.index == controller.index and other.model not in COMPANION_PORTS
        for other in _hardware(line).of("usb")
    )


def _companion(line: Line, controller: InstalledController, node: Node | None) -> None:
    """Write a controller for fast devices, or one beside it for slow ones, on the same bus."""
    name = f"usb{controller.index or ''}"
    driver = EHCI_WITH_COMPANIONS[controller.model or ""]
    master = None if node is None else line.reading.child(node, "master")
    first = COMPANION_PORTS.get(controller.model or "")
    if master is None and (first is None or not _has_master(line, controller)):
        line.plug(node, driver, id=name)
        return
    if master is not None:
        first = line.reading.number(master, "startport")
    place = {} if node is None else line.place(node)
    told = options(driver, masterbus=f"{name}.0", firstport=first, **place)
    # after the one that it belongs to
    line.device(Turn.PLACED if place else Turn.ANYWHERE, told, order=1)


def _stays(line: Line, node: Node | None, slot: int, function: int) -> None:
    """Take the address of what is part of the board, and can be nowhere else."""
    address = None if node is None else line.reading.child(node, "address")
    if address is None:
        return
    line.reading.get(address, "type", {"pci"})
    for name, there in (("domain", 0), ("bus", 0), ("slot", slot), ("function", function)):
        if line.reading.number(address, name) not in {None, there}:
            raise untold(address, name, "another place for what is part of the board")


def _sata(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if line.holds(Q35) and not controller.index:
        _stays(line, node, *_SATA)
        return True
    return _of_disks(line, controller, node)


def _of_disks(line: Line, controller: InstalledController, node: Node | None) -> bool:
    """Write a controller of disks that is one device of QEMU, whatever its model."""
    kinds = (bus.controller for bus in BUSES if bus.controller is not None)
    driver = next((kind.qemu for kind in kinds if kind.type == controller.type), "")
    if not driver:
        return False
    line.plug(node, driver, id=f"{controller.type}{controller.index}")
    return True


def _pci(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if not controller.index and controller.model in {"pci-root", "pcie-root"}:
        return True
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
        hot = None if target is None else reading.get(target, "hotplug", {"on", "off"})
        more = {"chassis": controller.index if chassis is None else chassis, "port": port,
                "hotplug": hot}  # fmt: skip
    elif controller.model == "pcie-switch-downstream-port":
        chassis = port = None
        if target is not None:
            chassis, port = reading.number(target, "chassis"), reading.number(target, "port")
        more = {"chassis": controller.index if chassis is None else chassis, "port": port}
    elif controller.model == "pci-bridge":
        number = None if target is None else reading.number(target, "chassisNr")
        more = {"chassis_nr": controller.index if number is None else number}
    told = options(driver or BRIDGES[controller.model], id=f"pci.{controller.index}", **more,
                   **line.place(node))  # fmt: skip
    line.device(Turn.BRIDGE, told, order=controller.index)
    return True


def _usb(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if controller.model == "none":
        return True
    if controller.model in EHCI_WITH_COMPANIONS:
        _companion(line, controller, node)
        return True
    if controller.model not in USB_CONTROLLERS:
        return False
    ports = None if node is None else line.reading.number(node, "ports")
    if ports is not None and controller.model not in XHCI and node is not None:
        raise untold(node, "ports")
    driver, name = USB_CONTROLLERS[controller.model or ""], f"usb{controller.index or ''}"
    line.plug(node, driver, id=name, p2=ports, p3=ports)
    return True


_TOLD: dict[str, Callable[[Line, InstalledController, Node | None], bool]] = {
    "fdc": _floppies,
    "ide": _ide,
    "pci": _pci,
    "sata": _sata,
    "scsi": _scsi,
    "usb": _usb,
    "virtio-serial": _serial,
}
"""Writes a controller of each type, or says that there is no way to."""
