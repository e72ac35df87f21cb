"""The hosts of a fleet in memory: equal facts held once, and sets of hosts as bits of a number.

Host number *n* is bit *n*. A read of a host depends on a *facet*: on the target, on one emulator's
answers, or on some fields of the host's record. So a read is looked at once for each distinct
facet, and tells for each value which hosts have it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from domcaps.errors import DomcapsError
from domcaps.facts.emulator import EmulatorFacts
from domcaps.facts.emulators import RecordedEmulators
from domcaps.facts.host import HostFacts
from domcaps.facts.record import HostRecord
from domcaps.fleet.manifest import EmulatorEntry, Manifest, encode, sha256
from domcaps.fleet.roles import role_paths
from domcaps.fleet.tracking.proxies import look
from domcaps.fleet.tracking.shared import TableValues, WorldValues
from domcaps.language.target import Question
from domcaps.language.world import World
from domcaps.report.target import resolve_target
from domcaps.report.told import with_report
from domcaps.validate.document.parse import Source
from domcaps.validate.foreign import host_for
from domcaps.validate.target import TargetNotFound, nearest_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lxml.etree import _Element as Node

    from domcaps.fleet.store import FleetStore
    from domcaps.fleet.tracking.recorder import ReadKey
    from domcaps.language.dialect import Dialect
    from domcaps.language.rule import Problem
    from domcaps.language.target import Target

_FIRMWARE = ("firmware", "images", "image_sizes")
_FACETS = {
    "arch": ("arch",), "kvm": ("kvm",), "cpu": ("cpu",), "sev_limits": ("cpu",),
    "vfio": ("vfio",), "iommufd": ("iommufd",), "asserted": ("asserted",),
    "helper": ("helpers",), "helper_presence": ("helpers",), "tpm_versions": ("helpers",),
    "firmware": _FIRMWARE, "firmware_for": _FIRMWARE, "image_state": _FIRMWARE,
}  # fmt: skip
"""Fields of `HostRecord` that what is read of `HostFacts` depends on; others depend on all."""

_OF_TARGETS = ("*target",)
_MOST_TABLES = 1000
"""Targets that domains name; any text may be one."""

_NUMBERS = itertools.count()
_HARDWARE = frozenset({"cpuid", "time_stamp_counter"})


class WantedTarget(NamedTuple):
    """What a domain names of its target; None is what it leaves to libvirt."""

    emulator: str | None
    arch: str | None
    machine: str | None
    virttype: str | None
    has_type: bool = True
    has_pcie: bool = False

    def of(self, target: Target) -> WantedTarget:
        """Give the same with all of a target that there is."""
        return self._replace(
            emulator=target.emulator,
            arch=target.arch,
            machine=target.machine,
            virttype=target.virttype,
        )


class SharedFacts(NamedTuple):
    """The facts of all hosts with one digest."""

    host: HostFacts
    emulators: RecordedEmulators


class FleetHosts:
    """Hosts by number, with their facts: each distinct fact is in memory once."""

    def __init__(self, store: FleetStore, manifests: Iterable[Manifest]) -> None:
        self._store = store
        roles = [role_paths(store, found) for found in manifests]
        self.manifests = [found for found, _ in roles]
        self.own_paths = [own for _, own in roles]
        """For each host its own paths, by the roles that stand for them."""
        self.names = [manifest.host for manifest in self.manifests]
        self.every = (1 << len(self.names)) - 1
        self._emulators: dict[str, EmulatorFacts] = {}
        self._facts: dict[str, SharedFacts] = {}
        self._tables: dict[tuple[WantedTarget, str], WorldTable] = {}

    @cached_property
    def digests(self) -> list[str]:
        """Give the digest of each host's facts."""
        return [manifest.digest for manifest in self.manifests]

    def facts(self, number: int) -> SharedFacts:
        """Give the facts of a host."""
        digest = self.digests[number]
        if digest not in self._facts:
            manifest = self.manifests[number]
            node = self._store.node(manifest)
            emulators = RecordedEmulators(())
            emulators.take(self.emulator(entry) for entry in manifest.emulators)
            record = self._store.host_record(manifest)
            self._facts[digest] = SharedFacts(HostFacts(record, lambda: node), emulators)
        return self._facts[digest]

    def emulator(self, entry: EmulatorEntry) -> EmulatorFacts:
        """Give the facts of an emulator, one object for equal answers."""
        key = emulator_key(entry)
        if key not in self._emulators:
            self._emulators[key] = EmulatorFacts(self._store.emulator(entry))
        return self._emulators[key]

    def facet(self, fields: tuple[str, ...] | None) -> dict[Any, int]:
        """Give the hosts that share fields of their records; None stands for all of the facts."""
        found = self._by_facet.get(fields)
        if found is None:
            found = self._by_facet[fields] = defaultdict(int)
            for number, manifest in enumerate(self.manifests):
                found[_facet_of(manifest, fields, self.digests[number])] |= 1 << number
        return found

    @cached_property
    def _by_facet(self) -> dict[tuple[str, ...] | None, dict[Any, int]]:
        return {}

    def table(self, wanted: WantedTarget, dialect: str) -> WorldTable:
        """Give the worlds of all hosts for a target that a domain names."""
        key = wanted, dialect
        if key not in self._tables:
            if len(self._tables) >= _MOST_TABLES:
                # the oldest goes; its number is not given again
                self._tables.pop(next(iter(self._tables)))
            self._tables[key] = WorldTable(self, wanted, dialect)
        return self._tables[key]


