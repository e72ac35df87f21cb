"""``<console>``: where the guest's text console leads to.

::

    <console type='pty'>
      <target type='virtio'/>
    </console>
"""

from domcaps.elements.graphics import SPICE
from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import qapi

TYPE = Enum(
    "type",
    attribute="@type",
    choices=(
        Choice("null"),
        Choice("vc"),
        Choice("pty"),
        Choice("dev"),
        Choice("file"),
        Choice("pipe"),
        Choice("stdio"),
        Choice("udp"),
        Choice("tcp"),
        Choice("unix"),
        Choice("spicevmc", SPICE),
        Choice("spiceport", SPICE),
        Choice("qemu-vdagent", qapi("chardev-add/arg/backend/case=qemu-vdagent")),
        # listed without a look at QEMU, unlike the display of that name
        Choice("dbus"),
    ),
)

ELEMENT = Element("console", order=130, since="11.5", content=(TYPE,))
