"""Hosts and what they can give a virtual machine: the public interface for Python.

::

    host = domcaps.Host.local()                       # or Host.load("host.domcaps")
    caps = host.domain_capabilities(machine="q35")
    caps.devices.video.enums["modelType"]             # ('vga', 'cirrus', …)
    print(caps.xml)
"""

from __future__ import annotations

import difflib
import hashlib
from abc import ABC, abstractmethod
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.elements.machines import canonical_machine, oldest_qemu, preferred_machine
from domcaps.errors import DomcapsError, RequestError, UnsupportedTargetError
from domcaps.facts.arch import ARCHITECTURES, emulator_names, same_family
from domcaps.facts.emulator import ACCELERATORS, EmulatorFacts, Unanswered
from domcaps.facts.host import HostFacts
from domcaps.language import Target, World, parse_dialect
from domcaps.language.target import Flags
from domcaps.report.document import Document, build
from domcaps.report.view import SectionView, SectionViews

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Unpack

    from domcaps.choose.api import WishOptions
    from domcaps.choose.chooser import Chosen
    from domcaps.choose.repair import Repair
    from domcaps.facts.node import Node
    from domcaps.facts.record import EmulatorRecord, Recording
    from domcaps.fresh.answers import Emulators
    from domcaps.language import Dialect
    from domcaps.live import LiveHost
    from domcaps.report.explain import Explanation
    from domcaps.validate.check import Validation
    from domcaps.validate.uses import DomainUses

DEFAULT_DIALECT = "12.8"

_MOST_WORLDS = 1000


class DomainCapabilities:
    """What one emulator can give a guest of one kind: libvirt's ``<domainCapabilities>``."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @cached_property
    def xml(self) -> str:
        """The document in libvirt's form, as the dialect asked for prints it."""
        from domcaps.report.xml import to_xml

        return to_xml(self.document)

    @cached_property
    def json(self) -> str:
        """The same content as JSON."""
        from domcaps.report.json import to_json

        return to_json(self.document)

    @property
    def path(self) -> str:
        """The emulator."""
        return self.document.path

    @property
    def virttype(self) -> str:
        """The virtualization type: ``kvm``, ``qemu`` or ``hvf``."""
        return self.document.domain

    @property
    def machine(self) -> str:
        """The machine type, by its canonical name."""
        return self.document.machine

    @property
    def arch(self) -> str:
        """The guest's architecture."""
        return self.document.arch

    def without(self, paths: Collection[str]) -> DomainCapabilities:
        """Leave statements out: ``video.modelType=qxl``, ``vmcoreinfo``, ``vcpu max`` …."""
        from domcaps.report.truth import leave_out

        return DomainCapabilities(leave_out(self.document, paths))

    @cached_property
    def snapshot(self) -> str:
        """A name of the answer: equal names, equal answers."""
        # what structs print tells apart parts of different kinds that are written alike
        text = repr(self.document).encode("utf-8", "backslashreplace")
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be decided because the emulator was not asked; it counts as a no."""
        return self.document.unknown

    @cached_property
    def top(self) -> SectionViews:
        """Elements that stand at the top: ``vcpu``, ``os``, ``cpu``, ``memoryBacking`` …."""
        return SectionViews(self.document.top)

    @cached_property
    def devices(self) -> SectionViews:
        """Devices, by their element's name."""
        return SectionViews(self.document.devices)

    @cached_property
    def features(self) -> SectionViews:
        """Features, by their element's name, with ``_`` for ``-``."""
        return SectionViews(self.document.features)

    @property
    def os(self) -> SectionView:
        """Firmware and how it is loaded."""
        return self.top.os

    @property
    def cpu(self) -> SectionView:
        """CPU modes and models."""
        return self.top.cpu


class EmulatorSource(ABC):
    """Where a host's emulators come from: a recording, or the machine itself."""

    @abstractmethod
    def paths(self) -> tuple[str, ...]:
        """Name the emulators there are."""

    @abstractmethod
    def get(self, path: str) -> EmulatorFacts:
        """Give the facts of one; raises a `DomcapsError` where that one can't be asked."""

    @abstractmethod
    def find(self, name: str) -> str:
        """Give the path of the program of that name, "" where there is none."""


class RecordedEmulators(EmulatorSource):
    """Emulators out of a recording."""

    def __init__(self, records: Iterable[EmulatorRecord]) -> None:
        self._emulators = {record.path: EmulatorFacts(record) for record in records}

    def paths(self) -> tuple[str, ...]:
        """Name those that were recorded."""
        return tuple(self._emulators)

    def get(self, path: str) -> EmulatorFacts:
        """Give a recorded one."""
        if path not in self._emulators:
            raise UnsupportedTargetError(
                f"the recording holds no emulator {path!r}",
                remedy=_known("it holds", path, self.paths()),
            )
        return self._emulators[path]

    def find(self, name: str) -> str:
        """Compare the last part of each path."""
        for path in self._emulators:
            if path == name or path.rpartition("/")[2] == name:
                return path
        return ""


