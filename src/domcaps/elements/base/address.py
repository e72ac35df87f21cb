"""``<address>``: where a device sits, for the devices of all elements.

::

    <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'>
      <zpci uid='0x0001' fid='0x00000001'/>
    </address>
    <address type='drive' controller='0' bus='0' target='0' unit='1'/>
    <address type='usb' bus='0' port='1.2'/>
    <address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>

Here is what an address looks like. Which places there are and who has taken them is known to
`placement.pci_assignment`, `placement.usb` and their siblings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.base.metadata import WITHOUT_METADATA, has_metadata
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, UNSIGNED, Int, OneOf
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

TYPES = OneOf(
    (
        "pci",
        "drive",
        "virtio-serial",
        "ccid",
        "usb",
        "spapr-vio",
        "ccw",
        "virtio-mmio",
        "isa",
        "dimm",
        "unassigned",
    )
)

CONSOLE_TARGET = "serial"
"""The type of a ``<console>`` that names none: then it stands for a serial port."""

ZPCI = device("zpci")

_ANY_BASE = Int(0, 2**32 - 1, base=0)
_HEX = Int(0, 2**32 - 1, base=16)
_HEX64 = Int(0, 2**64 - 1, base=16)

# which numbers an address of each type has, and how libvirt reads them
_NUMBERS: dict[str, tuple[tuple[str, Int], ...]] = {
    "pci": tuple((name, _ANY_BASE) for name in ("domain", "bus", "slot", "function")),
    "drive": tuple((name, UNSIGNED) for name in ("controller", "bus", "target", "unit")),
    "virtio-serial": tuple((name, UNSIGNED) for name in ("controller", "bus", "port")),
    "ccid": tuple((name, UNSIGNED) for name in ("controller", "slot")),
    "usb": (("bus", UNSIGNED),),
    "spapr-vio": (("reg", _HEX64),),
    "ccw": tuple((name, _ANY_BASE) for name in ("cssid", "ssid", "devno")),
    "isa": (("iobase", _HEX), ("irq", _HEX)),
    "dimm": (("slot", UNSIGNED), ("base", _HEX64)),
}
_IN_ORDER = {
    "pci": ("domain", "bus", "slot"),
    "drive": ("controller", "bus", "target"),
    "virtio-serial": ("controller", "bus", "port"),
    "ccw": ("cssid", "ssid", "devno"),
    "ccid": ("controller", "slot"),
    "isa": ("iobase", "irq"),
}
_LARGEST_PCI = {"bus": 0xFF, "slot": 0x1F, "function": 7}
_LARGEST_CCW = {"cssid": 254, "ssid": 3, "devno": 0xFFFF}
LARGEST_REG = 0xFFFFFFFF
"""The last register of virtual I/O of pseries."""

# as C reads numbers: white space and a sign may stand before each
_PORT = late_pattern(r"\s*\+?\d{1,10}(\.\s*\+?\d{1,10}){0,3}", re.ASCII)


class PciAddress(NamedTuple):
    """A place on a PCI bus."""

    domain: int = 0
    bus: int = 0
    slot: int = 0
    function: int = 0

    def __str__(self) -> str:
        """Write it as ``lspci`` does."""
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


class DriveAddress(NamedTuple):
    """A place on a controller for drives."""

    controller: int = 0
    bus: int = 0
    target: int = 0
    unit: int = 0

    def __str__(self) -> str:
        """Name all four numbers."""
        return (
            f"controller {self.controller}, bus {self.bus}, target {self.target}, unit {self.unit}"
        )


class UsbAddress(NamedTuple):
    """A port on a USB bus, by way of the hubs that lead there; no port is for libvirt to choose."""

    bus: int = 0
    port: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Write it as libvirt does."""
        return f"bus {self.bus}, port {'.'.join(map(str, self.port))}"


class CcwAddress(NamedTuple):
    """A device number of channel I/O."""

    cssid: int = 0
    ssid: int = 0
    devno: int = 0

    def __str__(self) -> str:
        """Write it as Linux does."""
        return f"{self.cssid:x}.{self.ssid:x}.{self.devno:04x}"


