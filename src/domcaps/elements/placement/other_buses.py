"""Places on the smaller buses: virtio-serial, virtual I/O of pseries, channel I/O, zPCI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import ZPCI, Address
from domcaps.elements.boards.families import PSERIES, S390_CCW
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.placement.address_kinds import device_of, register_of
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.placement.pci_devices import LISTED
from domcaps.language.lazy import cached_property
from domcaps.language.part import Part
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

# devices of virtual I/O that libvirt looks at
_ON_SPAPR_VIO = frozenset({"interface", "controller", "serial", "nvram", "tpm"})
_CHARACTER_DEVICES = frozenset({"serial", "parallel", "channel", "console"})


class AddressesByKind(Part):
    """The addresses that a domain names, by kind."""

    path = ""

    @cached_property
    def by_kind(self) -> dict[str, list[Address]]:
        """The addresses of each kind, in the order of the document."""
        found: dict[str, list[Address]] = {}
        for address in self.domain.all(Address):
            found.setdefault(address.type or "", []).append(address)
        return found

    def of(self, kind: str) -> list[tuple[str, Address]]:
        """Give the addresses of a kind with the element of their device."""
        pairs = []
        for address in self.by_kind.get(kind, ()):
            parent = address.node.getparent()
            pairs.append(("" if parent is None else str(parent.tag), address))
        return pairs


_CHANNEL = "<channel type='pty'><target type='virtio' name='{}'/>{}</channel>"
_PORT = "<address type='virtio-serial' controller='0' bus='0' port='{}'/>"


@rule(
    "virtio-serial-port-unavailable",
    InstalledControllers,
    bad=_CHANNEL.format("a", _PORT.format(3)) + _CHANNEL.format("b", _PORT.format(3)),
    good=_CHANNEL.format("a", _PORT.format(3)) + _CHANNEL.format("b", ""),
)
def ports_can_be_taken(hardware: InstalledControllers) -> Problems:
    """A virtio-serial port must exist on its controller and be used by one device only.

    Libvirt checks this for every device with such an address.
    """
    ports = hardware.serial_ports
    for node, message in ports.missing if ports is not None else ():
        yield problem(message, node, "address")


_NVRAM = "<nvram><address type='spapr-vio' reg='{}'/></nvram>"
_VSCSI = (
    "<controller type='scsi' model='ibmvscsi'><address type='spapr-vio' reg='{}'/></controller>"
)


@rule(
    "address-reg-duplicate",
    AddressesByKind,
    bad=Sample(_NVRAM.format("0x4000") + _VSCSI.format("0x4000"), arch="ppc64"),
    good=Sample(_NVRAM.format("0x4000") + _VSCSI.format("0x5000"), arch="ppc64"),
)
def registers_are_distinct(places: AddressesByKind) -> Problems:
    """Attribute ``reg`` of a spapr-vio ``<address>`` must differ for each device."""
    owners: dict[int, bool] = {}
    everywhere = places.domain.all(Address) if places.holds(PSERIES) else ()
    for address in everywhere or places.by_kind.get("spapr-vio", ()):
        reg = register_of(address)
        if reg is None or address.dropped:
            continue
        parent = address.node.getparent()
        looks = parent is not None and parent.tag in _ON_SPAPR_VIO
        if reg in owners and (looks or owners[reg]):
            yield problem(
                f"reg {reg:#x} is used by another device; choose another, or remove the <address>",
                address,
                "@reg",
            )
        owners[reg] = looks or owners.get(reg, False)


_CARD = "<interface type='user'><model type='virtio'/><address type='ccw' {}/></interface>"
_DEVNO = "cssid='0xfe' ssid='0x0' devno='{}'"


@rule(
    "address-ccw-duplicate",
    AddressesByKind,
    bad=Sample(_CARD.format(_DEVNO.format("0x0001")) * 2, arch="s390x"),
    good=Sample(
        _CARD.format(_DEVNO.format("0x0001")) + _CARD.format(_DEVNO.format("0x0002")),
        arch="s390x",
    ),
)
def device_numbers_are_distinct(places: AddressesByKind) -> Problems:
    """Each CCW device number must be used by one device only."""
    if not places.holds(S390_CCW):
        return
    taken = set()
    for tag, address in places.of("ccw"):
        number = address.ccw
        if number is None or _is_absent(tag, address):
            continue
        if number in taken:
            yield problem(
                f"the CCW address {number} is used by another device; choose another, or remove it",
                address,
                "@devno",
            )
        taken.add(number)


def _is_absent(tag: str, address: Address) -> bool:
    """Tell whether there is no device, so that libvirt drops its address."""
    device = device_of(address)
    if tag == "controller" and device.get("type") == "usb":
        return Controller(device, address.domain).settled_model == "none"
    return address.dropped


_ZCARD = (
    "<interface type='user'><model type='virtio'/>"
    "<address type='pci'><zpci uid='{}' fid='{}'/></address></interface>"
)


@rule(
    "address-zpci-duplicate",
    AddressesByKind,
    bad=Sample(_ZCARD.format(1, 1) + _ZCARD.format(1, 2), arch="s390x"),
    good=Sample(_ZCARD.format(1, 1) + _ZCARD.format(2, 2), arch="s390x"),
)
def identifiers_are_distinct(places: AddressesByKind) -> Problems:
    """Attributes ``uid`` and ``fid`` of ``<zpci>`` must differ for each device."""
    if not places.holds(ZPCI):
        return
    uids: set[int] = set()
    fids: set[int] = set()
    for address in _with_identifiers(places):
        uid, fid = address.zpci
        for name, value, taken, least in (("uid", uid, uids, 1), ("fid", fid, fids, 0)):
            number = value
            while number is None:
                number = least if least not in taken else None
                least += 1
            if number in taken:
                what = f"{name} {number:#x} is used by another device; choose a free number"
                yield problem(what, address, f"zpci/@{name}")
            taken.add(number)


def _with_identifiers(places: AddressesByKind) -> Iterator[Address]:
    """Give the addresses with zPCI identifiers, in the order in which libvirt reserves them."""
    found: dict[str, list[Address]] = {}
    for tag, address in places.of("pci"):
        if tag not in _CHARACTER_DEVICES and address.zpci != (None, None):
            found.setdefault(tag, []).append(address)
    for tag in LISTED:
        yield from found.get(tag, ())
