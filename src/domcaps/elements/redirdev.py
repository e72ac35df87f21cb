"""``<redirdev>``: USB devices of whoever watches the screen, passed on to the guest.

::

    <redirdev bus='usb' type='spicevmc'/>
"""

from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import device

USB_REDIR = device("usb-redir")

BUS = Enum("bus", attribute="@bus", choices=(Choice("usb", USB_REDIR),))

ELEMENT = Element("redirdev", order=80, supported=USB_REDIR, content=(BUS,))
