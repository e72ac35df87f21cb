"""``<hub>``: USB hubs, which libvirt also adds where ports run out.

::

    <hub type='usb'/>
"""

from domcaps.elements.base.device import Device
from domcaps.language.part import field
from domcaps.language.value_types import OneOf


class Hub(Device):
    """A USB hub with eight ports."""

    path = "devices/hub"

    type = field("@type", OneOf(("usb",)), required=True)
