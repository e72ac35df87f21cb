"""What an edit loses of what the domain asked for, as figures: the fewer, the better.

Three orders, far apart: a typo loses nothing; what the finding itself asks for loses
little; taking something away loses most, and a device that the guest was given is not taken away
without permission.
"""

from __future__ import annotations

SLIP = 1
"""The nearest known word, or the right name of an attribute."""

FIX = 10
"""What the finding asks for: something is added, or a value that follows from the rest is set."""

PLACES = ("/address", "/address/zpci", "/target/address")
"""Elements of a device whose attributes libvirt chooses where they are not there."""

NUMBER = 20
"""The nearest number that is permitted."""

LESS = 100
"""Less than was asked for, such as fewer CPUs."""

PLACE = 25
"""An address goes, and libvirt chooses one."""

NAMED = 28
"""A value that another setting of the device goes with, as the name of a disk does with its bus."""

SUBSTITUTE = 30
"""A value that serves the same purpose; the next one in the list loses one more."""

MACHINE = 60
"""Another machine type of the same family; one of another family loses twice that."""

PREFERRED = 70
"""A value that new domains prefer, where nothing is said of what can stand in for the old one."""

SHOWN = 90
"""What the manual of the finding shows, where only its owner could know better."""

UNITS = ("KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB", "bytes")
"""Words for the attribute ``unit``; without it a size is another one."""

SETTING = 200
"""A setting goes: an attribute, or an element that is no device."""

NEAR = 260
"""Another value of the same device changes, which nothing was found at."""

KIND = 450
"""The device becomes another kind of device."""

STAND_IN = 350
"""A value beside the finding changes to one of the same purpose, so that no device goes."""

CONTROLLER = 40
"""A controller goes: libvirt adds those that devices need."""

DEVICE = 400
"""A device goes without which the guest has all that it was given: a channel, a sound card."""

ELSEWHERE = 500
"""Settings beside the devices change, which nothing was found at."""

PROTECTED = 2000
"""A device goes that holds what the guest is for: only with permission."""

PROTECTED_DEVICES = frozenset(
    {"disk", "interface", "hostdev", "filesystem", "tpm", "lease", "memory"}
)
"""Devices that are never taken away without permission."""

PROTECTED_SETTINGS = frozenset(
    {"/domain/os/@firmware", "/domain/os/loader", "/domain/os/nvram", "/domain/os/type/@arch",
     "/domain/os/loader/@secure", "/domain/os/firmware", "/domain/os/firmware/feature",
     "/domain/os/firmware/feature/@name", "/domain/os/firmware/feature/@enabled",
     "/domain/launchSecurity", "/domain/@type", "/domain/os/type/@machine",
     "/domain/devices/filesystem/driver", "/domain/devices/filesystem/driver/@type",
     "/domain/devices/tpm/backend", "/domain/devices/tpm/backend/@type",
     "/domain/devices/tpm/backend/@version", "/domain/devices/disk/driver/@type",
     "/domain/os/loader/@readonly", "/domain/os/loader/@type", "/domain/features/acpi",
     "/domain/launchSecurity/@type", "/domain/devices/memory/@model", "/domain/os/nvram/@type",
     "/domain/devices/hostdev/@model", "/domain/devices/disk/readonly",
     "/domain/clock/@offset", "/domain/devices/interface/bandwidth",
     "/domain/devices/interface/bandwidth/inbound", "/domain/devices/interface/bandwidth/outbound",
     "/domain/devices/interface/vlan", "/domain/devices/interface/vlan/tag",
     "/domain/devices/interface/vlan/tag/@id", "/domain/devices/interface/filterref",
     "/domain/devices/interface/filterref/@filter",
     "/domain/devices/disk/target", "/domain/devices/disk/target/@dev"}
)  # fmt: skip
"""Settings that are never taken away without permission: the architecture, UEFI, secure boot, the
time, what keeps a guest out of other networks, and from taking all of one."""

WHAT_IT_IS = frozenset({"type", "mode", "device"})
"""Attributes that say what a protected device is: without them it is another one."""

SECRETS = ("encryption", "auth", "source/encryption", "source/auth")
"""Parts of a device without which, or with other values, its data can't be read."""

ORIGINS = ("source/host", "source/address", "source/vendor", "source/product", "source/adapter",
           "source/initiator")  # fmt: skip
"""Parts of a device that say where on the host or in the network its data or hardware is."""

OF_NO_MATTER = frozenset({"startupPolicy", "index", "mode", "managed", "writeFiltering"})
"""Attributes of a ``<source>`` that do not say which one it is."""

PROTECTED_PARTS = frozenset({"encryption", "auth", "source"})
"""Parts of those devices that are never taken away without permission."""

ESSENTIAL = frozenset(
    {"/domain", "/domain/name", "/domain/os", "/domain/os/type", "/domain/devices",
     "/domain/memory", "/domain/vcpu"}
)  # fmt: skip
"""Elements without which there is no domain."""

NAMED_BY_OWNER = frozenset(
    {"file", "dev", "dir", "name", "uuid", "path", "host", "network", "bridge", "pool", "volume",
     "service", "socket", "usage", "username", "wwpn", "wwnn", "parent", "uid", "gid",
     "id", "address", "mac", "secret", "serial",
     "keyfile", "value", "cpuset", "nodeset", "startport", "vendor", "product"}
)  # fmt: skip
"""Attributes and elements that hold what only the owner of a domain knows: never made up."""
