"""What every device has in common: alias, boot order, address, ACPI index.

::

    <alias name='ua-system'/>
    <boot order='1' loadparm='2'/>
    <acpi index='3'/>
    <rom bar='off'/>
    <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>

libvirt's documents call it general metadata. What must hold of it is checked here, and of addresses
in `base.address`, once for the devices of all elements: a `Device` only reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.kinds import ON_OFF, POSITIVE, UNSIGNED, YES_NO
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device_property
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.base.address import Address

BOOTABLE = frozenset({"disk", "interface", "hostdev", "redirdev", "filesystem"})
"""Elements whose devices can be booted from; elsewhere libvirt overlooks ``<boot>``."""

_WITH_ROM = frozenset({"interface", "hostdev"})

WITHOUT_METADATA = frozenset({"emulator", "graphics", "audio", "lease"})
"""Elements below ``<devices>`` that have no general metadata."""

ACPI_INDEX = (
    device_property("virtio-blk-pci", "acpi-index")
    | device_property("virtio-net-pci", "acpi-index")
    | device_property("virtio-scsi-pci", "acpi-index")
    | device_property("virtio-gpu-pci", "acpi-index")
    | device_property("virtio-balloon-pci", "acpi-index")
)


def has_metadata(device: Node) -> bool:
    """Tell whether libvirt looks for metadata in an element below ``<devices>``."""
    absent = device.get("model") == "none" and (
        device.tag == "memballoon" or (device.tag == "controller" and device.get("type") == "usb")
    )
    return device.tag not in WITHOUT_METADATA and not absent


_ALIAS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Device(Part):
    """A part that is a device: base class of those below ``<devices>``."""

    alias = field("alias/@name")

    @cached_property
    def boot_order(self) -> int | None:
        """The place in the order in which devices are booted from, counted from 1."""
        return self._number("boot", "order")

    @cached_property
    def acpi_index(self) -> int | None:
        """The number by which guests name the device, counted from 1."""
        return self._number("acpi", "index")

    @cached_property
    def address(self) -> Address | None:
        """The address, None where libvirt is to choose one."""
        from domcaps.elements.base.address import Address

        return self.domain.within(Address, self.node)

    @property
    def address_type(self) -> str | None:
        """The kind of address that is given: ``pci``, ``drive``, ``usb`` …."""
        return self.address.type if self.address else None

    def _number(self, tag: str, attribute: str) -> int | None:
        node = self.node.find(tag)
        try:
            return None if node is None else POSITIVE.parse(node.get(attribute, ""))
        except ValueError:
            return None


class _Metadata(Part):
    """A child that devices of all elements may have."""

    unread = WITHOUT_METADATA

    @classmethod
    def is_read(cls, parent: Node) -> bool:
        """Tell whether the device has metadata."""
        return has_metadata(parent)

    @property
    def tag(self) -> str:
        """The element of the device."""
        parent = self.node.getparent()
        return "" if parent is None else str(parent.tag)


class Boot(_Metadata):
    """The place of a device in the order in which devices are booted from."""

    path = "devices/*/boot"

    order = field("@order")
    loadparm = field("@loadparm")

    @property
    def place(self) -> int | None:
        """The number, None where there is none or the device can't be booted from."""
        if self.tag not in BOOTABLE:
            return None
        try:
            return POSITIVE.parse(self.order or "")
        except ValueError:
            return None


class Alias(_Metadata):
    """The name of a device; those of users begin with ``ua-``."""

    path = "devices/*/alias"

    name = field("@name")

    @property
    def chosen(self) -> str:
        """The name, "" where libvirt drops it and makes up its own."""
        name = self.name or ""
        return name if name.startswith("ua-") and _ALIAS.issuperset(name) else ""


class Acpi(_Metadata):
    """The number by which firmware tells a device of PCI to the guest."""

    path = "devices/*/acpi"

    index = field("@index", POSITIVE)


class Master(_Metadata):
    """The USB controller beside which one stands, by the ports that it takes over."""

    path = "devices/*/master"

    start_port = field("@startport", UNSIGNED)


