"""Changes of host devices."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

HOSTDEV_IOMMUFD = change(
    "12.1",
    NEWS,
    "attribute 'iommufd' of <driver> is supported for PCI host devices (named in 12.2)",
)
HOSTDEV_USB_PORT = estimate(
    "12.1",
    "libvirt-go-xml 412b74e, which has the ports of USB node devices, between 12.0 and 12.1",
    "a USB host device may be named by bus and port",
)
HOSTDEV_DUPLICATES = change("7.6", "git 9c3b6b7a82", "a host device may not be assigned twice")
HOSTDEV_RAMFB_ONCE = estimate("8.0", "7.9 and 9.0 differ", "only one device may have ramfb='on'")
UNFILTERED_DROPPED = estimate("8.0", "7.9 and 9.0 differ", "sgio='unfiltered' is refused")
