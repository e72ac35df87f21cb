"""What must hold of a device's boot order, alias, ACPI index and ROM (see `base.metadata`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.metadata import (
    BOOTABLE,
    WITHOUT_METADATA,
    Acpi,
    Alias,
    BootOrder,
    Metadata,
    Rom,
)
from domcaps.elements.boards.defaults import input_bus
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.language.changes.placement import ACPI_INDEX_READ
from domcaps.language.fix import set_value
from domcaps.language.observed import device_property
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

ACPI_INDEX = (
    device_property("virtio-blk-pci", "acpi-index")
    | device_property("virtio-net-pci", "acpi-index")
    | device_property("virtio-scsi-pci", "acpi-index")
    | device_property("virtio-gpu-pci", "acpi-index")
    | device_property("virtio-balloon-pci", "acpi-index")
)


_CARD = "<interface type='user'>{}</interface>"
_FIRST = _CARD.format("<boot order='1'/>")


@rule(
    "boot-order-invalid",
    BootOrder,
    bad=_CARD.format("<boot order='0'/>"),
    good=_FIRST,
)
def order_is_positive(boot: BootOrder) -> Problems:
    """Attribute ``order`` of ``<boot>`` must be a whole number, at least 1."""
    if boot.tag in BOOTABLE and boot.place is None:
        yield problem(
            f"attribute 'order' of <boot> is {boot.order!r}, but must be a whole "
            "number, at least 1",
            boot,
            "@order",
        )


@rule("boot-order-duplicate", BootOrder, bad=_FIRST + _FIRST, good=_FIRST)
def order_is_unique(boot: BootOrder) -> Problems:
    """Attribute ``order`` of ``<boot>`` must differ for each device."""
    place = boot.place
    if place is None:
        return
    first = boot.domain.firsts(BootOrder, "place")[place]
    if first.node is not boot.node:
        fix = set_value(str(boot.domain.once(_last_place) + 1), "@order")
        yield problem(
            f"boot order {place} is used by another device; choose another number",
            boot,
            "@order",
            fix=fix,
        )


def _last_place(domain: Domain) -> int:
    return max(other.place or 0 for other in domain.all(BootOrder))


@rule(
    "alias-duplicate",
    Alias,
    bad=_CARD.format("<alias name='ua-net'/>") * 2,
    good=_CARD.format("<alias name='ua-net'/>"),
)
def alias_is_unique(alias: Alias) -> Problems:
    """A user alias (``<alias name='ua-…'>``) must be used by one device only."""
    name = alias.chosen
    # a console that stands for a serial port shares its name
    if not name or alias.tag in WITHOUT_METADATA or alias.tag in {"console", "serial"}:
        return
    first = alias.domain.firsts(Alias, "claimed").get(name, alias)
    if first.node is not alias.node:
        yield problem(
            f"the alias {name!r} is used by another device; choose another name", alias, "@name"
        )


@rule(
    "acpi-index-unsupported",
    Acpi,
    since=ACPI_INDEX_READ,
    bad=Sample("<input type='tablet' bus='usb'><acpi index='1'/></input>"),
    good=_CARD.format("<model type='virtio'/><acpi index='1'/>"),
)
def index_needs_pci(acpi: Acpi) -> Problems:
    """Attribute ``index`` of ``<acpi>`` requires a PCI device, and a QEMU that supports ACPI
    indexes.
    """
    if acpi.index is None or acpi.tag in WITHOUT_METADATA:
        return
    world = acpi.domain.world
    if world.truth(ACPI_INDEX) is Truth.NO:
        reason = ACPI_INDEX.explain(world)
        yield problem(
            "this QEMU does not support ACPI indexes; remove <acpi>", acpi, "@index", reason=reason
        )
    elif _kind_of_address(acpi) not in {None, "pci"}:
        yield problem(
            "attribute 'index' of <acpi> is only valid for PCI devices; remove it", acpi, "@index"
        )


def _kind_of_address(part: Metadata) -> str | None:
    """Give the kind of a device's address, where it is given or follows from its bus."""
    device = part.node.getparent()
    if device is None:
        return None
    address = device.find("address")
    if address is not None and not _is_no_display(device):
        return address.get("type")
    if part.tag in _OF_TAG:
        return _OF_TAG[part.tag]
    target = device.find("target")
    if part.tag == "channel" and target is not None and target.get("type") == "virtio":
        return "virtio-serial"
    bus = device.get("bus") if target is None else target.get("bus", device.get("bus"))
    if part.tag in {"hostdev", "controller"}:
        bus = device.get("type")
    if part.tag == "input":
        bus = input_bus(device, part.domain)
    if bus in _OF_BUS and (part.tag != "controller" or bus == "ccid"):
        return _OF_BUS[bus]
    return _kind_by_board(part, device)


def _kind_by_board(part: Metadata, device: Node) -> str | None:
    topology = part.domain.first(PciTopology)
    return (topology.devices.kind_by_board(part.tag, device) or None) if topology else None


def _is_no_display(device: Node) -> bool:
    """Tell whether it is a ``<video>`` of type ``none``, whose address libvirt forgets."""
    model = device.find("model") if device.tag == "video" else None
    return model is not None and model.get("type") == "none"


# where devices are plugged in of which nothing more is said
_OF_TAG = {"redirdev": "usb", "hub": "usb", "smartcard": "ccid"}
_OF_BUS = {"usb": "usb", "ccid": "ccid", "scsi": "drive", "sata": "drive", "ide": "drive"}


@rule(
    "rom-unsupported",
    Rom,
    bad=_CARD.format("<rom enabled='no' bar='on'/>"),
    good=_CARD.format("<rom bar='off'/>"),
)
def rom_is_consistent(rom: Rom) -> Problems:
    """``<rom>`` requires a PCI device, and with ``enabled='no'`` it cannot have ``bar`` and
    ``file``.
    """
    bar, file = rom.bar, rom.node.get("file")
    if rom.enabled == "no" and (bar is not None or file is not None):
        yield problem(
            "<rom enabled='no'> cannot have the attributes 'bar' and 'file'; remove them", rom
        )
    if (rom.enabled or bar or file) and _kind_of_address(rom) not in {None, "pci", "unassigned"}:
        yield problem("<rom> is only valid for PCI devices; remove it", rom)
