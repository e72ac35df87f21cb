"""The address of every device of a domain: as given, or as libvirt chooses it.

Rules of this room find out whether libvirt has a place for every device; here the places
themselves are given, for QEMU's command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import ZPCI, Address, CcwAddress, PciAddress, UsbAddress
from domcaps.elements.boards.families import PSERIES, S390_CCW
from domcaps.elements.placement.address_kinds import is_on_spapr_vio
from domcaps.elements.placement.installed import InstalledController, InstalledControllers
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.elements.placement.pci_devices import LISTED
from domcaps.elements.placement.usb import Usb
from domcaps.language.lazy import cached_property
from domcaps.language.part import Part
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.pci_devices import PciDevice

_CHANNEL = CcwAddress(0xFE, 0, 0)
_REGISTERS = {"interface": 0x1000, "controller": 0x2000, "serial": 0x30000000, "nvram": 0x3000,
              "tpm": 0x4000}  # fmt: skip
"""Where libvirt begins to look for a free register of virtual I/O, by element."""
_STEP = 0x1000


class PciPlace(NamedTuple):
    """A place on PCI; `several` tells that it is function 0 of a device with more functions."""

    address: PciAddress
    several: bool = False
    zpci: tuple[int, int] | None = None


class AssignedAddresses(Part):
    """The addresses of one domain that libvirt accepts."""

    path = ""

    @property
    def hardware(self) -> InstalledControllers:
        """The controllers of the domain."""
        return self.domain.all(InstalledControllers)[0]

    @cached_property
    def _topology(self) -> PciTopology:
        return self.domain.all(PciTopology)[0]

    @cached_property
    def added_buses(self) -> list[InstalledController]:
        """The PCI controllers that libvirt adds, by index."""
        return self._topology.final[1]

    @cached_property
    def _pci(self) -> dict[object, PciPlace]:
        placed = self._topology.final[0]
        functions: dict[PciAddress, set[int]] = {}
        for _, place in placed:
            functions.setdefault(place._replace(function=0), set()).add(place.function)
        numbers = _zpci_numbers([item for item, _ in placed], self)
        return {
            _owner(item): PciPlace(
                place,
                not place.function and len(functions[place]) > 1,
                numbers.get(id(item)),
            )
            for item, place in placed
        }

    def pci(self, owner: object) -> PciPlace | None:
        """Give the place on PCI of an element, a controller, or of what libvirt adds."""
        return self._pci.get(owner)

    @cached_property
    def _usb(self) -> list[tuple[Node | None, UsbAddress]]:
        return self.domain.all(Usb)[0].ports

    def usb(self, node: Node) -> UsbAddress | None:
        """Give the port that libvirt chooses for a device on USB, None for what it has not."""
        return next((place for found, place in self._usb if found is node), None)

    @cached_property
    def _added(self) -> dict[str, list[UsbAddress]]:
        """The ports of what libvirt adds on USB, by element."""
        usb = self.domain.all(Usb)[0]
        places = [place for node, place in self._usb if node is None]
        readers = sum(c.part is None for c in self.hardware.of("ccid"))
        inputs = len(usb.added_inputs())
        hubs = max(len(places) - readers - inputs, 0)
        return {
            "hub": places[:hubs],
            "controller": places[hubs : hubs + readers],
            "input": places[hubs + readers :],
        }

    def added_usb(self, tag: str) -> list[UsbAddress]:
        """Give the ports of hubs, readers (``controller``) or inputs that libvirt adds."""
        return self._added[tag]

    def serial_port(self, node: Node) -> tuple[int, int] | None:
        """Give the controller and port of a channel or console of virtio."""
        ports = self.hardware.serial_ports
        return None if ports is None else ports.places.get(node)

    @cached_property
    def _ccw(self) -> dict[object, CcwAddress]:
        if not self.domain.world.truth(S390_CCW):
            return {}
        owners = list(self._on_channels())
        given = {owner: address for owner, address in owners if address is not None}
        taken, number = set(given.values()), 0
        found: dict[object, CcwAddress] = dict(given)
        for owner, address in owners:
            if address is not None:
                continue
            while _CHANNEL._replace(devno=number) in taken:
                number += 1
            found[owner] = _CHANNEL._replace(devno=number)
            taken.add(found[owner])
        return found

    def ccw(self, owner: object) -> CcwAddress | None:
        """Give the device number of channel I/O."""
        return self._ccw.get(owner)

    def _on_channels(self) -> Iterator[tuple[object, CcwAddress | None]]:
        devices = self._topology.devices
        nodes = self.domain.inside("devices")
        for tag in LISTED:
            if tag == "controller":
                for controller in self.hardware.all:
                    if controller.type in {"scsi", "virtio-serial"} and controller.kind != "pci":
                        node = None if controller.part is None else controller.part.node
                        yield controller, self._given(node)
                continue
            for node in nodes.get(tag, ()):
                address = self.domain.within(Address, node)
                named = None if address is None else address.type
                by_board = (
                    devices.kind_by_board(tag, node) == "ccw" or node.get("model") == "vfio-ccw"
                )
                if named == "ccw" or (named is None and by_board):
                    yield node, self._given(node)
            adds = {"memballoon": devices.adds_balloon, "video": "graphics" in nodes}
            if adds.get(tag) and not nodes.get(tag):
                yield tag, None

    def _given(self, node: Node | None) -> CcwAddress | None:
        address = None if node is None else self.domain.within(Address, node)
        return None if address is None else address.ccw

    @cached_property
    def _registers(self) -> dict[object, int]:
        found: dict[object, int] = {}
        if not self.domain.world.truth(PSERIES):
            return found
        owners = [(tag, owner) for tag in _REGISTERS for owner in self._on_virtual_io(tag)]
        for _, owner in owners:
            node = (
                owner.part.node if isinstance(owner, InstalledController) and owner.part else owner
            )
            address = (
                None
                if isinstance(node, InstalledController | str)
                else self.domain.within(Address, node)
            )
            if address is not None and address.register is not None:
                found[owner] = address.register
        for tag, owner in owners:
            register = _REGISTERS[tag]
            while owner not in found:
                if register not in found.values():
                    found[owner] = register
                register += _STEP
        return found

    def _on_virtual_io(self, tag: str) -> Iterator[InstalledController | Node | str]:
        if tag == "controller":
            scsi = self.hardware.of("scsi")
            yield from (c for c in scsi if c.model == "ibmvscsi")
            return
        nodes = self.domain.inside("devices")
        for node in nodes.get(tag, ()):
            if is_on_spapr_vio(node, self.domain):
                yield node
        if tag == "serial" and not nodes.get(tag):
            # a console that is a serial port makes one
            yield from (n for n in nodes.get("console", ())[:1] if is_on_spapr_vio(n, self.domain))

    def register(self, owner: object) -> int | None:
        """Give the register of virtual I/O of pseries."""
        return self._registers.get(owner)


def _owner(item: PciDevice) -> object:
    if item.controller is not None:
        return item.controller
    return item.tag if item.node is None else item.node


def _zpci_numbers(
    items: list[PciDevice], assigned: AssignedAddresses
) -> dict[int, tuple[int, int]]:
    """Number the devices on PCI of mainframes, as libvirt does: from 1 and from 0."""
    if not assigned.domain.world.truth(ZPCI):
        return {}
    given = {}
    for item in items:
        address = None if item.node is None else assigned.domain.within(Address, item.node)
        given[id(item)] = (None, None) if address is None else address.zpci
    uids = {uid for uid, _ in given.values()}
    fids = {fid for _, fid in given.values()}
    found = {}
    for key, (uid, fid) in given.items():
        if uid is None:
            uid = next(n for n in range(1, 1 << 16) if n not in uids)
            uids.add(uid)
        if fid is None:
            fid = next(n for n in range(1 << 16) if n not in fids)
            fids.add(fid)
        found[key] = (uid, fid)
    return found
