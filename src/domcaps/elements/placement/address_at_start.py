"""Addresses of a kind that QEMU does not know for a device: libvirt defines such a domain.

libvirt hands the numbers of an address to QEMU as properties of the device, ``slot`` of a memory
module for example, whatever the device is. QEMU does not start with a property that the device
lacks. Seen with QEMU 10.0 and 11.1: "Property 'AC97.slot' not found", "Device 'lsi53c895a' can't go
on usb-bus bus", "internal error: Unexpected address type".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address
from domcaps.elements.boards.defaults import card_model
from domcaps.elements.boards.families import I440FX, PSERIES
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.placement.address_kinds import (
    device_of,
    is_compared,
    register_of,
)
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_ALWAYS_WRONG = frozenset({"dimm", "isa", "spapr-vio", "drive", "virtio-serial"})
_WRONG = {
    "pci": _ALWAYS_WRONG | {"ccid", "usb"},
    "usb": _ALWAYS_WRONG | {"pci"},
    "none": _ALWAYS_WRONG | {"pci", "usb"},
}
"""Kinds of addresses that fail, by what a device is plugged into."""
_PCI_CARDS = frozenset({"e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3", "igb"})
_PCI_SCSI = frozenset({"lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi", "am53c974", "dc390"})
_PCI_SOUND = frozenset({"ac97", "es1370", "ich6", "ich7", "ich9"})
_PCI_VIDEO = frozenset({"vga", "cirrus", "qxl", "vmvga", "bochs"})
_SOUND = "<sound model='ac97'><address type='{}' slot='9'/></sound>"


@rule(
    "address-type-fails-at-start",
    Address,
    bad=Sample(_SOUND.format("dimm"), machine="pc"),
    good=Sample(_SOUND.format("pci"), machine="pc"),
    stage=Stage.START,
)
def addresses_suit_their_devices(address: Address) -> Problems:
    """The type of an ``<address>`` must suit the device: ``pci`` for cards, ``usb`` for others.

    libvirt does not compare it for sound and video cards, USB, SATA, SCSI and CCID controllers,
    network cards that are not virtio, MTP shares and TPMs, and QEMU does not start.
    """
    device = device_of(address)
    home = _home_of(device, address.domain)
    if not home or address.type is None or not is_compared(address):
        return
    unplaced = home == "pci" and address.type == "virtio-mmio" and address.holds(I440FX)
    if address.type in _WRONG[home] or unplaced:
        use = "" if home == "none" else f", or use type={home!r}"
        yield problem(
            f"QEMU does not start <{device.tag}> with an address of type {address.type!r}; remove "
            f"the <address>{use}",
            address,
            "@type",
            fix=Fix(without=("",)),
        )


def _home_of(device: Node, domain: Domain) -> str:
    """Tell what a device is plugged into: ``pci``, ``usb``, ``none``; "" of other devices."""
    tag, model = device.tag, device.get("model", "")
    if tag == "controller":
        return _home_of_controller(Controller(device, domain))
    if tag == "sound":
        return "usb" if model == "usb" else "pci" if model in _PCI_SOUND else ""
    inner = device.find("model")
    named = "" if inner is None else inner.get("type", "")
    if tag == "video":
        return "pci" if named in _PCI_VIDEO else ""
    if tag == "interface" and device.get("type") != "hostdev":
        return "pci" if card_model(device, domain) in _PCI_CARDS else ""
    if tag == "filesystem":
        return "usb" if device.find("driver[@type='mtp']") is not None else ""
    return "none" if tag == "tpm" and model in {"tpm-tis", "tpm-crb"} else ""


def _home_of_controller(controller: Controller) -> str:
    model = controller.settled_model or ""
    if controller.type == "usb":
        return "pci" if model not in {"", "none"} else ""
    if controller.type == "scsi":
        return "pci" if model in _PCI_SCSI else ""
    return {"sata": "pci", "ccid": "usb"}.get(controller.type or "", "")


_NVRAM_IRQ = 0
_TTY, _OF_QEMU = 0x30000000, 0x71000000
_PORT = "<serial type='null'><address type='spapr-vio' reg='{}'/></serial>"


@rule(
    "address-reg-interrupt-taken",
    Address,
    bad=Sample(_PORT.format("0x20000000"), arch="ppc64", machine="pseries"),
    good=Sample(_PORT.format("0x30000000"), arch="ppc64", machine="pseries"),
    stage=Stage.START,
)
def interrupts_are_free(address: Address) -> Problems:
    """``reg`` of virtual I/O must not lead to the interrupt of another device.

    QEMU makes the number of the interrupt of some bits of the register: bits 12 to 19 below
    0x30000000, bits 12 to 15 from there on. The NVRAM of the board has the number 0.
    """
    if address.type != "spapr-vio" or not address.holds(PSERIES):
        return
    owner = address.domain.once(_owners_before).get(address.node)
    if owner is not None:
        yield problem(
            f"QEMU does not start: reg {address.register or 0:#x} leads to the interrupt "
            f"that {owner} has; choose another, or remove the <address>",
            address,
            "@reg",
            fix=Fix(without=("",)),
        )


def _owners_before(domain: Domain) -> dict[Node, str]:
    """Give the addresses whose interrupt is taken, and which device before them has it."""
    free = domain.root.find("devices/nvram/address") is not None
    owners: dict[int, dict[int, str]] = {} if free else {_NVRAM_IRQ: {-1: "the NVRAM"}}
    found = {}
    for address in domain.all(Address):
        reg = register_of(address)
        if reg is None or address.dropped:
            continue
        earlier = owners.setdefault(_interrupt(reg), {})
        # what has the same register is another rule's matter; the last one stands last
        earlier_ones = reversed(earlier.items())
        owner = next((owner for known, owner in earlier_ones if known != reg), None)
        if owner is not None:
            found[address.node] = owner
        earlier.pop(reg, None)
        earlier[reg] = f"<{device_of(address).tag}>"
    return found


def _interrupt(reg: int) -> int:
    if reg >= _OF_QEMU:
        return reg & 0xFF
    return 0xF0 | reg >> 12 & 0xF if reg >= _TTY else reg >> 12 & 0xFF


_SLOT = (
    "<sound model='ac97'><address type='pci' slot='9' function='0' multifunction='{}'/></sound>"
    "<sound model='es1370'><address type='pci' slot='9' function='1'/></sound>"
)


@rule(
    "address-multifunction-off",
    Address,
    bad=Sample(_SLOT.format("off"), machine="pc"),
    good=Sample(_SLOT.format("on"), machine="pc"),
    stage=Stage.START,
)
def first_function_says_that_there_are_more(address: Address) -> Problems:
    """Function 0 of a PCI slot with several functions must not have ``multifunction='off'``."""
    place = address.pci if address.type == "pci" else None
    if place is None or place.function or address.node.get("multifunction") != "off":
        return
    if place[:3] in address.domain.once(_slots_with_more_functions):
        yield problem(
            "another device has a further function of this slot: use multifunction='on'",
            address,
            "@multifunction",
            accepted=["on"],
            fix=set_value("on", "@multifunction"),
        )


def _slots_with_more_functions(domain: Domain) -> frozenset[tuple[int, ...]]:
    """Give the PCI slots, as domain, bus and slot, that have another function than 0."""
    places = (address.pci for address in domain.all(Address) if address.type == "pci")
    return frozenset(place[:3] for place in places if place is not None and place.function)


_AT_IDE = "<sound model='ac97'><address type='pci' slot='1' function='{}'/></sound>"
_CHIPSET_SLOT, _IDE_FUNCTION = 1, 1


@rule(
    "address-taken-by-ide",
    Address,
    bad=Sample(_AT_IDE.format(1), machine="pc"),
    good=Sample(_AT_IDE.format(1), machine="q35"),
    stage=Stage.START,
)
def ide_of_the_board_keeps_its_place(address: Address) -> Problems:
    """On i440fx boards the PCI address 0000:00:01.1 is that of the IDE controller, used or not."""
    device, place = device_of(address), address.pci if address.type == "pci" else None
    at_ide = place is not None and place == (0, 0, _CHIPSET_SLOT, _IDE_FUNCTION)
    is_ide = device.tag == "controller" and device.get("type") == "ide"
    if at_ide and not is_ide and address.holds(I440FX) and is_compared(address):
        yield problem(
            "QEMU does not start: the board has its IDE controller at this address; choose "
            "another, or remove the <address>",
            address,
            "@slot",
            fix=Fix(without=("",)),
        )
