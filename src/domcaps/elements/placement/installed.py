"""The controllers of a domain, with those that libvirt adds.

A board has controllers of its own, and devices need some: a disk at ``sda`` a SCSI controller, a
channel of virtio a virtio-serial one. libvirt adds what the domain does not name, before it gives
addresses to devices. PCI controllers that are added for want of slots are not among these: see
`placement.pci_assignment`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import count
from typing import TYPE_CHECKING

from domcaps.elements.base.address import ZPCI, Address, PciAddress
from domcaps.elements.boards.defaults import CONTROLLER_TYPE
from domcaps.elements.boards.families import (
    ALWAYS_PCI,
    ARM,
    ARM_VIRT,
    I440FX,
    ISAPC,
    LOONGARCH,
    MALTA,
    MICROVM,
    MIPS,
    Q35,
    RISCV,
    RISCV_VIRT,
    S390,
    VERSATILE,
    X86,
)
from domcaps.elements.buses.disk import BUSES
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.controllers.models import (
    COMPANIONS,
    EHCI,
    added_usb_model,
    default_scsi_model,
    default_usb_model,
)
from domcaps.elements.placement.drives import Drives
from domcaps.elements.placement.virtio_serial import Ports
from domcaps.language.changes.placement import BOARD_DEVICES, BOARDS_WITHOUT_PCI, MALTA_PCI
from domcaps.language.fix import Fix
from domcaps.language.lazy import cached_property
from domcaps.language.node_path import path_of
from domcaps.language.observed import arch, machine
from domcaps.language.part import Part
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.struct import MutableStruct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.world import World

_REALVIEW = ARM & machine("realview*")
_REALVIEW_EB = ARM & machine("realview-eb*")
_NO_USB_PC = X86 & ISAPC

_VERSATILE_6 = VERSATILE & arch("armv6l")
_WITHOUT_USB = ARM | S390 | RISCV | arch("sparc")
"""Architectures that older libvirt, too, added no USB to; all others got it."""

_ALWAYS_PCI_ROOT = I440FX | VERSATILE | ALWAYS_PCI | (MIPS & MALTA)
PCIE_ROOT = Q35 | ARM_VIRT | RISCV_VIRT
WITH_BUS = _ALWAYS_PCI_ROOT | PCIE_ROOT | LOONGARCH | S390
"""Boards of which libvirt knows that devices can be plugged into them."""

_NOT_YET_KNOWN = arch("m68k", "xtensa", "xtensaeb", "i686", "x86_64")
"""Architectures of which libvirt 11.9 and later refuse the boards it knows no PCI root for."""


class InstalledController(MutableStruct, eq=False):
    """A controller that the domain has: `part` is None for one that libvirt adds.

    `kind` is the kind of address that it has or gets, "" where libvirt is to choose; `place` its
    address on PCI.
    """

    type: str
    model: str | None
    index: int
    part: Controller | None = None
    kind: str = ""
    place: PciAddress | None = None
    companion: bool = False


def _installed(part: Controller) -> InstalledController:
    address = part.address
    if part.type == "usb" and part.settled_model == "none":
        address = None
    return InstalledController(
        part.type or CONTROLLER_TYPE,
        part.settled_model,
        -1 if part.index is None else part.index,
        part,
        "" if address is None else address.type or "",
        None if address is None else address.pci,
        companion=part.has("master") or part.model in COMPANIONS,
    )


class ControllerRow(list[InstalledController]):
    """The controllers of a type in the order in which libvirt keeps them, which `put` follows."""

    def __init__(self) -> None:
        super().__init__()
        # the largest index up to each place, by which a place is found without looking at all
        self._highest: list[int] = []
        self._with_companions: set[int] = set()
        self.indexes: set[int] = set()

    def put(self, new: InstalledController) -> None:
        """Insert a controller by its index, masters before companions; at the end without one."""
        place = len(self)
        if new.index != -1:
            place = bisect_right(self._highest, new.index)
            if not new.companion and new.index in self._with_companions:
                place = self._before_companions(new.index, place)
        before = self._highest[place - 1] if place else -1
        self.insert(place, new)
        self._highest.insert(place, max(new.index, before))
        self._note(new)

    def _before_companions(self, index: int, end: int) -> int:
        start = bisect_left(self._highest, index)
        places = range(start, end)
        return next((p for p in places if self[p].companion and self[p].index == index), end)

    def _note(self, controller: InstalledController) -> None:
        self.indexes.add(controller.index)
        if controller.companion:
            self._with_companions.add(controller.index)

    def arrange(self, *, again: bool) -> None:
        """Take notice of indexes that were given; with `again` the order follows them."""
        given = list(self)
        self.clear()
        self._highest.clear()
        self.indexes.clear()
        self._with_companions.clear()
        for controller in given:
            if again:
                self.put(controller)
                continue
            self.append(controller)
            self._highest.append(max(controller.index, self._highest[-1] if self._highest else -1))
            self._note(controller)


class InstalledControllers(Part):
    """All controllers of a domain, and what follows from its board."""

    path = ""

    @cached_property
    def by_type(self) -> dict[str, ControllerRow]:
        """The controllers of each type, by index."""
        installed: dict[str, ControllerRow] = {}
        for part in self.domain.all(Controller):
            installed.setdefault(part.type or CONTROLLER_TYPE, ControllerRow()).put(
                _installed(part)
            )
        self._for_host_devices(installed)
        for controllers in installed.values():
            _number(controllers)
        self._for_the_board(installed)
        self._for_devices(installed)
        if "virtio-serial" in installed or self._names_virtio_serial:
            self._serial_ports = Ports(
                self.domain,
                (
                    (c.index, None if c.part is None else c.part.ports)
                    for c in installed.get("virtio-serial", ())
                ),
            )
            for index in self._serial_ports.added:
                self._add(installed, "virtio-serial", index)
        return installed

    @property
    def _names_virtio_serial(self) -> bool:
        return any(address.type == "virtio-serial" for address in self.domain.all(Address))

    _serial_ports: Ports | None = None

    @property
    def serial_ports(self) -> Ports | None:
        """The ports of virtio-serial, None where there is no controller for it."""
        self.by_type  # noqa: B018 - which finds them
        return self._serial_ports

    def of(self, kind: str) -> list[InstalledController]:
        """Give the controllers of a type, by index."""
        return self.by_type.get(kind, [])

    @property
    def all(self) -> Iterator[InstalledController]:
        """Every controller, in libvirt's order."""
        for controllers in self.by_type.values():
            yield from controllers

    @cached_property
    def pci_root(self) -> str:
        """``pci-root`` or ``pcie-root``, "" where the board has no PCI that libvirt knows of."""
        return next((c.model or "" for c in self.of("pci") if c.index == 0), "")

    @cached_property
    def has_usb(self) -> bool:
        """Whether there is a USB controller other than ``none``."""
        return any(c.model != "none" for c in self.of("usb"))

    @cached_property
    def board_root(self) -> str:
        """The PCI root that is part of the board, "" where there is none."""
        world = self.domain.world
        if world.truth(PCIE_ROOT) or world.truth(LOONGARCH):
            return "pcie-root"
        since = world.target.dialect.has(BOARDS_WITHOUT_PCI)
        has = self._has_known_root(world) or (since and world.truth(_REALVIEW_EB))
        on_z = world.truth(S390) and world.truth(ZPCI)
        return "pci-root" if has or on_z else ""

    def _has_known_root(self, world: World) -> bool:
        older = not world.target.dialect.has(BOARD_DEVICES)
        if older and world.truth(VERSATILE) and not world.truth(_VERSATILE_6):
            return False
        if world.truth(MIPS) and not world.target.dialect.has(MALTA_PCI):
            return False
        return bool(world.truth(_ALWAYS_PCI_ROOT))

    @cached_property
    def supports_pci(self) -> bool:
        """Whether libvirt gives addresses on PCI to devices of this board."""
        world = self.domain.world
        if world.target.dialect.has(BOARDS_WITHOUT_PCI):
            return True
        if world.truth(ARM):
            return bool(world.truth(ARM_VIRT) or world.truth(VERSATILE))
        return not world.truth(RISCV) or bool(world.truth(RISCV_VIRT))

    def _for_host_devices(self, installed: dict[str, ControllerRow]) -> None:
        """Add SCSI controllers, as libvirt does while it reads SCSI devices of the host."""
        places = [drive.place for drive in self.drives.host_devices if drive.given]
        last = max((place.controller for place in places if place), default=-1)
        if last < 0 and self.drives.host_devices:
            last = 0
        for index in range(min(last, _MOST) + 1):
            self._add(installed, "scsi", index)

    def _for_the_board(self, installed: dict[str, ControllerRow]) -> None:
        world = self.domain.world
        model = self._board_usb(world)
        if model and not any(c.index == 0 for c in installed.get("usb", ())):
            chosen = default_usb_model(self.domain) if model == "default" else model
            usb = installed.setdefault("usb", ControllerRow())
            usb.put(InstalledController("usb", chosen, 0))
            if model == "ich9-ehci1":
                for companion in sorted(COMPANIONS):
                    usb.put(InstalledController("usb", companion, 0, companion=True))
        if world.truth(Q35):
            self._add(installed, "sata", 0)
        if self.board_root and not any(c.index == 0 for c in installed.get("pci", ())):
            installed.setdefault("pci", ControllerRow()).put(
                InstalledController("pci", self.board_root, 0)
            )

    def _board_usb(self, world: World) -> str | None:
        since = world.target.dialect.has(BOARDS_WITHOUT_PCI)
        if world.truth(X86):
            has = not world.truth(_NO_USB_PC) and not (since and world.truth(MICROVM))
        elif not world.target.dialect.has(BOARD_DEVICES):
            has = not world.truth(_WITHOUT_USB)
        elif world.truth(ARM):
            has = bool(world.truth(VERSATILE) or world.truth(_REALVIEW_EB if since else _REALVIEW))
        else:
            has = bool(world.truth(ALWAYS_PCI) or world.truth(MIPS))
        return added_usb_model(self.domain) if has else None

    @cached_property
    def drives(self) -> Drives:
        """The disks and SCSI devices of the host."""
        return self.domain.all(Drives)[0]

    def _for_devices(self, installed: dict[str, ControllerRow]) -> None:
        last: dict[str, int] = {}
        for drive in self.drives.disks:
            if drive.place is not None and drive.bus in _ON_CONTROLLERS:
                last[drive.bus] = max(last.get(drive.bus, 0), drive.place.controller)
        for bus in _ON_CONTROLLERS:
            for index in range(min(last.get(bus, -1), _MOST) + 1):
                self._add(installed, bus, index)
        for tag in ("channel", "console"):
            for node in self.domain.find(f"devices/{tag}"):
                target = node.find("target")
                if target is not None and target.get("type") == "virtio":
                    self._add(installed, "virtio-serial", self._on(node, "virtio-serial"))
        for node in self.domain.find("devices/smartcard"):
            self._add(installed, "ccid", self._on(node, "ccid"))
        places = [drive.place for drive in self.drives.host_devices if drive.place]
        for index in range(min(max((p.controller for p in places), default=-1), _MOST) + 1):
            self._add(installed, "scsi", index)

    def _on(self, node: Node, kind: str) -> int:
        address = self.domain.within(Address, node)
        return address.number("controller") if address and address.type == kind else 0

    def _add(self, installed: dict[str, ControllerRow], kind: str, index: int) -> None:
        controllers = installed.setdefault(kind, ControllerRow())
        if index not in controllers.indexes:
            model = self._added_scsi(controllers) if kind == "scsi" else None
            controllers.put(InstalledController(kind, model, index))

    def _added_scsi(self, controllers: list[InstalledController]) -> str | None:
        """Give the model of a SCSI controller that libvirt adds: newer ones add another alike."""
        if controllers and self.domain.world.target.dialect.has(BOARDS_WITHOUT_PCI):
            return controllers[0].model
        return default_scsi_model(self.domain)


