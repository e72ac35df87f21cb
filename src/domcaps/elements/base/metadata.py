"""What libvirt's documents call general metadata of a device, and which elements have it.

::

    <alias name='ua-system'/>
    <boot order='1' loadparm='2'/>
    <acpi index='3'/>
    <rom bar='off'/>

The rules are in `placement.metadata_rules`: some depend on the bus that a device is placed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.changes.placement import ACPI_INDEX_READ
from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.part import Part, field
from domcaps.language.value_types import ON_OFF, POSITIVE, UNSIGNED, WRAPPING, YES_NO

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

BOOTABLE = frozenset({"disk", "interface", "hostdev", "redirdev", "filesystem"})
"""Elements whose devices can be booted from; elsewhere libvirt overlooks ``<boot>``."""

_WITH_ROM = frozenset({"interface", "hostdev"})

WITHOUT_METADATA = frozenset({"emulator", "graphics", "audio", "lease"})
"""Elements below ``<devices>`` that have no general metadata."""

_ALIAS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def has_metadata(device: Node) -> bool:
    """Tell whether libvirt looks for metadata in an element below ``<devices>``."""
    absent = device.get("model") == "none" and (
        device.tag == "memballoon" or (device.tag == "controller" and device.get("type") == "usb")
    )
    return device.tag not in WITHOUT_METADATA and not absent


class Metadata(Part):
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


class BootOrder(Metadata):
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


class Alias(Metadata):
    """The name of a device; those of users begin with ``ua-``."""

    path = "devices/*/alias"

    name = field("@name")

    @property
    def chosen(self) -> str:
        """The name, "" where libvirt drops it and makes up its own."""
        name = self.name or ""
        return name if name.startswith("ua-") and _ALIAS.issuperset(name) else ""

    @property
    def claimed(self) -> str:
        """The name that is the device's own, "" where the device has no metadata."""
        return "" if self.tag in WITHOUT_METADATA else self.chosen


class Acpi(Metadata):
    """The number by which firmware tells a device of PCI to the guest."""

    path = "devices/*/acpi"

    index = field(
        "@index",
        POSITIVE,
        since=ACPI_INDEX_READ,
        expected="a whole number, at least 1, such as '1'",
    )


class Master(Metadata):
    """The USB controller beside which one stands, by the ports that it takes over."""

    path = "devices/*/master"

    start_port = field(
        "@startport",
        UNSIGNED,
        strict=VALUES_STRICT,
        before=WRAPPING,
        expected="the first port of the companion, such as '0', '2' or '4'",
    )


class Rom(Metadata):
    """The boot ROM of a device of PCI."""

    path = "devices/*/rom"
    knows = ("@file",)

    enabled = field("@enabled", YES_NO)
    bar = field("@bar", ON_OFF)

    @classmethod
    def is_read(cls, parent: Node) -> bool:
        """Tell whether libvirt looks for a ROM there."""
        return parent.tag in _WITH_ROM