class Address(Part):
    """The address of a device."""

    path = "devices/*/address"
    unread = WITHOUT_METADATA

    type = field(
        "@type",
        TYPES,
        required=True,
        expected="'pci' for most devices, 'drive' for disks, 'virtio-serial' for channels, "
        "'usb' for USB devices",
    )

    @classmethod
    def is_read(cls, parent: Node) -> bool:
        """Tell whether the device has metadata."""
        return has_metadata(parent)

    @cached_property
    def _read(self) -> tuple[dict[str, int], tuple[str, ...]]:
        numbers: dict[str, int] = {}
        wrong = []
        for name, kind in _NUMBERS.get(self.type or "", ()):
            text = self.node.get(name)
            if text is None:
                continue
            try:
                numbers[name] = kind.parse(text)
            except ValueError:
                wrong.append(name)
        return numbers, tuple(wrong)

    @property
    def malformed(self) -> tuple[str, ...]:
        """The attributes that are no numbers."""
        return self._read[1]

    def number(self, name: str) -> int:
        """Give one of its numbers, 0 where it is not there."""
        return self._read[0].get(name, 0)

    def given(self, name: str) -> bool:
        """Tell whether a number is there."""
        return name in self._read[0]

    @cached_property
    def pci(self) -> PciAddress | None:
        """The place on PCI, None where libvirt is to choose one or it is out of range."""
        if self.type != "pci" or self.malformed:
            return None
        numbers = self._read[0]
        place = PciAddress(*(numbers.get(n, 0) for n in ("domain", "bus", "slot", "function")))
        if not any(place[:3]) or place.bus > 0xFF or place.slot > 0x1F or place.function > 7:
            return None
        return place

    @property
    def drive(self) -> DriveAddress | None:
        """The place on a controller for drives."""
        if self.type != "drive" or self.malformed:
            return None
        numbers = self._read[0]
        return DriveAddress(*(numbers.get(n, 0) for n in ("controller", "bus", "target", "unit")))

    @property
    def usb(self) -> UsbAddress | None:
        """The port on USB; its bus may be given without a port."""
        port = self.node.get("port")
        if self.type != "usb" or self.malformed or (port and not _PORT.fullmatch(port)):
            return None
        numbers = tuple(int(number) for number in port.split(".")) if port else ()
        return UsbAddress(self.number("bus"), numbers if any(numbers[:1]) else ())

    @property
    def ccw(self) -> CcwAddress | None:
        """The device number of channel I/O, None where libvirt is to choose one."""
        if self.type != "ccw" or self.malformed or not self.given("devno"):
            return None
        return CcwAddress(self.number("cssid"), self.number("ssid"), self.number("devno"))

    @property
    def first_numbers(self) -> tuple[int, int, int]:
        """The first three numbers of a place, for where libvirt takes it for one of another kind.

        In its memory an address of any kind stands in the same place.
        """
        if self.usb is not None:
            numbers: tuple[int, ...] = (self.usb.bus, *self.usb.port)
        else:
            numbers = tuple(map(self.number, _IN_ORDER.get(self.type or "", ())))
        first, second, third = (*numbers, 0, 0, 0)[:3]
        return first, second, third

    @cached_property
    def register(self) -> int | None:
        """The register of virtual I/O, None where libvirt is to choose one.

        Where libvirt puts a device there that the domain has elsewhere, it takes the numbers of
        that place for a register: two for its halves, the third for whether there is one.
        """
        if self.type == "spapr-vio":
            return self.number("reg") if self.given("reg") else None
        low, high, third = self.first_numbers
        return low | high << 32 if third & 0xFF else None

    @property
    def dropped(self) -> bool:
        """Whether libvirt drops it: of a display that is none, a console that is a serial port."""
        device = self.node.getparent()
        if device is None or device.tag not in {"video", "console"}:
            return False
        if device.tag == "video":
            model = device.find("model")
            return model is not None and model.get("type") == "none"
        target = device.find("target")
        serial = target is None or target.get("type", CONSOLE_TARGET) in {"", "none", "serial"}
        stands_for_one = bool(self.domain.find("devices/serial"))
        return serial and stands_for_one and device is self.domain.find("devices/console")[0]

    @property
    def zpci(self) -> tuple[int | None, int | None]:
        """The user-defined and the function identifier of a PCI device on IBM Z."""
        inner = self.node.find("zpci") if self.type == "pci" else None
        if inner is None:
            return None, None
        return identifier(inner.get("uid")), identifier(inner.get("fid"))


def identifier(text: str | None) -> int | None:
    """Read an identifier of a PCI device on IBM Z, None for what is none."""
    try:
        return None if text is None else _ANY_BASE.parse(text)
    except ValueError:
        return None


_CARD = "<interface type='user'><model type='virtio'/><address {}/></interface>"
_GOOD = _CARD.format("type='pci' slot='5'")


@rule("address-number-invalid", Address, bad=_CARD.format("type='pci' slot='five'"), good=_GOOD)
def numbers_are_numbers(address: Address) -> Problems:
    """Attributes of ``<address>`` that are numbers must be written like ``5`` or ``0x05``."""
    for name in address.malformed:
        text = address.node.get(name)
        yield problem(
            f"attribute {name!r} of <address> is {text!r}, but must be a number such "
            "as '5' or '0x05'",
            address,
            f"@{name}",
        )


