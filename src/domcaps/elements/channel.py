"""``<channel>``: private character devices between host and guest.

::

    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
"""

from domcaps.elements.graphics import SPICE
from domcaps.language import Choice, Element, Enum

TYPE = Enum(
    "type",
    attribute="@type",
    choices=(Choice("pty"), Choice("unix"), Choice("spicevmc", SPICE)),
)

ELEMENT = Element("channel", order=90, content=(TYPE,))