class TargetFault(NamedTuple):
    """Something of a target that a host does not have; `place` is a path below ``<domain>``."""

    code: str
    message: str
    place: str
    attribute: str
    accepted: tuple[str, ...] = ()


class AsNear(NamedTuple):
    """Another target that may be meant; what is found only of a rare one is a notice."""

    wanted: WantedTarget
    as_if: str
    is_rare: bool


class Resolution(NamedTuple):
    """What came of resolving a target on some hosts: without faults where it is there.

    `as_if` says what was taken instead, `others` what is as near. `boards` may be meant where the
    architecture is missing: what is not found of them as well follows from that. Where nothing
    could be taken there is no world.
    """

    faults: tuple[TargetFault, ...] = ()
    as_if: str = ""
    has_world: bool = True
    others: tuple[AsNear, ...] = ()
    boards: tuple[WantedTarget, ...] = ()


def has_others(resolutions: Iterable[Resolution]) -> bool:
    """Tell whether other targets count as well for some hosts."""
    return any(one.others or one.boards for one in resolutions)


def fitting(resolutions: Mapping[Resolution, int]) -> int:
    """Give the hosts that have all of a target."""
    hosts = 0
    for resolution, same in resolutions.items():
        hosts |= same if resolution.has_world and not resolution.faults else 0
    return hosts


class KnownTable:
    """What is known of a target on some hosts without their facts."""

    def __init__(self, resolutions: Mapping[Resolution, int]) -> None:
        self.number = next(_NUMBERS)
        self.resolutions = resolutions
        self.with_world = 0
        for resolution, same in resolutions.items():
            self.with_world |= same if resolution.has_world else 0
        self.fitting = fitting(resolutions)


class SelectingTable:
    """Worlds by number, and in which of them a read finds the same: number *n* is bit *n*."""

    def __init__(self) -> None:
        self._selections: dict[ReadKey, dict[Any, int]] = {}

    def _reader(self, number: int) -> Callable[[ReadKey, Any], bool]:
        bit = 1 << number
        return lambda key, found: bool(self.select(key, found) & bit)

    def select(self, key: ReadKey, found: Any, *, is_kept: bool = True) -> int:
        """Give the worlds in which a read finds the same; it is kept for the next one."""
        known = self._selections.get(key)
        if known is None:
            known = self._selection(key)
            if is_kept:
                self._selections[key] = known
        return known.get(found, 0)

    def _selection(self, key: ReadKey) -> dict[Any, int]:
        """Give the worlds by what a read finds in them."""
        raise NotImplementedError


