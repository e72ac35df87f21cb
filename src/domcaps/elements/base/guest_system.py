"""Which operating system a domain is for, by what it says itself.

::

    <metadata>
      <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
        <libosinfo:os id="http://apple.com/macosx/10.15"/>
      </libosinfo:libosinfo>
    </metadata>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

MACOS = "macos"
WINDOWS = "windows"

_OS = "{*}libosinfo/{*}os"
_ARG = "{*}commandline/{*}arg"
_VENDORS = {"apple.com": MACOS, "microsoft.com": WINDOWS}
# the device that macOS asks for its key
_APPLE_DEVICE = "isa-applesmc"
_APPLE_NAME = late_pattern(
    r"(?i)(?<![a-z])(mac[-_ ]?os|os[-_ ]?x|hackintosh|mojave|catalina|big[-_ ]?sur|monterey|"
    r"ventura|sonoma|high[-_ ]?sierra)(?![a-z])"
)
_WINDOWS_NAME = late_pattern(r"(?i)(?<![a-z])(windows|win[-_ ]?(xp|vista|\d+)|w2k\d+)(?![a-z])")


def guest_system(root: Node) -> str:
    """Name the system of a guest, "" where the domain does not tell.

    What libosinfo wrote counts first, then what only macOS needs, then the name and the title.
    """
    metadata = root.find("metadata")
    for node in () if metadata is None else metadata.iterfind(_OS):
        vendor = (node.get("id") or "").partition("://")[2].partition("/")[0]
        return _VENDORS.get(vendor, "")
    if any(_APPLE_DEVICE in (node.get("value") or "") for node in root.iterfind(_ARG)):
        return MACOS
    return _by_name(f"{root.findtext('name') or ''} {root.findtext('title') or ''}")


def _by_name(text: str) -> str:
    if _APPLE_NAME.search(text):
        return MACOS
    return WINDOWS if _WINDOWS_NAME.search(text) else ""


def has_virtio(root: Node) -> bool:
    """Tell whether a disk or a network card of the guest is a virtio device: it has drivers."""
    cards = root.iterfind("devices/interface/model")
    targets = root.iterfind("devices/disk/target")
    controllers = root.iterfind("devices/controller")
    return any(
        (value or "").startswith("virtio")
        for value in (
            *(card.get("type") for card in cards),
            *(target.get("bus") for target in targets),
            *(one.get("model") for one in controllers if one.get("type") == "scsi"),
        )
    )


def lacks_virtio(root: Node) -> bool:
    """Tell whether a guest may have no driver for a virtio display adapter.

    That is a guest of macOS or Windows, and one whose disks and network cards are all emulated
    hardware.
    """
    if guest_system(root):
        return True
    devices = root.find("devices")
    kinds = () if devices is None else (*devices.iterfind("disk"), *devices.iterfind("interface"))
    return bool(kinds) and not has_virtio(root)
