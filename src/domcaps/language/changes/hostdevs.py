"""Changes of host devices."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

HOSTDEV_IOMMUFD = change("12.1", NEWS, "IOMMUFD for PCI devices (named in 12.2)")
HOSTDEV_USB_PORT = estimate("12.0", "11.3 and 12.8 differ", "a USB device is named by bus and port")
HOSTDEV_DUPLICATES = change("7.6", "git 9c3b6b7a82", "devices of the host that are given twice")
HOSTDEV_RAMFB_ONCE = estimate("8.0", "7.9 and 9.0 differ", "ramfb of one device only")
UNFILTERED_DROPPED = estimate("8.0", "7.9 and 9.0 differ", "unfiltered sgio is refused")
