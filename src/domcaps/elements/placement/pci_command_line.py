"""QEMU arguments for PCI controllers: bridges, ports, and host bridges of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import I440FX, Q35
from domcaps.elements.placement.assigned import AssignedAddresses
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.command_line import ON_OFF, Line, Turn, options
from domcaps.language.quantities import size_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.installed import InstalledController

BRIDGES = {
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pci-bridge": "pci-bridge",
    "pci-expander-bus": "pxb",
    "pcie-expander-bus": "pxb-pcie",
    "pcie-root-port": "pcie-root-port",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
}
"""PCI controllers by model."""
_DEVICES = {*BRIDGES.values(), "ioh3420", "spapr-pci-host-bridge"}
_HOST_BRIDGE = "spapr-pci-host-bridge"
_LAST_BUS = 256
_KIB = 1024
_ROOTS = ((I440FX, "i440FX-pcihost"), (Q35, "q35-pcihost"))


def write_pci(line: Line, controller: InstalledController, node: Node | None) -> bool:
    """Write a PCI controller; False where there is no way to."""
    reading = line.reading
    holder = None if node is None else reading.child(node, "model")
    driver = None if holder is None else reading.get(holder, "name", _DEVICES)
    target = None if node is None else reading.child(node, "target")
    more = _of_target(line, controller, target)
    if controller.model in {"pci-root", "pcie-root"}:
        _root(line, controller, node, more)
        return True
    if controller.model not in BRIDGES:
        return False
    usual = BRIDGES[controller.model]
    if controller.model == "pcie-root-port" and not line.has_type(usual):
        usual = "ioh3420"
    name = line.name(node, f"pci.{controller.index}")
    line.identify(Turn.BRIDGE, controller, name, order=controller.index)
    told = options(driver or usual, **more, id=name, **line.place(controller))
    line.device(Turn.BRIDGE, told, order=controller.index)
    return True


def _of_target(
    line: Line, controller: InstalledController, target: Node | None
) -> dict[str, object]:
    """Take the numbers of a controller, as given or as libvirt chooses them."""
    numbers: dict[str, int | None] = {}
    hotplug, node = None, None
    if target is not None:
        names = ("chassisNr", "chassis", "port", "busNr", "index", "memReserve")
        numbers = {name: line.reading.number(target, name) for name in names}
        hotplug = line.reading.get(target, "hotplug", ON_OFF)
        inner = line.reading.child(target, "node")
        node = None if inner is None else line.reading.text(inner)
    choose = _CHOSEN.get(controller.model or "")
    chosen = {} if choose is None else choose(line, controller)
    told: dict[str, object] = {
        option: chosen[option] if numbers.get(name) is None else numbers[name]
        for name, option in _OPTIONS.items()
        if option in chosen
    }
    if numbers.get("memReserve") is not None:
        told["mem-reserve"] = (numbers["memReserve"] or 0) * _KIB
    if controller.model in {"pcie-root-port", "pcie-switch-downstream-port"}:
        told["hotplug"] = hotplug
    elif hotplug is not None and controller.model == "pci-root" and line.holds(I440FX):
        line.add("-global", f"PIIX4_PM.acpi-root-pci-hotplug={hotplug}")
    return told | ({"numa_node": node} if node is not None else {})


_OPTIONS = {"chassisNr": "chassis_nr", "chassis": "chassis", "port": "port", "busNr": "bus_nr",
            "index": "index"}  # fmt: skip


def _port(line: Line, controller: InstalledController) -> dict[str, int]:
    place = line.domain.all(AssignedAddresses)[0].pci(controller)
    number = 0 if place is None else place.address.slot * 8 + place.address.function
    return {"chassis": controller.index, "port": number}


def _downstream(line: Line, controller: InstalledController) -> dict[str, int]:
    place = line.domain.all(AssignedAddresses)[0].pci(controller)
    return {"chassis": controller.index, "port": 0 if place is None else place.address.slot}


def _bridge(line: Line, controller: InstalledController) -> dict[str, int]:  # noqa: ARG001
    return {"chassis_nr": controller.index}


def _expander(line: Line, controller: InstalledController) -> dict[str, int]:
    """Give the number of an expander bus: two below the lowest so far, as libvirt does."""
    lowest = _LAST_BUS
    for other in line.domain.all(InstalledControllers)[0].of("pci"):
        if other.model not in {"pci-expander-bus", "pcie-expander-bus"} or other.part is None:
            continue
        target = other.part.node.find("target")
        named = None if target is None else target.get("busNr")
        lowest = min(lowest, int(named, 0) if named and named.isalnum() else _LAST_BUS)
    before = [c for c in line.domain.all(InstalledControllers)[0].of("pci")
              if c.model == controller.model and not _numbered(c)]  # fmt: skip
    place = before.index(controller) if controller in before else 0
    return {"bus_nr": lowest - 2 * (place + 1)}


def _numbered(controller: InstalledController) -> bool:
    target = None if controller.part is None else controller.part.node.find("target")
    return target is not None and target.get("busNr") is not None


def _host_bridge(line: Line, controller: InstalledController) -> dict[str, int]:  # noqa: ARG001
    return {"index": controller.index}


_CHOSEN: dict[str, Callable[[Line, InstalledController], dict[str, int]]] = {
    "pcie-root-port": _port,
    "pcie-switch-downstream-port": _downstream,
    "pci-bridge": _bridge,
    "pci-expander-bus": _expander,
    "pcie-expander-bus": _expander,
    "pci-root": _host_bridge,
}


def _root(
    line: Line, controller: InstalledController, node: Node | None, more: dict[str, object]
) -> None:
    """Write a host bridge of pseries; the first root is part of its board."""
    hole = None if node is None else line.reading.child(node, "pcihole64")
    if hole is not None:
        line.reading.text(hole)
        line.reading.set_aside(hole, "unit")
        size = (size_of(hole) or 0) // _KIB
        for board, driver in _ROOTS:
            if line.holds(board):
                line.add("-global", f"{driver}.pci-hole64-size={size}K")
    if controller.index:
        told = options(_HOST_BRIDGE, **more, id=line.name(node, f"pci.{controller.index}"))
        line.device(Turn.BRIDGE, told, order=controller.index)
