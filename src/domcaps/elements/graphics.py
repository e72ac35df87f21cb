"""``<graphics>``: ways to see the guest's screen.

::

    <graphics type='vnc' port='-1'/>
"""

from domcaps.elements.helpers import helper
from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import option, qapi

DBUS_DISPLAY = qapi("query-display-options/ret/case=dbus")
SPICE = option("spice")

TYPE = Enum(
    "type",
    attribute="@type",
    choices=(
        Choice("sdl", qapi("query-display-options/ret/case=sdl")),
        Choice("vnc", qapi("query-vnc")),
        # the RDP server is a program of its own that speaks D-Bus with QEMU
        Choice("rdp", DBUS_DISPLAY & helper("qemu-rdp")),
        Choice("spice", SPICE),
        Choice("egl-headless", qapi("query-display-options/ret/case=egl-headless")),
        Choice("dbus", DBUS_DISPLAY),
    ),
)

ELEMENT = Element("graphics", order=20, content=(TYPE,))
