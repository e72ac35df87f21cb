"""``<address>``: where a device sits, for the devices of all elements.

::

    <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>
"""

from __future__ import annotations

from domcaps.language.kinds import OneOf
from domcaps.language.part import Part, field

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


class Address(Part):
    """The address of a device."""

    type = field("@type", TYPES)