class Host:
    """A host and its emulators, live or recorded: then `recorded` tells when, in UTC."""

    def __init__(
        self,
        facts: HostFacts | None,
        emulators: Emulators,
        origin: str = "",
        node: Node | None = None,
    ) -> None:
        self._facts = facts
        self._node = node
        self.emulators = emulators
        self.origin = origin
        self.recorded = ""
        self._worlds: dict[tuple[str | None, ...], World] = {}

    @property
    def facts(self) -> HostFacts:
        """The facts of the host."""
        if self._facts is None:
            raise DomcapsError("nothing is known of this host")
        return self._facts

    @property
    def node(self) -> Node | None:
        """The host as hardware, None where nobody looked."""
        return self._node

    @staticmethod
    def local(
        *, inventory: bool = False, qemu_user: str = "", cache: bool | Path = True
    ) -> LiveHost:
        """Give this machine. Its emulators are asked when an answer needs them.

        Every answer holds when it is given: it is remembered, and proven in each call. `inventory`
        asks emulators for the properties of every device type. `qemu_user` is the account that
        QEMU will run as, by default the present one. With `cache` emulators that another process
        asked are not asked again; it may also name the folder. See `docs/freshness.md`.
        """
        from domcaps.live import local_host

        return local_host(inventory=inventory, qemu_user=qemu_user, cache=cache)

    @classmethod
    def load(cls, path: str | Path) -> Host:
        """Read a recording; raises `RecordingError` where the file can't be used."""
        from domcaps.facts.recording import load

        return cls.from_recording(load(Path(path)), origin=str(path))

    @classmethod
    def from_recording(cls, recording: Recording, origin: str = "") -> Host:
        """Take a recording that is in memory already."""
        emulators = RecordedEmulators(recording.emulators)
        host = cls(HostFacts(recording.host), emulators, origin, recording.node)
        host.recorded = recording.made_at
        return host

    def domain_capabilities(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
        *,
        disable_deprecated_features: bool = False,
        expand_cpu_features: bool = False,
        supported_cpu_features: bool = False,
        strict: bool = True,
    ) -> DomainCapabilities:
        """Answer what ``virConnectGetDomainCapabilities`` answers, with its defaults.

        `emulator` is a path; without one, the emulator for `arch` is taken, which is the host's
        own where none is given. `machine` may be an alias. Without a `virttype` an accelerated one
        is preferred. `libvirt` names the release whose document is wanted. With ``strict=False``
        a virtualization type that the emulator can't serve here is answered all the same.
        Raises `UnsupportedTargetError`, `UnknownDialectError` or a `ProbeError`.
        """
        flags = Flags(disable_deprecated_features, expand_cpu_features, supported_cpu_features)
        world = self.world(emulator, arch, machine, virttype, libvirt, flags=flags, strict=strict)
        return DomainCapabilities(build(world))

    def world(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
        *,
        flags: Flags = Flags(),  # noqa: B008 - immutable
        strict: bool = True,
    ) -> World:
        """Settle the target as `domain_capabilities` does, and give it with the facts."""
        target = self.target(emulator, arch, machine, virttype, libvirt, flags=flags, strict=strict)
        return World(target, self.emulators.get(target.emulator), self.facts)

    def target(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
        *,
        flags: Flags = Flags(),  # noqa: B008 - immutable
        strict: bool = True,
    ) -> Target:
        """Settle the target as `domain_capabilities` does."""
        dialect = parse_dialect(libvirt)
        _check_name("architecture", arch, ARCHITECTURES, "libvirt knows")
        _check_name("virtualization type", virttype, tuple(ACCELERATORS), "QEMU serves")
        facts = self.emulators.get(emulator or self.default_emulator(arch))
        try:
            if strict:
                _check_version(facts, dialect)
            wanted = _settle_arch(facts, arch, self.facts.arch, named=emulator is not None)
            kind = _settle_virttype(facts, virttype, strict=strict)
            name = _settle_machine(facts, machine, kind)
        except Unanswered as unanswered:
            raise UnsupportedTargetError(
                f"the emulator did not answer {unanswered.question}",
                where=facts.path,
                remedy="record it again",
            ) from unanswered
        return Target(facts.path, wanted, name, kind, dialect, flags)

    def known_world(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str,
    ) -> World:
        """Settle a target, or remember it; for who asks about the same one many times."""
        wanted = (emulator, arch, machine, virttype, libvirt)
        known = self._worlds.get(wanted)
        if known is None:
            known = self.world(*wanted)
            if len(self._worlds) >= _MOST_WORLDS:
                self._worlds.clear()
            self._worlds[wanted] = known
        return known.again()

    def explain(
        self,
        path: str,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
    ) -> tuple[Explanation, ...]:
        """Tell why something holds for a target or not, down to what was observed.

        `path` is a choice (``video.modelType=qxl``), an enum (``video.modelType``) or an element
        (``video``); the target is settled as `domain_capabilities` does. Raises `RequestError` for
        a path that the table does not have.
        """
        from domcaps.report.explain import explain

        return explain(path, self.world(emulator, arch, machine, virttype, libvirt))

    def explain_domain(
        self, xml: str | bytes, libvirt: str = DEFAULT_DIALECT, **instead: str | None
    ) -> DomainUses:
        """Tell of every choice that a domain uses whether it holds here, and why.

        The target is the one that the domain names; `instead` names another `emulator`, `arch`,
        `machine` or `virttype`. Raises `DomainError` for what is no domain, or names no target that
        this host has.
        """
        from domcaps.validate.uses import explain_domain

        parse_dialect(libvirt)
        names = ("emulator", "arch", "machine", "virttype")

        def open_world(*named: str | None) -> World:
            wanted = (instead.get(n) or v for n, v in zip(names, named, strict=True))
            return self.known_world(*wanted, libvirt)  # type: ignore[call-arg, arg-type]

        return explain_domain(_bytes(xml), open_world)

    def validate(
        self,
        xml: str | bytes,
        libvirt: str = DEFAULT_DIALECT,
        *,
        ignore: Iterable[str] = (),
        new: bool = True,
        schema: bool = False,
    ) -> Validation:
        """Tell whether libvirt would accept a domain on this host, and if not, why.

        `xml` is a ``<domain>`` document, of any bytes. `ignore` names codes of findings that are
        left out. A domain is taken for one that is to be defined now; with ``new=False`` for one
        that libvirt has known for long, in which it overlooks some mistakes. ``schema=True`` also
        refuses names that libvirt's schema does not know, as ``virsh define --validate`` does;
        otherwise they are warnings. The result has
        ``.accepted``, ``.definable`` and ``.findings``; what is wrong with the XML is a finding,
        too. Raises `UnknownDialectError`.
        """
        from domcaps.validate.check import validate

        parse_dialect(libvirt)

        # many domains name the same target
        open_world = partial(self.known_world, libvirt=libvirt)
        return validate(_bytes(xml), open_world, frozenset(ignore), new=new, schema=schema)

    def native(self, xml: str | bytes, libvirt: str = DEFAULT_DIALECT) -> tuple[str, ...]:
        """Give a domain as a command: the emulator and its arguments.

        The domain is taken to be one that `validate` accepts. Raises `UntoldError` that names the
        first thing in it of which QEMU can't be told here; nothing is left out.
        """
        from domcaps.native.write import command_of

        return command_of(_bytes(xml), partial(self.known_world, libvirt=libvirt))

    def choose(
        self,
        name: str = "guest",
        memory: str = "2GiB",
        vcpus: int = 2,
        **wishes: Unpack[WishOptions],
    ) -> Chosen:
        """Choose a domain in which everything holds on this host.

        The result has ``.xml``, and ``.steps`` that tell what was decided and why. `wishes` are
        those of ``domcaps new``; see `domcaps.choose.api.WishOptions`. Raises `UnmetWishesError`
        with the fewest wishes that can't be met together.
        """
        from domcaps.choose.api import choose

        return choose([self], self.facts.arch, name, memory, vcpus, **wishes)

    def repair(
        self, xml: str | bytes, libvirt: str = DEFAULT_DIALECT, *, new: bool = True
    ) -> Repair:
        """Mend a domain by the fewest edits after which it is accepted on this host.

        The result has ``.data`` (the text, in which all that was not edited is as it was),
        ``.changes`` with a reason for each, and ``.diff``. `new` is as in `validate`. Raises
        `InputError` for what is no XML.
        """
        from domcaps.choose.repair import repair

        parse_dialect(libvirt)
        return repair([self], _bytes(xml), libvirt, new=new)

    def has_emulator(self, arch: str | None = None) -> bool:
        """Tell whether an emulator would be found without naming one."""
        return bool(self._find_emulator(arch))

    def default_emulator(self, arch: str | None = None) -> str:
        """Give the path of the emulator for an architecture, the host's own by default.

        Raises `UnsupportedTargetError` where there is none.
        """
        path = self._find_emulator(arch)
        if not path:
            wanted = arch or self.facts.arch
            names = emulator_names(self.facts.arch, wanted)
            raise UnsupportedTargetError(
                f"there is no emulator for {wanted} guests",
                where=self.origin,
                remedy=f"looked for {', '.join(names)}; install one, or name one",
            )
        return path

    def _find_emulator(self, arch: str | None) -> str:
        for name in emulator_names(self.facts.arch, arch or self.facts.arch):
            path = self.emulators.find(name)
            if path:
                return path
        recorded = self.emulators.paths()
        # a recording of one emulator leaves no doubt which is meant
        return recorded[0] if self.origin and arch is None and len(recorded) == 1 else ""