"""About the release since which a SCSI controller that is added is like the first: not in 11.3."""

_MOST = 1024
"""No domain has more controllers of a type; a number beyond is a mistake that others report."""

# libvirt adds those for SCSI first
_ON_CONTROLLERS = sorted(
    (bus.controller.type for bus in BUSES if bus.controller is not None),
    key=lambda kind: kind != "scsi",
)


def _number(controllers: ControllerRow) -> None:
    """Give indexes to controllers that have none: the lowest that is free, for each."""
    groups = False
    taken = {c.index for c in controllers}
    models = {(c.index, c.model) for c in controllers}
    free = (number for number in count() if number not in taken)
    for position, controller in enumerate(controllers):
        if controller.index != -1:
            continue
        before = controllers[position - 1] if position else None
        index = -1
        if controller.model in EHCI and before is not None and before.model in EHCI:
            groups = True
            if (before.index, controller.model) not in models:
                index = before.index
        controller.index = next(free) if index == -1 else index
        taken.add(controller.index)
        models.add((controller.index, controller.model))
    controllers.arrange(again=groups)


_PCI = "<controller type='pci' index='{}' model='{}'/>"
_USB = "<controller type='usb' index='{}' model='{}'/>"


@rule(
    "controller-pci-root-wrong",
    InstalledControllers,
    bad=Sample(_PCI.format(0, "pci-root"), machine="q35"),
    good=Sample(_PCI.format(0, "pcie-root"), machine="q35"),
)
def root_is_that_of_the_board(hardware: InstalledControllers) -> Problems:
    """The PCI controller with index 0 must be the root bus of the machine type."""
    wanted = hardware.board_root
    for controller in hardware.of("pci"):
        if controller.index == 0 and wanted and controller.model != wanted and controller.part:
            yield problem(
                f"this machine type needs the root controller {wanted!r}, not "
                f"{controller.model!r}; use model={wanted!r}, and remove PCI addresses that were "
                "written for another machine type ('domcaps fix' does both)",
                controller.part,
                "@model",
                accepted=(wanted,),
            )


