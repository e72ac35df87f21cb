"""Which guest is meant: what libosinfo's database says of a system, else cautious defaults."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from domcaps.elements.advice.drivers import drivers_of, listed
from domcaps.elements.advice.needs import Needs, needs_of
from domcaps.errors import RequestError
from domcaps.facts.osinfo import database_folder, open_database
from domcaps.language.preference import FAMILIES, USES, Guest, GuestFamily
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from domcaps.facts.osinfo import GuestSystem

_FAMILIES: dict[str, GuestFamily] = {
    "linux": "linux",
    "winnt": "windows",
    **dict.fromkeys(("freebsd", "openbsd", "netbsd", "dragonflybsd"), "bsd"),
}
_NAMES: tuple[tuple[GuestFamily, re.Pattern[str]], ...] = (
    ("windows", re.compile(r"win|windows|msdos")),
    ("bsd", re.compile(r"(free|net|open|dragonfly|ghost)bsd|dragonfly")),
    ("other", re.compile(r"other|unknown|solaris|macos|osx|haiku|dos|reactos|omnios")),
)
_LINUX = re.compile(
    r"linux|alma|alpine|alt|arch|centos|cirros|debian|elementary|endless|eurolinux|fedora|gentoo|"
    r"kali|mageia|manjaro|mint|nixos|ol\d|opensuse|oracle|pop|pureos|rhel|rocky|silverblue|slackware|"
    r"sle[ds]|suse|trisquel|ubuntu|void"
)
UNKNOWN = "libosinfo knows no system"
"""How the source of a guest begins that the database should have had."""


def guest_of(system: str | None, use: str | None, arch: str, *, portable: bool = False) -> Guest:
    """Give the guest of a system's short name, such as ``ubuntu24.04``, or of a family's.

    `use` is ``desktop``, ``server`` or ``small``; raises `RequestError` for other words.
    """
    wanted = use or "desktop"
    if wanted not in USES:
        raise RequestError(f"{use!r} is no use of a guest", remedy=f"known are {', '.join(USES)}")
    family, devices, firmware, source = _system(system, arch)
    least, good = _resources(system or "", family, arch)
    listed = needs_of(system or "", family) if system else Needs()
    return Guest(
        system or "", family, wanted, devices, firmware, portable, source,
        (least[0], good[0]), (least[1], good[1]), listed.secure_boot, listed.tpm,
    )  # fmt: skip


def _resources(system: str, family: str, arch: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the least memory (MiB) and CPUs of a system, and what is recommended.

    What the database has not, the table of `needs` has; of two minimums the larger one counts.
    """
    if not system:
        return (0, 0), (0, 0)
    listed = needs_of(system, family)
    folder = database_folder()
    known = open_database(folder).system(system) if folder and system not in FAMILIES else None
    if known is None:
        least, good = (listed.memory, listed.vcpus), (listed.good_memory, listed.good_vcpus)
        return least, good
    ram, cpus = known.resource(arch, "minimum")
    more, many = known.resource(arch, "recommended")
    least = (ram >> 20 or listed.memory, cpus or listed.vcpus)
    if listed.tpm:
        least = (max(least[0], listed.memory), max(least[1], listed.vcpus))
    good = (
        max(least[0], more >> 20 or listed.good_memory),
        max(least[1], many or listed.good_vcpus),
    )
    return least, good


@functools.lru_cache(maxsize=512)
def _system(name: str | None, arch: str) -> tuple[GuestFamily, frozenset[str], frozenset[str], str]:
    if name is None:
        return _default("other", "", "no system was named, so what most systems can drive is taken")
    folder = database_folder()
    if folder is not None and name not in FAMILIES:
        database = open_database(folder)
        found = database.system(name)
        if found is not None:
            return _known(found, arch, name)
        family = _family(name)
        if family is not None:
            source = f"{UNKNOWN} {name!r}: what most systems of the family {family} can drive"
            return _default(family, name, source)
        near = close_matches(name, database.names(), n=4)
        raise RequestError(
            f"{UNKNOWN} {name!r}",
            remedy=f"near it are {', '.join(near)}" if near else "a family would do: linux",
        )
    family = next((one for one in FAMILIES if one == name), None) or _family(name)
    if family is None:
        raise RequestError(
            f"{name!r} is no system that is known here",
            remedy=f"name one of {', '.join(FAMILIES)}, or install libosinfo's osinfo-db",
        )
    return _default(family, name, f"what most systems of the family {family} can drive")


def _known(
    system: GuestSystem, arch: str, name: str
) -> tuple[GuestFamily, frozenset[str], frozenset[str], str]:
    firmware = {"bios", "efi"}
    for of_arch, kind, supported in system.firmware:
        if of_arch in {arch, "all"} and not supported:
            firmware.discard(kind)
    family = _FAMILIES.get(system.family, "other")
    if needs_of(name, family).uefi:
        firmware.discard("bios")
    return family, listed(name, system.devices), frozenset(firmware), f"libosinfo, of {name}"


def _default(
    family: GuestFamily, name: str, source: str
) -> tuple[GuestFamily, frozenset[str], frozenset[str], str]:
    firmware = {"efi"} if needs_of(name, family).uefi else {"bios", "efi"}
    return family, drivers_of(family, name), frozenset(firmware), source


def _family(name: str) -> GuestFamily | None:
    for family, pattern in _NAMES:
        if pattern.match(name.lower()):
            return family
    return "linux" if _LINUX.match(name.lower()) else None