def choose_for(
    hosts: Iterable[Host],
    name: str = "guest",
    memory: str = "2GiB",
    vcpus: int = 2,
    **wishes: Unpack[WishOptions],
) -> Chosen:
    """Choose a domain that every one of some hosts accepts; see `Host.choose`."""
    from domcaps.choose.api import choose

    listed = list(hosts)
    if not listed:
        raise RequestError("a domain needs a host")
    return choose(listed, listed[0].facts.arch, name, memory, vcpus, **wishes)


def baseline(
    hosts: Iterable[Host],
    emulator: str | None = None,
    arch: str | None = None,
    machine: str | None = None,
    virttype: str | None = None,
    libvirt: str = DEFAULT_DIALECT,
) -> DomainCapabilities:
    """Give what all of some hosts can do, as one report.

    Without a `virttype` one is taken that all of them serve, an accelerated one where possible.
    Raises `RequestError` where the hosts have no target in common.
    """
    from domcaps.report.baseline import baseline as of_all

    listed = list(hosts)
    if not listed:
        raise RequestError("a baseline needs a host")
    worlds = [host.world(emulator, arch, machine, virttype, libvirt) for host in listed]
    if virttype is None and len({world.target.virttype for world in worlds}) > 1:
        served = [world.emulator.virttypes for world in worlds]
        kind = next((k for k in served[0] if all(k in other for other in served)), None)
        worlds = [host.world(emulator, arch, machine, kind, libvirt) for host in listed]
    return DomainCapabilities(of_all([build(world) for world in worlds]))


