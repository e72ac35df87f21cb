"""Which guest is meant: what libosinfo's database says of a system, else cautious defaults."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.choose.system_names import (
    family_of_name,
    short_form,
    spellings,
)
from domcaps.elements.advice.drivers import drivers_of, listed
from domcaps.elements.advice.needs import Needs, needs_of
from domcaps.errors import RequestError
from domcaps.facts.osinfo import database_folder, open_database
from domcaps.language.preference import FAMILIES, USES, Guest, GuestFamily
from domcaps.named_tuples import NamedTuple
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from domcaps.facts.osinfo import GuestSystem, Osinfo

_FAMILIES: dict[str, GuestFamily] = {
    "linux": "linux",
    "winnt": "windows",
    **dict.fromkeys(("freebsd", "openbsd", "netbsd", "dragonflybsd"), "bsd"),
}
UNKNOWN = "libosinfo knows no system"
"""How the source of a guest begins that the database should have had."""


class _System(NamedTuple):
    """A system by its short name, and where its data are from."""

    name: str
    family: GuestFamily
    devices: frozenset[str]
    firmware: frozenset[str]
    source: str


def guest_of(system: str | None, use: str | None, arch: str, *, portable: bool = False) -> Guest:
    """Give the guest of a system's name, or of a family's.

    The name is a short one of libosinfo (``win11``) or a full one (``Windows 11``). `use` is
    ``desktop``, ``server`` or ``small``. Raises `RequestError` for names that are not known.
    """
    wanted = use or "desktop"
    if wanted not in USES:
        raise RequestError(f"{use!r} is no use of a guest", remedy=f"known are {', '.join(USES)}")
    name, family, devices, firmware, source = _system(system or None, arch)
    least, good = _resources(name, family, arch)
    listed = needs_of(name, family) if name else Needs()
    return Guest(
        name, family, wanted, devices, firmware, portable, source,
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
def _system(name: str | None, arch: str) -> _System:
    if name is None:
        return _default("other", "", "no system was named, so what most systems can drive is taken")
    family = next((one for one in FAMILIES if one == name.lower()), None)
    if family is not None:
        return _default(family, family, f"what most systems of the family {family} can drive")
    folder = database_folder()
    return _named_by_words(name) if folder is None else _listed(name, arch, open_database(folder))


def _listed(name: str, arch: str, database: Osinfo) -> _System:
    """Give what the database says of a system, else the family that the name tells."""
    for short in (name, *spellings(name), database.short_name(name)):
        found = database.system(short) if short else None
        if found is not None:
            return _known(found, arch, short)
    family = family_of_name(short_form(name))
    if family is not None:
        source = f"{UNKNOWN} {name!r}: what most systems of the family {family} can drive"
        return _default(family, short_form(name), source)
    near = close_matches(short_form(name), database.names(), n=4)
    raise RequestError(
        f"{UNKNOWN} {name!r}",
        remedy=f"near it are {', '.join(near)}" if near else "a family would do: linux",
    )


def _named_by_words(name: str) -> _System:
    """Give the family that the words of a name tell: there is no database."""
    short = short_form(name)
    family = family_of_name(short, any_word=True)
    if family is None:
        raise RequestError(
            f"{name!r} is no system that is known here",
            remedy=f"name one of {', '.join(FAMILIES)}, or install libosinfo's osinfo-db",
        )
    return _default(family, short, f"what most systems of the family {family} can drive")


def _known(system: GuestSystem, arch: str, name: str) -> _System:
    firmware = {"bios", "efi"}
    for of_arch, kind, supported in system.firmware:
        if of_arch in {arch, "all"} and not supported:
            firmware.discard(kind)
    family = _FAMILIES.get(system.family, "other")
    if needs_of(name, family).uefi:
        firmware.discard("bios")
    devices = listed(name, system.devices)
    return _System(name, family, devices, frozenset(firmware), f"libosinfo, of {name}")


def _default(family: GuestFamily, name: str, source: str) -> _System:
    firmware = {"efi"} if needs_of(name, family).uefi else {"bios", "efi"}
    return _System(name, family, drivers_of(family, name), frozenset(firmware), source)