@rule(
    "controller-pci-unsupported",
    InstalledControllers,
    bad=Sample(_PCI.format(0, "pci-root"), machine="microvm"),
    good=Sample(_PCI.format(0, "pci-root"), machine="pc"),
)
def pci_needs_a_root(hardware: InstalledControllers) -> Problems:
    """A PCI controller requires a machine type with a PCI bus (checked from libvirt 11.9)."""
    if hardware.board_root or not hardware.domain.world.target.dialect.has(BOARDS_WITHOUT_PCI):
        return
    for controller in hardware.of("pci"):
        if controller.part is not None:
            yield problem(
                "this machine type has no PCI bus; remove the controller, or use another "
                "machine type",
                controller.part,
                "@type",
            )


@rule(
    "controller-ide-several",
    InstalledControllers,
    bad="<controller type='ide'/><controller type='ide'/>",
    good="<controller type='ide'/>",
)
def ide_is_there_once(hardware: InstalledControllers) -> Problems:
    """A domain may have at most one IDE controller: the one that is built into the machine type."""
    for controller in hardware.of("ide"):
        part = controller.part
        if controller.index and part is not None and part.index is None:
            yield problem(
                "the machine type has a single IDE controller; remove this one", part, "@type"
            )


@rule(
    "os-machine-without-pci",
    InstalledControllers,
    bad=Sample("<memory>1048576</memory>", machine="xenfv"),
    good="<memory>1048576</memory>",
)
def boards_are_known(hardware: InstalledControllers) -> Problems:
    """The machine type must be one for which libvirt knows whether it has PCI (from
    libvirt 11.9).
    """
    world = hardware.domain.world
    if not world.target.dialect.has(BOARDS_WITHOUT_PCI) or hardware.board_root:
        return
    known = world.truth(_NO_USB_PC) or world.truth(MICROVM)
    if world.truth(_NOT_YET_KNOWN) and not known:
        yield problem(
            "libvirt does not know whether this machine type has PCI; use another machine type",
            hardware,
            "os/type",
        )


