"""What every device has in common: alias, boot order, address, ACPI index.

::

    <alias name='ua-system'/>
    <boot order='1'/>
    <acpi index='3'/>
    <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>

libvirt's documents call it general metadata. The form of these four is checked once for the
devices of all elements, in `domcaps.elements.address`; a device only reads them here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from domcaps.language.kinds import POSITIVE
from domcaps.language.part import Part, field

if TYPE_CHECKING:
    from domcaps.elements.address import Address


class Device(Part):
    """A part that is a device: base class of those below ``<devices>``."""

    knows = (
        "boot/@order",
        "boot/@loadparm",
        "acpi/@index",
        "address/@type",
        "address/@domain",
        "address/@bus",
        "address/@slot",
        "address/@function",
        "address/@multifunction",
        "address/zpci/@uid",
        "address/zpci/@fid",
        "address/@controller",
        "address/@target",
        "address/@unit",
        "address/@port",
        "address/@reg",
        "address/@cssid",
        "address/@ssid",
        "address/@devno",
        "address/@iobase",
        "address/@irq",
        "address/@base",
    )

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
        from domcaps.elements.address import Address

        node = self.node.find("address")
        return None if node is None else Address(node, self.domain)

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
