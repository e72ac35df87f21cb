"""QEMU arguments for controllers: those of a domain, and those that libvirt adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import BUILTIN_IDE, I440FX, Q35
from domcaps.elements.buses.disk import BUSES
from domcaps.elements.controllers.iothreads_command_line import mapping
from domcaps.elements.controllers.models import COMPANIONS, VIRTIO_SCSI_MODELS, XHCI
from domcaps.elements.placement.assigned import AssignedAddresses
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.placement.pci_command_line import write_pci
from domcaps.language.command_line import ON_OFF, Line, Turn, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.installed import InstalledController

# slot and function of controllers that boards have
_IDE, _SATA = (1, 1), (0x1F, 2)

COMPANION_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
"""The first port of its master that a companion serves, where a domain does not say."""
USB_CONTROLLERS = {
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "nec-xhci": "nec-usb-xhci",
    "pci-ohci": "pci-ohci",
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "qemu-xhci": "qemu-xhci",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
}
"""QEMU's controllers by libvirt's models."""
SCSI_CONTROLLERS = {
    "am53c974": "am53c974",
    "dc390": "dc390",
    "ibmvscsi": "spapr-vscsi",
    "lsilogic": "lsi",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
}
"""QEMU's controllers by libvirt's models, without those of virtio and that of some boards."""


def write_controllers(line: Line, devices: Node) -> None:
    """Write the controllers, and those that libvirt adds."""
    line.reading.children(devices, "controller")
    added = line.domain.all(AssignedAddresses)[0].added_buses
    for controller in (*_hardware(line).all, *added):
        node = _node(controller)
        if node is not None:
            # what they are is known of each by `InstalledControllers`
            line.reading.set_aside(node, "type", "index", "model")
        _controller(line, controller, node)


def _hardware(line: Line) -> InstalledControllers:
    return line.domain.all(InstalledControllers)[0]


def _node(controller: InstalledController) -> Node | None:
    return None if controller.part is None else controller.part.node


def _controller(line: Line, controller: InstalledController, node: Node | None) -> None:
    told = _TOLD.get(controller.type, _of_disks)
    if not told(line, controller, node):
        raise untold(
            line.domain.root if node is None else node,
            "",
            f"a controller {controller.type} of the model {controller.model or 'default'}",
        )


def _driver(line: Line, node: Node | None) -> Node | None:
    return None if node is None else line.reading.child(node, "driver")


def _scsi(line: Line, controller: InstalledController, node: Node | None) -> bool:
    model, name = controller.model, line.name(node, f"scsi{controller.index}")
    if model == "ncr53c90":
        # part of the boards that have it
        return True
    if model in VIRTIO_SCSI_MODELS:
        more = _scsi_options(line, node)
        line.plug_virtio(controller, "virtio-scsi", model=model, id=name, **more)
    elif model in SCSI_CONTROLLERS:
        driver = _driver(line, node)
        if driver is not None:
            line.reading.set_aside(driver, "queues", "cmd_per_lun", "max_sectors")
        line.plug(controller, SCSI_CONTROLLERS[model or ""], id=name)
    else:
        return False
    return True


def _scsi_options(line: Line, node: Node | None) -> dict[str, object]:
    driver = _driver(line, node)
    if driver is None or node is None:
        return {}
    thread = line.reading.number(driver, "iothread")
    return {
        "iothread": None if thread is None else f"iothread{thread}",
        "num_queues": line.reading.positive(driver, "queues"),
        "cmd_per_lun": line.reading.positive(driver, "cmd_per_lun"),
        "max_sectors": line.reading.positive(driver, "max_sectors"),
        "ioeventfd": line.reading.get(driver, "ioeventfd", ON_OFF),
        "iothread-vq-mapping": mapping(line, node),
        **line.virtio_options(driver),
    }


def _serial(line: Line, controller: InstalledController, node: Node | None) -> bool:
    numbers = {} if node is None else {
        "vectors": line.reading.number(node, "vectors"),
        "max_ports": line.reading.number(node, "ports"),
    }  # fmt: skip
    line.plug_virtio(
        controller,
        "virtio-serial",
        model=controller.model,
        id=line.name(node, f"virtio-serial{controller.index}"),
        **numbers,
        **line.virtio_options(_driver(line, node)),
    )
    return True


def _ide(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if controller.index or not line.holds(BUILTIN_IDE):
        return False
    _stays(line, node, *_IDE)
    return True


def _floppies(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if controller.index:
        return False
    if node is not None:
        line.place(node)
    # part of an old PC, and a device of a newer one
    if not line.holds(I440FX):
        line.device(Turn.BRIDGE, options("isa-fdc"))
    return True


def _has_master(line: Line, controller: InstalledController) -> bool:
    return any(
        other.index == controller.index and other.model not in COMPANIONS
        for other in _hardware(line).of("usb")
    )


def _companion(line: Line, controller: InstalledController, node: Node | None) -> None:
    """Write a controller for slow devices beside one for fast ones, on the same bus."""
    name = line.controller_name("usb", controller.index)
    driver = USB_CONTROLLERS[controller.model or ""]
    master = None if node is None else line.reading.child(node, "master")
    first = COMPANION_PORTS.get(controller.model or "")
    if master is None and (first is None or not _has_master(line, controller)):
        line.plug(controller, driver, id=name)
        return
    if master is not None:
        first = line.reading.number(master, "startport")
    place = line.place(controller)
    told = options(driver, masterbus=f"{name}.0", firstport=first, **place)
    # after the one that it belongs to
    line.device(Turn.PLACED if place else Turn.ANYWHERE, told, order=1)


def _usb(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if controller.model == "none":
        return True
    if controller.model is None and line.has_channels:
        # libvirt keeps a controller without a model in the definition, and gives QEMU none
        if node is not None:
            line.reading.beside(node, "QEMU gets no USB controller without a model on s390x")
        return True
    driver = USB_CONTROLLERS.get(controller.model or "")
    name = f"usb{controller.index or ''}"
    if driver is None:
        return False
    if controller.model in {*COMPANIONS, "ich9-ehci1"}:
        _companion(line, controller, node)
        return True
    ports = None if node is None else line.reading.number(node, "ports")
    if ports is not None and controller.model not in XHCI and node is not None:
        raise untold(node, "ports")
    line.plug(controller, driver, id=line.name(node, name), p2=ports, p3=ports)
    return True


def _sata(line: Line, controller: InstalledController, node: Node | None) -> bool:
    if line.holds(Q35) and not controller.index:
        _stays(line, node, *_SATA)
        return True
    return _of_disks(line, controller, node)


def _stays(line: Line, node: Node | None, slot: int, function: int) -> None:
    """Take the address of what is part of the board, and can be nowhere else."""
    address = None if node is None else line.reading.child(node, "address")
    if address is None:
        return
    line.reading.get(address, "type", {"pci"})
    line.reading.get(address, "multifunction", ON_OFF)
    for name, there in (("domain", 0), ("bus", 0), ("slot", slot), ("function", function)):
        if line.reading.number(address, name) not in {None, there}:
            raise untold(address, name, "another place for what is part of the board")


def _of_disks(line: Line, controller: InstalledController, node: Node | None) -> bool:
    """Write a controller of disks that is one device of QEMU, whatever its model."""
    kinds = (bus.controller for bus in BUSES if bus.controller is not None)
    driver = next((kind.qemu for kind in kinds if kind.type == controller.type), "")
    if not driver:
        return False
    name = line.name(node, f"{controller.type}{controller.index}")
    line.plug(controller, driver, id=name)
    return True


def _nvme(line: Line, controller: InstalledController, node: Node | None) -> bool:
    serial = None if node is None else line.reading.child(node, "serial")
    text = None if serial is None else line.reading.text(serial)
    if not text:
        disks = [d for d in _hardware(line).drives.disks if d.bus == "nvme" and d.place]
        here = [d.node for d in disks if d.place and d.place.controller == controller.index]
        text = next(filter(None, (disk.findtext("serial") for disk in here)), None)
    line.plug(controller, "nvme", id=line.name(node, f"nvme{controller.index}"), serial=text)
    return True


def _ccid(line: Line, controller: InstalledController, node: Node | None) -> bool:
    """Write a reader of smart cards, which is on USB."""
    if node is not None:
        place = line.usb_place(node)
    else:
        added = [c for c in _hardware(line).of("ccid") if c.part is None]
        ports = line.domain.all(AssignedAddresses)[0].added_usb("controller")
        if len(ports) != len(added):
            return False
        port = ports[added.index(controller)]
        place = {"bus": f"{line.controller_name('usb', port.bus)}.0",
                 "port": ".".join(map(str, port.port))}  # fmt: skip
    told = options("usb-ccid", id=line.name(node, f"ccid{controller.index}"), **place)
    line.device(Turn.ATTACHED, told, order=-1)
    return True


_TOLD: dict[str, Callable[[Line, InstalledController, Node | None], bool]] = {
    "ccid": _ccid,
    "fdc": _floppies,
    "ide": _ide,
    "nvme": _nvme,
    "pci": write_pci,
    "sata": _sata,
    "scsi": _scsi,
    "usb": _usb,
    "virtio-serial": _serial,
}
"""Writes a controller of each type, or says that there is no way to."""
