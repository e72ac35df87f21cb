"""Addresses on PCI: those that a domain gives, and whether the others find a place.

libvirt gives every device of PCI an address when a domain is defined. What the domain says comes
first; then come the devices that are part of the board; the rest takes the first free slots, and
buses are added as needed. This is done here as libvirt does it, so that what it has no place for is
found, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import PciAddress
from domcaps.elements.boards.families import I440FX, PSERIES, Q35
from domcaps.elements.controllers.models import EHCI, PCI_ROOTS
from domcaps.elements.placement.elsewhere import beside_pci
from domcaps.elements.placement.installed import InstalledController, InstalledControllers
from domcaps.elements.placement.pci_buses import (
    NEEDS,
    PCI_DEVICE,
    PCIE,
    PCIE_DEVICE,
    Bus,
    Buses,
    NoPlace,
)
from domcaps.elements.placement.pci_devices import ORDER, PciDevice, PciDevices
from domcaps.language.changes.placement import BOARDS_WITHOUT_PCI
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import Part
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

PCIE_TO_PCI = device("pcie-pci-bridge")

_EHCI_FUNCTION = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}
_PRIMARY_IDE = PciAddress(0, 0, 1, 1)
_PRIMARY_USB = PciAddress(0, 0, 1, 2)
_PRIMARY_SATA = PciAddress(0, 0, 0x1F, 2)
_PIIX3_SLOT = 1
_ICH9_SLOT = 0x1F
_USUAL_SLOTS = {"ich9-uhci1": (0x1D, 0x1A), "dmi-to-pci-bridge": (0x1E,)}
_WITH_BUS = PCI_ROOTS | NEEDS.keys()
_MOST_INDEX = 255


class Misplaced(NamedTuple):
    """A device without a place; `given` where the domain names one, False where none is left."""

    node: Node | None
    message: str
    given: bool


class PciTopology(Part):
    """The PCI buses of a domain with what is plugged into them."""

    path = ""

    @property
    def hardware(self) -> InstalledControllers:
        """The controllers of the domain."""
        return self.domain.all(InstalledControllers)[0]

    @cached_property
    def devices(self) -> PciDevices:
        """The devices that are on PCI."""
        return PciDevices(self.domain, self.hardware)

    @cached_property
    def _placement(self) -> _Placement:
        placement = _Placement(self)
        placement.run()
        return placement

    @property
    def misplaced(self) -> list[Misplaced]:
        """What has no place, the first of each kind of mistake."""
        return self._placement.found

    @property
    def ports(self) -> tuple[int, int]:
        """Count the PCIe root ports, those that libvirt adds included, and how many are free."""
        ports = [b for b in self._placement.buses.buses if b.model == "pcie-root-port"]
        return len(ports), sum(not any(port.taken.values()) for port in ports)

    @cached_property
    def final(self) -> tuple[list[tuple[PciDevice, PciAddress]], list[InstalledController]]:
        """Every device with its place, as libvirt writes them, and the controllers that it adds."""
        placement = _Placement(self)
        placement.to_the_end = True
        placement.run()
        pairs = ((item, placement.place(item)) for item in placement.listed())
        added = [item.controller for item in placement.added if item.controller is not None]
        known = {c.index for c in (*self.hardware.of("pci"), *added)}
        for index, bus in enumerate(placement.buses.buses):
            if index not in known:
                added.append(InstalledController("pci", bus.model, index))
        added.sort(key=lambda controller: controller.index)
        return [(item, place) for item, place in pairs if place is not None], added

    def place_of(self, controller: InstalledController) -> PciAddress | None:
        """Give the place of a controller, as given or as libvirt chooses it."""
        return controller.place or self._placement.chosen.get(id(controller))


class _Placement:
    """Placing the devices of one domain: once to find out which buses are needed, then for good.

    The second time is left out where it can't fail, unless `to_the_end` is set.
    """

    to_the_end = False

    def __init__(self, topology: PciTopology) -> None:
        self.topology = topology
        self.hardware = topology.hardware
        self.devices = topology.devices
        self.world = topology.domain.world
        self.found: list[Misplaced] = []
        self.placed: dict[int, PciAddress] = {}
        self.chosen: dict[int, PciAddress] = {}
        self.added: list[PciDevice] = []
        self.buses = Buses(growing=False, several_roots=False, pcie_to_pci=False)

    def run(self) -> list[Misplaced]:
        """Place all; give what has no place."""
        controllers = [c for c in self.hardware.of("pci") if c.model in _WITH_BUS]
        highest = max((c.index for c in controllers), default=-1)
        if highest > _MOST_INDEX:
            return []  # another rule says so
        models = {c.index: c for c in controllers}
        if highest >= 0:
            self._open(models, highest + 1, growing=True)
            if not self._collect():
                return self.found
            try:
                self._grow(highest)
            except _Stopped:
                return self.found
            done = len(self.buses.buses) == highest + 1 and not self._has_twins
            if done and not self.to_the_end:
                return self.found  # the second time would only repeat the first
            sizes = self.buses
            self._open(models, len(sizes.buses), growing=False, like=sizes)
        if not self._collect() or not self.hardware.supports_pci:
            return self.found
        try:
            self._chipset()
            self._assign()
        except _Stopped:
            pass
        return self.found

    def listed(self) -> list[PciDevice]:
        """Give every device on PCI in libvirt's order."""
        return [*self.devices.listed, *self.added]

    def place(self, item: PciDevice) -> PciAddress | None:
        """Give the place of a device, as given or as found."""
        return self.placed.get(id(item)) or item.place

    def _open(
        self,
        models: dict[int, InstalledController],
        count: int,
        *,
        growing: bool,
        like: Buses | None = None,
    ) -> None:
        pseries = bool(self.world.truth(PSERIES))
        root = self.hardware.pci_root
        usual = "pci-root" if pseries else "pcie-root-port" if root == "pcie-root" else "pci-bridge"
        self.buses = Buses(
            growing=growing,
            several_roots=pseries,
            pcie_to_pci=bool(self.world.truth(PCIE_TO_PCI)),
        )
        for index in range(count):
            known = models.get(index)
            if known is not None and known.model:
                part = known.part
                target = None if part is None else part.node.find("target")
                hotplug = target is None or target.get("hotplug") != "off"
                self.buses.buses.append(Bus(known.model, hotplug=hotplug))
            elif like is not None:
                self.buses.buses.append(Bus(like.buses[index].model))
            else:
                self.buses.buses.append(Bus(usual if index else "pci-root"))

    def _collect(self) -> bool:
        """Take the places that the domain names; tell whether all could be taken."""
        before = len(self.found)
        for item in self.listed():
            place = self.place(item)
            if place is None:
                continue
            if self._is_piix3(item, place):
                first = self.buses.buses[0].model if self.buses.buses else ""
                if first != "pci-root" and (first or self._knows_boards):
                    what = f"{place} is reserved for the PIIX3, which needs a conventional PCI bus"
                    self.found.append(Misplaced(item.node, what, given=True))
                continue
            try:
                taken = self.buses.reserve(place, item.needs or PCI_DEVICE)
            except NoPlace as none:
                self.found.append(Misplaced(item.node, str(none), given=item.place is not None))
                continue
            if taken != place:
                self.placed[id(item)] = taken
        return len(self.found) == before

    @staticmethod
    def _is_piix3(item: PciDevice, place: PciAddress) -> bool:
        """Tell whether it is a part of the PIIX3 at its own place, which is taken later."""
        known = item.controller
        if known is None or known.index != 0:
            return False
        if known.type == "ide":
            return place == _PRIMARY_IDE
        uhci = known.type == "usb" and known.model in {None, "piix3-uhci"}
        return uhci and place == _PRIMARY_USB

    @property
    def _has_twins(self) -> bool:
        """Tell whether parts of one USB 2 controller want the same function of its slot."""
        parts = [(c.index, c.model) for c in self.hardware.of("usb") if c.model in EHCI]
        return len(set(parts)) < len(parts)

    @property
    def _knows_boards(self) -> bool:
        """Tell whether libvirt knows which boards have no PCI at all."""
        return self.world.target.dialect.has(BOARDS_WITHOUT_PCI)

    def _grow(self, highest: int) -> None:
        """Place everything with buses that are added as needed, and the added ones in turn."""
        self._chipset()
        # a slot is kept free for a bridge, unless all are taken already
        if self.hardware.pci_root == "pci-root" and not all(b.full for b in self.buses.buses):
            self._try(None, PCI_DEVICE)
        self._assign()
        buses = self.buses.buses
        if highest <= 0 and len(buses) > highest + 1 and self.hardware.pci_root == "pcie-root":
            self._try(None, PCIE_DEVICE)
        known = {c.index for c in self.hardware.of("pci")}
        index = 1
        while index < len(buses):
            model = buses[index].model
            if index not in known and model not in PCI_ROOTS:
                needs = NEEDS[model]
                controller = InstalledController("pci", model, index)
                added = PciDevice("controller", None, needs, controller=controller)
                self._try(added, needs)
                self.added.append(added)
            index += 1

    def _try(self, item: PciDevice | None, needs: int, function: int = -1) -> None:
        try:
            place = self.buses.assign(needs, function)
        except NoPlace as none:
            node = None if item is None else item.node
            self.found.append(Misplaced(node, str(none), given=False))
            if self.buses.buses:
                raise _Stopped from none
            return  # where there is no PCI at all, that is said of every device
        if item is not None:
            self.chosen[id(item.controller)] = place
            if not self.buses.growing:
                self.placed[id(item)] = place

    def _take(self, item: PciDevice | None, place: PciAddress, needs: int) -> None:
        """Take a place that belongs to the board."""
        try:
            self.buses.reserve(place, needs)
        except NoPlace as none:
            node = None if item is None else item.node
            self.found.append(Misplaced(node, f"{none}: it belongs to the board", given=True))
            raise _Stopped from none
        if item is not None:
            self.placed[id(item)] = place

    def _chipset(self) -> None:
        if self.world.truth(I440FX):
            self._piix3()
        elif self.world.truth(Q35):
            self._ich9()

    def _at(self, item: PciDevice, place: PciAddress, what: str) -> bool:
        """Hold a controller of the board to its place; tell whether it is still to be taken."""
        now = self.place(item)
        if now is None or now == place:
            return now is None or self._is_piix3(item, place)
        self.found.append(Misplaced(item.node, f"the first {what} is always at {place}", True))
        raise _Stopped

    def _piix3(self) -> None:
        for item in self.devices.by_tag.get("controller", ()):
            known = item.controller
            if known is None or known.index != 0:
                continue
            if known.type == "ide" and self._at(item, _PRIMARY_IDE, "IDE controller"):
                self._take(item, _PRIMARY_IDE, PCI_DEVICE)
            uhci = known.type == "usb" and known.model in {None, "piix3-uhci"}
            if uhci and self._at(item, _PRIMARY_USB, "piix3-uhci"):
                self._take(item, _PRIMARY_USB, PCI_DEVICE)
        for function in (0, 3):
            self._take(None, PciAddress(0, 0, _PIIX3_SLOT, function), PCI_DEVICE)
        self._primary_video(2, PCI_DEVICE)

    def _ich9(self) -> None:
        for item in self.devices.by_tag.get("controller", ()):
            known = item.controller
            if known is not None and known.type == "sata" and known.index == 0:
                if self._at(item, _PRIMARY_SATA, "SATA controller"):
                    self._take(item, _PRIMARY_SATA, PCIE)
            elif known is not None and not known.kind:
                self._usual(item, _USUAL_SLOTS.get(known.model or "", ()))
        for function in (0, 3):
            self._take(None, PciAddress(0, 0, _ICH9_SLOT, function), PCIE)
        self._primary_video(1, PCIE)
        for item in self.devices.by_tag.get("sound", ()):
            if item.node is not None and item.node.get("model") == "ich9":
                self._usual(item, (0x1B,))

    def _usual(self, item: PciDevice, slots: tuple[int, ...]) -> None:
        """Put a device where real boards have it, if that is free."""
        free = next((slot for slot in slots if not self.buses.in_use(0, slot)), None)
        if free is not None and self.place(item) is None:
            self._take(item, PciAddress(0, 0, free), PCIE)

    def _primary_video(self, slot: int, needs: int) -> None:
        """Put the first display adapter where QEMU always puts it, if that slot is free."""
        videos = self.devices.by_tag.get("video", ())
        if not videos or not videos[0].needs or self.place(videos[0]) is not None:
            return
        if self.buses.in_use(0, slot):
            self._try(videos[0], videos[0].needs)
        else:
            self._take(videos[0], PciAddress(0, 0, slot), needs)

    def _assign(self) -> None:
        by_tag = self.devices.by_tag
        controllers = [*by_tag.get("controller", ()), *self.added]
        for item in controllers:
            if _is_bus(item) and self.place(item) is None:
                self._try(item, item.needs)
        for tag in ORDER:
            for item in controllers if tag == "controller" else by_tag.get(tag, ()):
                if _is_bus(item) or self.place(item) is not None:
                    continue
                if item.controller is not None:
                    self._controller(item, item.controller)
                elif item.needs:
                    self._try(item, item.needs)

    @cached_property
    def _usb2_groups(self) -> dict[int, list[PciDevice]]:
        """The controllers of USB 2 with their companions, by the index that they share."""
        groups: dict[int, list[PciDevice]] = {}
        for item in self.devices.by_tag.get("controller", ()):
            if item.controller is not None and item.controller.model in EHCI:
                groups.setdefault(item.controller.index, []).append(item)
        return groups

    def _controller(self, item: PciDevice, known: InstalledController) -> None:
        if known.type == "ide" and known.index == 0:
            return
        function = -1
        if known.model in EHCI:
            function = _EHCI_FUNCTION[known.model or ""]
            for other in self._usb2_groups.get(known.index, ()):
                place = self.place(other)
                if place is not None:
                    self._take(item, place._replace(function=function), item.needs)
                    return
        self._try(item, item.needs, function)


