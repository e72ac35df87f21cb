"""What a class of hosts can give guests: a common set, and what groups of machine types add to it.

A host has dozens of machine types, and most of them give the same. No guest has a machine type that
is all of them together, so a union would promise what no guest gets. What every machine type of an
emulator gives is said once; groups of machine types that give more are named, with what they add.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.errors import DomcapsError
from domcaps.fleet.machine_types import MachineTypes
from domcaps.language.dialect import check_dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.fleet.fleet import Fleet
    from domcaps.hosts.host import Host
    from domcaps.language import World

_VERSION = re.compile(r"-?\d+(?:\.\d+)+$", re.ASCII)


class MachineGroup(msgspec.Struct, frozen=True):
    """Machine types that give the same, and what that is beyond what all give.

    `name` is the alias of one of them, such as ``q35``, or else the name of the first.
    """

    name: str
    machines: tuple[str, ...]
    more: tuple[str, ...]


class GuestFeatures(msgspec.Struct, frozen=True):
    """What one emulator of a host gives guests of one architecture.

    `features` is what all of its machine types give. `unknown` counts statements that can't be
    decided, since the recording has no answer.
    """

    arch: str
    emulator: str
    qemu: str
    virttype: str
    libvirt: str
    features: tuple[str, ...]
    groups: tuple[MachineGroup, ...] = ()
    unknown: int = 0


class HostFeatures(msgspec.Struct, frozen=True):
    """The features of all hosts of a class, emulator by emulator."""

    class_id: str
    hosts: tuple[str, ...]
    guests: tuple[GuestFeatures, ...]

    @property
    def unknown(self) -> int:
        """Count what can't be decided."""
        return sum(guest.unknown for guest in self.guests)


_KNOWN: dict[tuple[str, str], tuple[GuestFeatures, ...]] = {}
"""Features by the digest of all that decides them, and the dialect."""

_MOST_KNOWN = 500


def features_by_class(
    fleet: Fleet, libvirt: str = DEFAULT_DIALECT, names: Iterable[str] | None = None
) -> Iterator[HostFeatures]:
    """Give the features of the classes of a fleet, or of those of some hosts; largest class first.

    Costs about a fifth of a second of a processor for a class that this process has not met.
    """
    check_dialect(libvirt)
    hosts = fleet.hosts
    wanted = None if names is None else set(names)
    by_class: dict[str, list[int]] = {}
    for number, digest in enumerate(hosts.digests):
        if wanted is None or hosts.names[number] in wanted:
            by_class.setdefault(digest, []).append(number)
    for digest, numbers in sorted(by_class.items(), key=lambda item: (-len(item[1]), item[0])):
        named = tuple(hosts.names[number] for number in numbers)
        key = digest, libvirt
        if key not in _KNOWN:
            if len(_KNOWN) >= _MOST_KNOWN:
                _KNOWN.clear()
            _KNOWN[key] = tuple(guests_of(fleet.deciding_host(numbers[0]), libvirt))
        yield HostFeatures(digest[:16], named, _KNOWN[key])


def guests_of(host: Host, libvirt: str = DEFAULT_DIALECT) -> Iterator[GuestFeatures]:
    """Give the features of each emulator of a host; one that the dialect refuses is left out."""
    for path in host.emulators.paths():
        try:
            world = host.world(emulator=path, libvirt=libvirt)
        except DomcapsError:
            continue
        yield _guest(host, world, libvirt)


def _guest(host: Host, world: World, libvirt: str) -> GuestFeatures:
    target, emulator = world.target, world.emulator
    sets: dict[tuple[str, frozenset[str]], list[str]] = {}
    unknown: set[str] = set()
    machines = {one.name: one.alias for one in emulator.machines(target.virttype)}
    types = MachineTypes()
    for name in machines:
        try:
            known = host.world(target.emulator, target.arch, name, target.virttype, libvirt)
            given = types.features(known)
        except DomcapsError:
            continue
        unknown |= given.unknown
        sets.setdefault((_board(name), given.features), []).append(name)
    common = frozenset.intersection(*(found for _, found in sets)) if sets else frozenset()
    groups = [
        MachineGroup(
            _named(names, machines),
            tuple(sorted(names)),
            tuple(sorted(found - common)),
        )
        for (_, found), names in sets.items()
    ]
    return GuestFeatures(
        target.arch,
        target.emulator,
        emulator.version_text,
        target.virttype,
        str(target.dialect),
        tuple(sorted(common)),
        tuple(sorted((g for g in groups if g.more), key=lambda group: group.name)),
        len(unknown),
    )


def _board(machine: str) -> str:
    """Give the name of a machine type without its version."""
    return _VERSION.sub("", machine)


def _named(names: list[str], aliases: dict[str, str]) -> str:
    return next((aliases[name] for name in names if aliases[name]), names[0])
