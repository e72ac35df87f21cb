"""What every device has in common: alias, boot order, address, ACPI index.

A `Device` only reads them. What must hold of them is stated once for the devices of all elements:
of addresses in `base.address`, of the rest in `placement.metadata_rules`.
"""

from __future__ import annotations

from domcaps.elements.base.address import Address
from domcaps.language.lazy import cached_property
from domcaps.language.part import Part, field
from domcaps.language.value_types import POSITIVE


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
