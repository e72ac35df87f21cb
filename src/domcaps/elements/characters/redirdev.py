"""``<redirdev>``: USB devices of the viewer, redirected to the guest.

::

    <redirdev bus='usb' type='spicevmc'/>
"""

from __future__ import annotations

from domcaps.elements.advice.drifts import NO_PCI
from domcaps.elements.base.device import Device
from domcaps.elements.characters.chardev import CharacterSource
from domcaps.elements.qemu.fragments import XHCI
from domcaps.language import Choice, Element, Enum
from domcaps.language.changes.characters import CHANNEL_REPORTED
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.qemu_args import QemuArgs

USB_REDIR = device("usb-redir")

_REDIRECTED = (
    "-chardev socket,id={id}c,path={dir}/usb,server=on,wait=off "
    "-device usb-redir,bus={id}u.0,chardev={id}c"
)

BUS = Enum(
    "bus",
    attribute="@bus",
    choices=(
        Choice("usb", USB_REDIR, at_start=(NO_PCI,), qemu_args=QemuArgs(f"{XHCI} {_REDIRECTED}")),
    ),
    sample="<redirdev bus='{value}' type='tcp'><source mode='connect' host='localhost' "
    "service='1'/></redirdev><controller type='usb' model='qemu-xhci'/>",
)

ELEMENT = Element("redirdev", order=80, since=CHANNEL_REPORTED, supported=USB_REDIR, content=(BUS,))

_DBUS_NAME = "org.qemu.usbredir"


class Redirdev(CharacterSource, Device):
    """A port for a redirected device."""

    path = "devices/redirdev"

    bus = field("@bus", choice=BUS)
    type = field(
        "@type",
        required=True,
        expected="the type of a character device, such as 'spicevmc' or 'tcp'",
    )

    @property
    def type_is_read(self) -> bool:
        """Whether there is a type that libvirt reads, if only one of no text."""
        return self.type is not None

    def source_attribute(self, name: str) -> str | None:
        """Give an attribute of the source; D-Bus has a name for these devices."""
        said = super().source_attribute(name)
        if said is None and name == "channel" and self.source_type == "dbus":
            return _DBUS_NAME
        return said