class WorldTable(SelectingTable):
    """For one named target: the world that each host gives for it, and what it lacks of it."""

    def __init__(self, hosts: FleetHosts, wanted: WantedTarget, dialect: str) -> None:
        super().__init__()
        self.number = next(_NUMBERS)
        self.wanted = wanted
        self._hosts = hosts
        self._resolved: list[tuple[int, Target, EmulatorFacts]] = []
        self._worlds: dict[tuple[int, str], World] = {}
        self._values = TableValues()
        self._targets: defaultdict[Any, int] = defaultdict(int)
        self._emulators: defaultdict[int, int] = defaultdict(int)
        self.resolutions: dict[Resolution, int] = defaultdict(int)
        self.with_world = 0
        # nothing else of a host counts for a target: `_resolve` has no more than this
        for same in hosts.facet(_OF_TARGETS).values():
            self._resolve(same, wanted, dialect)

    def _resolve(self, same: int, wanted: WantedTarget, dialect: str) -> None:
        facts = self._hosts.facts(lowest(same))
        record = facts.host.record
        host = HostFacts(HostRecord(record.arch, kvm=record.kvm, libvirt=record.libvirt))

        def open_world(
            emulator: str | None,
            arch: str | None,
            machine: str | None,
            virttype: str | None,
            libvirt: str = dialect,
        ) -> World:
            question = Question(emulator, arch, machine, virttype, libvirt)
            target = resolve_target(host, facts.emulators, question)
            return World(target, facts.emulators.get(target.emulator), host)

        source = _document_of(wanted)
        try:
            found = nearest_target(source, open_world)
        except TargetNotFound as missing:
            finding = missing.finding
            place, _, attribute = finding.path.partition("/@")
            fault = TargetFault(finding.code, finding.message,
                                place.removeprefix("/domain").lstrip("/"), attribute,
                                finding.accepted)  # fmt: skip
            self.resolutions[Resolution((fault,), has_world=False)] |= same
            return
        except DomcapsError as error:
            fault = TargetFault("emulator-unsupported", str(error), "", "")
            self.resolutions[Resolution((fault,), has_world=False)] |= same
            return
        faults = tuple(_fault_of(code, wrong, source.root) for code, wrong in found.faults)
        others = tuple(
            AsNear(wanted.of(other.world.target), other.as_if, other.is_rare)
            for other in found.others
        )
        boards = tuple(
            wanted._replace(emulator=None, arch=one.target.arch, machine=one.target.machine)
            for one in found.boards
        )
        self.resolutions[Resolution(faults, found.as_if, others=others, boards=boards)] |= same
        self.with_world |= same
        world = found.world
        self._resolved.append((same, world.target, world.emulator))
        self._targets[world.target] |= same
        self._emulators[id(world.emulator)] |= same

    @property
    def has_others(self) -> bool:
        """Whether other targets count as well for some hosts."""
        return has_others(self.resolutions)

    @cached_property
    def fitting(self) -> int:
        """Give the hosts that have all of the target."""
        return fitting(self.resolutions)

    @cached_property
    def dialects(self) -> tuple[Dialect, ...]:
        """Give the dialects that the target has on hosts."""
        return tuple(dict.fromkeys(target.dialect for _, target, _ in self._resolved))

    @cached_property
    def known_images(self) -> frozenset[str]:
        """Give the files of which any host knows more than their names."""
        found: set[str] = set()
        for same in self._hosts.facet(_FIRMWARE).values():
            if same & self.with_world:
                found |= self._hosts.facts(lowest(same & self.with_world)).host.known_images
        return frozenset(found)

    def world(self, number: int) -> World:
        """Give the world of a host; it is one object for hosts of equal facts."""
        for place, (same, target, emulator) in enumerate(self._resolved):
            if same >> number & 1:
                key = place, self._hosts.digests[number]
                if key not in self._worlds:
                    host = host_for(emulator, self._hosts.facts(number).host)
                    world = self._worlds[key] = with_report(World(target, emulator, host))
                    world.kept["watched"] = WorldValues(self._values, self._reader(number))
                return self._worlds[key]
        raise KeyError(number)

    def _selection(self, key: ReadKey) -> dict[Any, int]:
        root, *rest = key
        path = tuple(rest)
        found: defaultdict[Any, int] = defaultdict(int)
        for same in self._alike(root, path):
            here = same & self.with_world
            if here:
                found[self._look(root, path, lowest(here))] |= here
        return found

    def _alike(self, root: str, path: tuple[Any, ...]) -> Iterable[int]:
        """Give sets of hosts that can't differ in a read."""
        if root == "target":
            return self._targets.values()
        if root == "emulator":
            return self._emulators.values()
        return self._hosts.facet(_fields(path)).values()

    def _look(self, root: str, path: tuple[Any, ...], number: int) -> Any:
        world = self.world(number)
        if root == "target" and path == ("dialect",):
            return str(world.target.dialect)
        return look(getattr(world, root), path)