@rule("address-pci-out-of-range", Address, bad=_CARD.format("type='pci' slot='0x20'"), good=_GOOD)
def pci_is_in_range(address: Address) -> Problems:
    """In a PCI ``<address>``, ``bus`` must be from 0 to 0xff, ``slot`` from 0 to 0x1f, and
    ``function`` from 0 to 7.
    """
    if address.type != "pci" or not any(map(address.number, ("domain", "bus", "slot"))):
        return
    for name, largest in _LARGEST_PCI.items():
        if address.number(name) > largest:
            yield problem(
                f"attribute {name!r} of the PCI <address> must be from 0 to {largest:#x}",
                address,
                f"@{name}",
            )


@rule(
    "address-multifunction-invalid",
    Address,
    bad=_CARD.format("type='pci' slot='5' multifunction='yes'"),
    good=_CARD.format("type='pci' slot='5' multifunction='on'"),
)
def multifunction_is_a_switch(address: Address) -> Problems:
    """Attribute ``multifunction`` of ``<address>`` must be ``on`` or ``off``."""
    given = address.node.get("multifunction")
    if address.type == "pci" and given is not None and given not in ON_OFF.names:
        yield problem(
            f"attribute 'multifunction' of <address> is {given!r}, but must be 'on' or 'off'",
            address,
            "@multifunction",
            accepted=ON_OFF.names,
        )


@rule(
    "address-usb-port-invalid",
    Address,
    bad="<input type='tablet' bus='usb'><address type='usb' bus='0' port='1.1.1.1.1'/></input>",
    good="<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>",
)
def usb_port_is_a_path(address: Address) -> Problems:
    """Attribute ``port`` of a USB ``<address>`` must be one to four numbers joined by dots, such as
    ``1.2``.
    """
    port = address.node.get("port")
    if address.type == "usb" and port is not None and not _PORT.fullmatch(port):
        yield problem(
            f"the USB port {port!r} is invalid: write one to four numbers joined by "
            "dots, such as '1.2'",
            address,
            "@port",
        )


@rule(
    "address-ccw-out-of-range",
    Address,
    bad=Sample(_CARD.format("type='ccw' cssid='0xff' ssid='0' devno='1'"), arch="s390x"),
    good=Sample(_CARD.format("type='ccw' cssid='0xfe' ssid='0' devno='1'"), arch="s390x"),
)
def ccw_is_in_range(address: Address) -> Problems:
    """In a CCW ``<address>``, ``cssid`` must be from 0 to 0xfe, ``ssid`` from 0 to 3, and ``devno``
    from 0 to 0xffff.
    """
    for name, largest in _LARGEST_CCW.items() if address.type == "ccw" else ():
        if address.number(name) > largest:
            yield problem(
                f"attribute {name!r} of the CCW <address> must be from 0 to {largest:#x}",
                address,
                f"@{name}",
            )


@rule(
    "address-ccw-incomplete",
    Address,
    bad=Sample(_CARD.format("type='ccw' devno='1'"), arch="s390x"),
    good=Sample(_CARD.format("type='ccw'"), arch="s390x"),
)
def ccw_is_complete(address: Address) -> Problems:
    """A CCW ``<address>`` needs all of ``cssid``, ``ssid`` and ``devno``, or none of them."""
    given = [name for name in _LARGEST_CCW if address.given(name)]
    if address.type == "ccw" and given and len(given) < len(_LARGEST_CCW):
        yield problem(
            "the CCW <address> needs all of 'cssid', 'ssid' and 'devno': add the "
            "missing ones, or remove all",
            address,
        )


@rule(
    "address-reg-too-large",
    Address,
    bad=Sample("<nvram><address type='spapr-vio' reg='0x100000000'/></nvram>", arch="ppc64"),
    good=Sample("<nvram><address type='spapr-vio' reg='0x4000'/></nvram>", arch="ppc64"),
)
def reg_is_in_range(address: Address) -> Problems:
    """Attribute ``reg`` of a spapr-vio ``<address>`` must fit into 32 bits."""
    if address.type == "spapr-vio" and address.number("reg") > LARGEST_REG:
        yield problem(
            f"attribute 'reg' of <address> must be at most {LARGEST_REG:#x}", address, "@reg"
        )


@rule(
    "address-dimm-slot-missing",
    Address,
    bad="<devices><memory model='dimm'><target><size>1</size></target>"
    "<address type='dimm'/></memory></devices>",
    good=_GOOD,
)
def dimm_has_a_slot(address: Address) -> Problems:
    """``<address type='dimm'>`` needs the attribute ``slot``, such as ``slot='0'``."""
    if address.type == "dimm" and address.node.get("slot") is None:
        yield problem("<address type='dimm'> needs the attribute 'slot', such as slot='0'", address)
