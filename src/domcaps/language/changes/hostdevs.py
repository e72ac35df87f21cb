"""Changes of host devices."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

HOSTDEV_IOMMUFD = change("12.1", NEWS, "IOMMUFD for PCI devices (named in 12.2)")
HOSTDEV_USB_PORT = estimate("12.0", "11.3 and 12.8 differ", "a USB device is named by bus and port")
