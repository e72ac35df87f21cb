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

from domcaps.language.text_tells import text_tells
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    if metadata is not None and metadata.find(_OS) is not None:
        return _VENDORS.get(system_id(root).partition("://")[2].partition("/")[0], "")
    if any(_APPLE_DEVICE in (node.get("value") or "") for node in root.iterfind(_ARG)):
        return MACOS
    if root.find("title") is None:
        return text_tells(root, "name", _by_name)
    return _by_name(f"{root.findtext('name') or ''} {root.findtext('title') or ''}")


def system_id(root: Node) -> str:
    """Give libosinfo's name of the guest's system, ``http://microsoft.com/win/11``, "" without."""
    metadata = root.find("metadata")
    nodes = () if metadata is None else metadata.iterfind(_OS)
    return next((node.get("id") or "" for node in nodes), "")


def _by_name(text: str) -> str:
    if _APPLE_NAME.search(text):
        return MACOS
    return WINDOWS if _WINDOWS_NAME.search(text) else ""


def looks_like_windows(root: Node) -> bool:
    """Tell whether a guest may be Windows, by its name or by what only Windows is given.

    That are Hyper-V's features and a clock in local time.
    """
    if (system := guest_system(root)) or root.find(f"metadata/{_OS}") is not None:
        return system == WINDOWS
    clock = root.find("clock")
    local = clock is not None and clock.get("offset") == "localtime"
    return local or root.find("features/hyperv") is not None


_FIRST_WITH_VIRTIO_GPU = {
    "ubuntu": (15, 10), "debian": (9,), "fedora": (23,), "rhel": (7,), "centos": (7,), "ol": (7,),
    "opensuse": (15,), "sles": (12, 2), "sled": (12, 2),
}  # fmt: skip
"""The first releases with Linux 4.2, or with its driver for virtio's display adapter."""


def _is_older_linux(root: Node) -> bool:
    """Tell whether a guest is a release of Linux from before the driver for virtio's display."""
    name, _, version = system_id(root).rstrip("/").rpartition("/")
    first = _FIRST_WITH_VIRTIO_GPU.get(name.rpartition("/")[2])
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal())
    return first is not None and bool(numbers) and numbers < first


def lacks_virtio_display(root: Node) -> bool:
    """Tell whether a guest may have no driver for a virtio display adapter.

    That is a guest of macOS or Windows, which come without one, whatever else they have drivers
    for; an old release of Linux; and one whose disks and network cards are all emulated hardware,
    as far as the domain says what they are.
    """
    if guest_system(root) or looks_like_windows(root) or _is_older_linux(root):
        return True
    told = [one for one in (*_disk_buses(root), *_card_models(root)) if one]
    return bool(told) and not any(one.startswith("virtio") for one in told)


def _card_models(root: Node) -> Iterator[str]:
    for model in root.iterfind("devices/interface/model"):
        yield model.get("type") or ""


def _disk_buses(root: Node) -> Iterator[str]:
    """Give the buses of hard disks; that of a SCSI disk may be one of virtio's."""
    controllers = root.findall("devices/controller")
    scsi = next((one.get("model") or "" for one in controllers if one.get("type") == "scsi"), "")
    for disk in root.iterfind("devices/disk"):
        target = disk.find("target")
        if target is None or disk.get("device") in {"cdrom", "floppy"}:
            continue
        bus = target.get("bus") or ("virtio" if target.get("dev", "").startswith("vd") else "")
        yield (scsi or bus) if bus == "scsi" else bus