class Rom(_Metadata):
    """The boot ROM of a device of PCI."""

    path = "devices/*/rom"
    knows = ("@file",)

    enabled = field("@enabled", YES_NO)
    bar = field("@bar", ON_OFF)

    @classmethod
    def is_read(cls, parent: Node) -> bool:
        """Tell whether libvirt looks for a ROM there."""
        return parent.tag in _WITH_ROM


_CARD = "<interface type='user'>{}</interface>"
_FIRST = _CARD.format("<boot order='1'/>")


@rule(
    "boot-order-invalid",
    Boot,
    bad=_CARD.format("<boot order='0'/>"),
    good=_FIRST,
)
def order_is_positive(boot: Boot) -> Problems:
    """A device that is booted from has a place in the order, counted from 1."""
    if boot.tag in BOOTABLE and boot.place is None:
        yield problem(f"the boot order is {boot.order!r}, not a number from 1", boot, "@order")


@rule("boot-order-duplicate", Boot, bad=_FIRST + _FIRST, good=_FIRST)
def order_is_unique(boot: Boot) -> Problems:
    """No two devices have the same place in the boot order."""
    place = boot.place
    if place is None:
        return
    first = next(b for b in boot.domain.all(Boot) if b.place == place)
    if first.node is not boot.node:
        yield problem(f"boot order {place} belongs to another device already", boot, "@order")


@rule(
    "alias-duplicate",
    Alias,
    bad=_CARD.format("<alias name='ua-net'/>") * 2,
    good=_CARD.format("<alias name='ua-net'/>"),
)
def alias_is_unique(alias: Alias) -> Problems:
    """A name that begins with ``ua-`` belongs to one device only."""
    name = alias.chosen
    # a console that stands for a serial port shares its name
    if not name or alias.tag in WITHOUT_METADATA or alias.tag in {"console", "serial"}:
        return
    others = (a for a in alias.domain.all(Alias) if a.chosen == name)
    first = next((a for a in others if a.tag not in WITHOUT_METADATA), alias)
    if first.node is not alias.node:
        yield problem(f"another device is called {name!r} already", alias, "@name")


@rule(
    "acpi-index-unsupported",
    Acpi,
    bad=Sample("<input type='tablet' bus='usb'><acpi index='1'/></input>"),
    good=_CARD.format("<model type='virtio'/><acpi index='1'/>"),
)
def index_needs_pci(acpi: Acpi) -> Problems:
    """Only devices of PCI have an ACPI index, and QEMU must be able to pass it on."""
    if acpi.index is None or acpi.tag in WITHOUT_METADATA:
        return
    world = acpi.domain.world
    if world.truth(ACPI_INDEX) is Truth.NO:
        reason = ACPI_INDEX.explain(world)
        yield problem("this QEMU has no ACPI index", acpi, "@index", reason=reason)
    elif _kind_of_address(acpi) not in {None, "pci"}:
        yield problem("an ACPI index needs a device of PCI", acpi, "@index")


def _kind_of_address(part: _Metadata) -> str | None:
    """Give the kind of a device's address, where it is given or follows from its bus."""
    device = part.node.getparent()
    if device is None:
        return None
    address = device.find("address")
    if address is not None and not _is_no_display(device):
        return address.get("type")
    if part.tag in _OF_TAG:
        return _OF_TAG[part.tag]
    from domcaps.elements.placement.usb import input_bus

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


def _kind_by_board(part: _Metadata, device: Node) -> str | None:
    from domcaps.elements.placement.pci_assignment import Topology

    topology = part.domain.first(Topology)
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
    """A ROM that is switched off has neither a bar nor a file; only devices of PCI have one."""
    bar, file = rom.bar, rom.node.get("file")
    if rom.enabled == "no" and (bar is not None or file is not None):
        yield problem("a disabled ROM can have neither bar nor file", rom)
    if (rom.enabled or bar or file) and _kind_of_address(rom) not in {None, "pci", "unassigned"}:
        yield problem("only devices of PCI have a ROM", rom)