def _document_of(wanted: WantedTarget) -> Source:
    """Give the least domain that names a target: faults of targets are about nothing else."""
    root = etree.Element("domain")
    kind = etree.SubElement(etree.SubElement(root, "os"), "type") if wanted.has_type else None
    if wanted.virttype is not None:
        root.set("type", wanted.virttype)
    for name in ("arch", "machine"):
        value = getattr(wanted, name)
        if value is not None and kind is not None:
            kind.set(name, value)
    devices = etree.SubElement(root, "devices")
    if wanted.emulator is not None:
        etree.SubElement(devices, "emulator").text = wanted.emulator
    if wanted.has_pcie:
        etree.SubElement(devices, "controller", type="pci", model="pcie-root")
    return Source(etree.tostring(root), root)


def _fault_of(code: str, found: Problem, root: Node) -> TargetFault:
    node = found.node
    place = "os/type" if node.tag == "type" else "devices/emulator"
    return TargetFault(
        code, found.message, "" if node is root else place, found.attribute, found.accepted
    )


def _fields(path: tuple[Any, ...]) -> tuple[str, ...] | None:
    name = path[0] if isinstance(path[0], str) else path[0][0]
    if name in _HARDWARE:
        return ("*node",)
    if name == "record" and len(path) > 1 and isinstance(path[1], str):
        return (path[1],)
    return _FACETS.get(name)


def _facet_of(manifest: Manifest, fields: tuple[str, ...] | None, digest: str) -> Any:
    if fields is None:
        return digest
    if fields == _OF_TARGETS:
        emulators = tuple((entry.path, emulator_key(entry)) for entry in manifest.emulators)
        return (emulators, *(manifest.facts.get(name, "") for name in ("arch", "kvm", "libvirt")))
    if fields == ("*node",):
        node = manifest.node
        return None if node is None else tuple(sorted(node.items()))
    # what is not known of a host is left out of its facts, as what is the usual value
    return tuple(manifest.facts.get(name, "") for name in (*fields, "unread"))


def emulator_key(entry: EmulatorEntry) -> str:
    """Name what an emulator answered."""
    return sha256(encode([entry.path, entry.inventory, entry.sessions]))


def lowest(some: int) -> int:
    """Give the number of the first host of a set."""
    return (some & -some).bit_length() - 1


def bits(some: int) -> Iterator[int]:
    """Give the numbers of the hosts of a set."""
    number = 0
    while some:
        skipped = (some & -some).bit_length() - 1
        number += skipped
        yield number
        some >>= skipped + 1
        number += 1