def _bytes(xml: str | bytes) -> bytes:
    return xml.encode(errors="surrogatepass") if isinstance(xml, str) else xml


def _known(text: str, name: str, names: Iterable[str]) -> str:
    """List what is known, the nearest first, not too many."""
    listed = list(names)
    near = difflib.get_close_matches(name, listed, n=8, cutoff=0.4)
    shown = near + [other for other in listed if other not in near]
    return f"{text} {', '.join(shown[:12])}{' …' if len(shown) > 12 else ''}" if shown else ""


def _check_name(what: str, name: str | None, names: tuple[str, ...], text: str) -> None:
    if name is not None and name not in names:
        raise UnsupportedTargetError(
            f"{name!r} is not a known {what}", remedy=_known(text, name, names)
        )


def _check_version(facts: EmulatorFacts, dialect: Dialect) -> None:
    oldest = oldest_qemu(dialect)
    if facts.version < oldest:
        version, least = (".".join(map(str, numbers)) for numbers in (facts.version, oldest))
        raise UnsupportedTargetError(
            f"libvirt {dialect} does not take QEMU {version}",
            where=facts.path,
            remedy=f"it needs {least} or later; ask for the words of an older libvirt",
        )


def _settle_arch(facts: EmulatorFacts, arch: str | None, host_arch: str, *, named: bool) -> str:
    if arch is None:
        # an emulator that was named, or the only one there is, says itself whom it serves
        return host_arch if same_family(facts.arch, host_arch) else facts.arch
    if not same_family(facts.arch, arch):
        raise UnsupportedTargetError(
            f"it serves {facts.arch} guests, not {arch}",
            where=facts.path,
            remedy="name another emulator" if named else "install the emulator for it",
        )
    return arch


def _settle_virttype(facts: EmulatorFacts, virttype: str | None, *, strict: bool) -> str:
    offered = facts.virttypes
    if virttype is None:
        return offered[0] if offered else "qemu"
    if strict and virttype not in offered:
        raise UnsupportedTargetError(
            f"it can't serve the virtualization type {virttype!r} here",
            where=facts.path,
            remedy=_known("it serves", virttype, offered),
        )
    return virttype


def _settle_machine(facts: EmulatorFacts, machine: str | None, virttype: str) -> str:
    # a type that is not served has no list of its own: take that of the first session
    machines = facts.machines(virttype) or facts.machines(
        facts.virttypes[0] if facts.virttypes else "qemu"
    )
    if machine is None:
        return preferred_machine(facts.arch, machines)
    name = canonical_machine(machine, machines)
    if name not in {known.name for known in machines}:
        names = [known.alias for known in machines if known.alias]
        names += [known.name for known in machines]
        raise UnsupportedTargetError(
            f"it has no machine type {machine!r}",
            where=facts.path,
            remedy=_known("it has", machine, names),
        )
    return name