class _Stopped(Exception):  # noqa: N818 - libvirt goes no further
    """A device found no place; what it was is noted."""


def _is_bus(item: PciDevice) -> bool:
    return item.controller is not None and item.controller.type == "pci"


_CARD = "<interface type='user'><model type='virtio'/><address type='pci' {}/></interface>"
_PORT = "<controller type='pci' index='{}' model='pcie-root-port'/>"
_PORTS = "".join(_PORT.format(index) for index in range(1, 250))


@rule(
    "pci-address-unavailable",
    PciTopology,
    bad=_CARD.format("slot='5'") * 2,
    good=_CARD.format("slot='5'") + _CARD.format("slot='6'"),
)
def places_can_be_taken(topology: PciTopology) -> Problems:
    """A PCI ``<address>`` must be on a bus that exists and that accepts the device, and must be
    free.
    """
    for found in topology.misplaced:
        if found.given:
            yield problem(found.message, topology if found.node is None else found.node, "address")


@rule(
    "pci-slots-exhausted",
    PciTopology,
    bad=Sample(_PORTS, machine="q35"),
    good=Sample(_PORT.format(1), machine="q35"),
)
def places_suffice(topology: PciTopology) -> Problems:
    """Each PCI device needs a free slot, on a bus that exists or that libvirt can add."""
    for found in topology.misplaced:
        if not found.given:
            fixes = beside_pci(topology.devices, found.node)
            part = topology if found.node is None else found.node
            yield problem(found.message, part, fix=fixes)