@rule(
    "controller-usb-none-conflict",
    InstalledControllers,
    bad=_USB.format(0, "none") + _USB.format(1, "qemu-xhci"),
    good=_USB.format(0, "none"),
)
def no_usb_beside_none(hardware: InstalledControllers) -> Problems:
    """``<controller type='usb' model='none'>`` cannot be combined with other USB controllers."""
    parts = [c for c in hardware.domain.all(Controller) if c.type == "usb"]
    if len(parts) > 1 and any(c.model == "none" for c in parts):
        none = tuple(path_of(c.node) for c in parts if c.model == "none")
        for part in parts[1:]:
            yield problem(
                "another controller has type='usb' model='none'; remove one of them",
                part,
                "@model",
                fix=Fix(without=none[::-1]),
            )


@rule(
    "controller-usb-master-missing",
    InstalledControllers,
    bad=_USB.format(0, "ich9-uhci1"),
    good=_USB.format(0, "ich9-ehci1") + _USB.format(0, "ich9-uhci1"),
)
def companions_have_a_master(hardware: InstalledControllers) -> Problems:
    """UHCI companion controllers need the EHCI controller (``ich9-ehci1``) of the same index."""
    given = [c for c in hardware.of("usb") if c.part is not None and c.model != "none"]
    if given and all(c.companion for c in given):
        where = given[0].part or hardware
        index = given[0].part.index if given[0].part is not None else None
        master = f"<controller type='usb' index='{index or 0}' model='ich9-ehci1'/>"
        yield problem(
            "this companion needs another <controller type='usb' model='ich9-ehci1'> with the same "
            "index; add it",
            where,
            fix=Fix(add=f"<devices>{master}</devices>"),
        )
