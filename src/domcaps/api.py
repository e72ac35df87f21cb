"""Hosts and what they can give a virtual machine: the public interface for Python.

::

    host = domcaps.Host.local()                       # or Host.load("host.domcaps")
    caps = host.domain_capabilities(machine="q35")
    caps.devices.video.enums["modelType"]             # ('vga', 'cirrus', …)
    print(caps.xml)
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from domcaps._version import DEFAULT_DIALECT
from domcaps.errors import DomcapsError, RequestError
from domcaps.facts.emulator import ACCELERATORS
from domcaps.facts.emulators import RecordedEmulators
from domcaps.facts.host import HostFacts
from domcaps.language import World, parse_dialect
from domcaps.language.target import Flags, Question
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import build
from domcaps.report.target import default_emulator, find_emulator, settle

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from domcaps.choose.api import WishOptions
    from domcaps.choose.chooser import Chosen
    from domcaps.choose.repair import Repair
    from domcaps.facts.emulators import Emulators
    from domcaps.facts.node import Node
    from domcaps.facts.record import Recording
    from domcaps.facts.talk import Talk
    from domcaps.live import LiveHost
    from domcaps.report.explain import Explanation
    from domcaps.validate.check import Validation
    from domcaps.validate.explain import DomainUses

T = TypeVar("T")

_MOST_WORLDS = 1000


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
        self._worlds: dict[Question, World] = {}

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
        emulators, node = RecordedEmulators(recording.emulators), recording.node
        host = cls(HostFacts(recording.host, lambda: node), emulators, origin, node)
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

        `emulator` is a path, and naming it here allows to execute it, if nobody but root and this
        user can change it; without one, the emulator for `arch` is taken, which is the host's own
        where none is given. `machine` may be an alias. Without a `virttype` an accelerated one
        is preferred. `libvirt` names the release whose document is wanted. With ``strict=False``
        a virtualization type that the emulator can't serve here is answered all the same.
        Raises `UnsupportedTargetError`, `UnknownDialectError` or a `ProbeError`.
        """
        flags = Flags(disable_deprecated_features, expand_cpu_features, supported_cpu_features)
        path = self.vouch(emulator)
        return self.answer(Question(path, arch, machine, virttype, libvirt, flags, strict))

    def answer(self, question: Question) -> DomainCapabilities:
        """Answer what `domain_capabilities` does, to a question that is put into words already."""
        return DomainCapabilities(build(self.world_of(question)))

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
        path = self.vouch(emulator)
        return self.world_of(Question(path, arch, machine, virttype, libvirt, flags, strict))

    def vouch(self, emulator: str | None) -> str | None:
        """Take an emulator that the caller names for one that may be executed (`docs/security.md`).

        Gives its path, absolute on this machine; a recording executes nothing.
        """
        return emulator

    def for_clients(self) -> Host:
        """Give the same host for who asks in the name of others: naming an emulator allows nothing.

        Use it wherever a client says which emulator is asked (`docs/security.md`).
        """
        return self

    def world_of(self, question: Question) -> World:
        """Settle the target that a question means, and give it with the facts."""
        target = settle(self.facts, self.emulators, question, self.origin)
        return World(target, self.emulators.get(target.emulator), self.facts)

    def known_world(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str,
    ) -> World:
        """Settle a target, or remember it; for who asks about the same one many times.

        The emulator may be one that a domain or a client names: that vouches for nothing. Raises
        `UntrustedProgramError` where nobody else does.
        """
        return self._known_world_of(Question(emulator, arch, machine, virttype, libvirt))

    def _known_world_of(self, question: Question) -> World:
        known = self._worlds.get(question)
        if known is None:
            known = self.world_of(question)
            if len(self._worlds) >= _MOST_WORLDS:
                self._worlds.clear()
            self._worlds[question] = known
        return known.again()

    def talk(self, world: World, talk: Talk[T]) -> T:
        """Ask an emulator in turn (see `domcaps.facts.talk`); raises `Unanswered` or `ProbeError`.

        A recording has answers to what was asked when it was made.
        """
        from domcaps.facts.talk import talk_with_record

        return talk_with_record(world.emulator, ACCELERATORS[world.target.virttype], talk)

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
        from domcaps.validate.explain import explain_domain

        parse_dialect(libvirt)
        names = ("emulator", "arch", "machine", "virttype")
        instead["emulator"] = self.vouch(instead.get("emulator"))

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
        refuses what libvirt's schema refuses, as ``virsh define --validate`` does: names that it
        does not know, which are warnings otherwise, and forms of values. The result has
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
        memory: str | None = None,
        vcpus: int | None = None,
        **wishes: Unpack[WishOptions],
    ) -> Chosen:
        """Choose a domain in which everything holds on this host.

        The result has ``.xml``, and ``.steps`` that tell what was decided and why. `wishes` are
        those of ``domcaps new``; see `domcaps.choose.api.WishOptions`. Raises `UnmetWishesError`
        with the fewest wishes that can't be met together.
        """
        from domcaps.choose.api import choose

        return choose([self], self.guest_arch, name, memory, vcpus, **wishes)

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
        return bool(find_emulator(self.facts, self.emulators, arch, self.origin))

    @property
    def guest_arch(self) -> str:
        """The architecture of guests that name none: the host's, or that of the only emulator."""
        if self.has_emulator(self.facts.arch):
            return self.facts.arch
        paths = self.emulators.paths()
        return self.emulators.get(paths[0]).arch if len(paths) == 1 else self.facts.arch

    def default_emulator(self, arch: str | None = None) -> str:
        """Give the path of the emulator for an architecture, the host's own by default.

        Raises `UnsupportedTargetError` where there is none.
        """
        return default_emulator(self.facts, self.emulators, arch, self.origin)


def choose_for(
    hosts: Iterable[Host],
    name: str = "guest",
    memory: str | None = None,
    vcpus: int | None = None,
    **wishes: Unpack[WishOptions],
) -> Chosen:
    """Choose a domain that every one of some hosts accepts; see `Host.choose`."""
    from domcaps.choose.api import choose

    listed = list(hosts)
    if not listed:
        raise RequestError("a domain needs a host")
    return choose(listed, listed[0].guest_arch, name, memory, vcpus, **wishes)


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
