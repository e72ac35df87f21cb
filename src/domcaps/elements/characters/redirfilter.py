"""``<redirfilter>``: which USB devices of a client may be passed on to the guest.

::

    <redirfilter>
      <usbdev class='0x08' vendor='0x1234' product='0xBEEF' version='2.56' allow='yes'/>
      <usbdev allow='no'/>
    </redirfilter>
"""

from __future__ import annotations

from domcaps.language.observed import device_property
from domcaps.language.part import Part, field
from domcaps.language.require import needs
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import YES_NO, Int, Text

FILTER = device_property("usb-redir", "filter")

_ANY = Int(-(2**31), 2**31 - 1, base=0)


class Redirfilter(Part):
    """The filter of all redirected devices."""

    path = "devices/redirfilter"


class RedirfilterUsbdev(Part):
    """One rule of the filter; -1 means any."""

    path = "devices/redirfilter/usbdev"

    usb_class = field(
        "@class",
        Int(-1, 0xFF, base=0),
        expected="a USB class from 0 to 255 such as '0x08', or -1 for any",
    )
    vendor = field("@vendor", _ANY, expected="a USB vendor number such as '0x0951', or -1 for any")
    product = field(
        "@product", _ANY, expected="a USB product number such as '0x2200', or -1 for any"
    )
    version = field(
        "@version", Text(r"-1|0*\d{1,2}\.0*\d{1,2}", "a version such as 2.56, or -1 for any")
    )
    allow = field("@allow", YES_NO, required=True)


@rule(
    "redirfilter-duplicate",
    Redirfilter,
    bad="<redirfilter/><redirfilter/>",
    good="<redirfilter><usbdev allow='no'/></redirfilter>",
)
def one_filter(redirfilter: Redirfilter) -> Problems:
    """A domain may have at most one ``<redirfilter>``."""
    if redirfilter.domain.all(Redirfilter)[0].node is not redirfilter.node:
        yield problem("the domain has a second <redirfilter>; remove one", redirfilter)


@rule(
    "redirfilter-unsupported",
    RedirfilterUsbdev,
    bad="<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='4000'/></redirdev>"
    "<redirfilter><usbdev allow='no'/></redirfilter>",
    good="<redirfilter><usbdev allow='no'/></redirfilter>",
)
def filter_is_there(usbdev: RedirfilterUsbdev) -> Problems:
    """``<redirfilter>`` requires a QEMU whose ``usb-redir`` has a filter."""
    if usbdev.domain.root.find("devices/redirdev") is not None:
        yield from needs(usbdev, FILTER, "this QEMU does not support <redirfilter>; remove it")
