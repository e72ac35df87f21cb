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
from typing import TYPE_CHECKING, Any, TypeVar

from domcaps._version import DEFAULT_DIALECT
from domcaps.arguments import document
from domcaps.checked import checked
from domcaps.errors import DomcapsError, RecordingError, RequestError
from domcaps.facts.emulator import ACCELERATORS
from domcaps.facts.emulators import RecordedEmulators
from domcaps.facts.host import HostFacts
from domcaps.facts.named_files import look_at
from domcaps.facts.open_files import methods_say_open_files
from domcaps.facts.qemu_account import SESSION, SYSTEM
from domcaps.hosts.readers import AnyHost
from domcaps.language import World, check_dialect
from domcaps.language.target import Flags, Question
from domcaps.report.target import check_arch, default_emulator, find_emulator, resolve_target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Unpack

    from domcaps.facts.dialogue import Talk
    from domcaps.facts.emulators import Emulators
    from domcaps.facts.node import Node
    from domcaps.facts.record import Recording
    from domcaps.fresh.machine import LocalMachine
    from domcaps.fresh.store import Entry
    from domcaps.language.target import ReportOptions, TargetOptions
    from domcaps.report.capabilities import DomainCapabilities
    from domcaps.verify.result import Verification
    from domcaps.verify.whole.trial import DomainTrial

T = TypeVar("T")

_MOST_WORLDS = 1000


@methods_say_open_files
class Host(AnyHost):
    """A host and its emulators, live or recorded.

    `origin` names the recording, ``shipped:NAME`` or its file; it is "" for this machine.
    `recorded` is when the recording was made, in UTC, "" where it does not say.
    """

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
        self.recording: Recording | None = None
        self._worlds: dict[Question, World] = {}

    def __repr__(self) -> str:
        """Name the recording, and when it was made."""
        origin = f" {self.origin}" if self.origin else ""
        recorded = f", recorded {self.recorded}" if self.recorded else ""
        return f"<{type(self).__name__}{origin}{recorded}>"

    @property
    def facts(self) -> HostFacts:
        """The facts of the host."""
        if self._facts is None:
            raise DomcapsError("nothing is known of this host")
        return self._facts

    @property
    def node(self) -> Node | None:
        """The host as hardware, None if it was not probed."""
        return self._node

    @staticmethod
    @checked
    def local(
        *, inventory: bool = False, qemu_user: str = "", cache: bool | Path = True
    ) -> LiveHost:
        """Give this machine. Its emulators are asked when an answer needs them.

        Every answer holds when it is given: it is remembered, and proven in each call. `inventory`
        asks emulators for the properties of every device type. `qemu_user` is the account that
        QEMU will run as, by default the present one; "system" is that of the system's libvirt,
        "session" the present one, each with its own folders of firmware. With `cache` emulators
        that another process asked are not asked again; it may also name the folder. See
        `docs/freshness.md`.
        """
        from domcaps.hosts.live import local_machine

        privileged = {SYSTEM: True, SESSION: False}.get(qemu_user)
        user = "" if qemu_user == SESSION else qemu_user
        return LiveHost(
            local_machine(inventory=inventory, qemu_user=user, cache=cache, privileged=privileged)
        )

    @staticmethod
    @checked
    def open(name: str | Path = "local") -> Host:
        """Open a host by what ``--host`` of the command line takes.

        That is ``local`` for this machine, ``shipped:NAME`` for a recording that comes with domcaps
        (`domcaps.shipped_names` lists them; ``shipped:`` is the newest one for x86_64), or the file
        of a recording. Raises `UnsupportedTargetError` where no recording of that name comes with
        domcaps, `RecordingError` where a file can't be used.
        """
        if name == "local":
            return Host.local()
        _require_name(name)
        kind, _, shipped = str(name).partition(":")
        if kind == "shipped" and not Path(name).exists():
            from domcaps.facts.shipped import load_shipped, shipped_name

            found = shipped_name(shipped)
            return Host.from_recording(load_shipped(found), origin=f"shipped:{found}")
        return Host.load(name)

    @classmethod
    @checked
    def load(cls, path: str | Path) -> Host:
        """Read the file of a recording; raises `RecordingError` where it can't be used."""
        from domcaps.facts.recording import load

        _require_name(path)
        return cls.from_recording(load(Path(path)), origin=str(path))

    @classmethod
    @checked
    def from_recording(cls, recording: Recording, origin: str = "") -> Host:
        """Take a recording that is in memory already."""
        emulators, node = RecordedEmulators(recording.emulators), recording.node
        host = cls(HostFacts(recording.host, lambda: node), emulators, origin, node)
        host.recorded = recording.made_at
        host.recording = recording
        return host

    def world_of(self, question: Question) -> World:
        """Settle the target that a question means, and give it with the facts."""
        target = resolve_target(self.facts, self.emulators, question, self.origin)
        world = World(target, self.emulators.get(target.emulator), self.facts)
        if not world.emulator.is_partial:
            return world
        # few hosts are recorded in part
        from domcaps.report.told import with_report

        return with_report(world)

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
        `UntrustedProgramError` for other programs.
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
        """Ask in turn; raises `Unanswered` or `ProbeError`. See `domcaps.facts.dialogue`.

        A recording has answers to what was asked when it was made.
        """
        from domcaps.facts.dialogue import talk_with_record

        return talk_with_record(world.emulator, ACCELERATORS[world.target.virttype], talk)

    @checked
    def has_emulator(self, arch: str | None = None) -> bool:
        """Tell whether an emulator would be found without naming one.

        Raises `UnsupportedTargetError` for an architecture that libvirt does not know.
        """
        check_arch(arch)
        return bool(find_emulator(self.few_facts(), self.emulators, arch, self.origin))

    @property
    def guest_arch(self) -> str:
        """The architecture of guests that name none: the host's, or that of the only emulator."""
        own = self.few_facts().arch
        if self.has_emulator(own):
            return own
        paths = self.emulators.paths()
        return self.emulators.get(paths[0]).arch if len(paths) == 1 else own

    def few_facts(self) -> HostFacts:
        """Give the facts for who reads few of them."""
        return self.facts

    @checked
    def default_emulator(self, arch: str | None = None) -> str:
        """Give the path of the emulator for an architecture, the host's own by default.

        Raises `UnsupportedTargetError` where there is none.
        """
        check_arch(arch)
        return default_emulator(self.few_facts(), self.emulators, arch, self.origin)


def _require_name(name: str | Path) -> None:
    if not str(name):
        remedy = "name the file of a recording, 'shipped:NAME' or 'local'"
        raise RecordingError("the name of a host is empty", remedy=remedy)


@methods_say_open_files
class LiveHost(Host):
    """This machine, or the one that `machine` is.

    With `for_clients` those who call it do not vouch for the emulators that they name.
    """

    def __init__(self, machine: LocalMachine, *, for_clients: bool = False) -> None:
        # what can start a process is not loaded for a recording
        from domcaps.hosts.admission import Admission
        from domcaps.hosts.live import LiveEmulators

        super().__init__(None, LiveEmulators(machine))
        self.machine = machine
        self._for_clients = for_clients
        self._admission = Admission(machine, for_clients=for_clients)

    @property
    def facts(self) -> HostFacts:
        """Give what is so now."""
        return self.machine.facts()

    def few_facts(self) -> HostFacts:
        """Give the same, each fact looked at when it is read."""
        return self.machine.facts_as_read()

    @property
    def node(self) -> Node:
        """Look at the hardware; nothing of it is remembered."""
        from domcaps.facts.nodeprobe import read_node

        return read_node()

    def vouch(self, emulator: str | None) -> str | None:
        """Allow to execute an emulator that the caller names, unless it may be a client's."""
        return self._admission.vouch(emulator)

    def for_clients(self) -> LiveHost:
        """Give this machine for who asks in the name of others."""
        return LiveHost(self.machine, for_clients=True)

    def answer(self, question: Question) -> DomainCapabilities:
        """Answer as `Host` does; it is the same object as long as the answer is the same."""
        return self.machine.answer(self._admission.admit(question))

    def ready(self, **options: Unpack[ReportOptions]) -> DomainCapabilities | None:
        """Answer as `domain_capabilities` does, if that takes no looking at anything; else None."""
        if self._admission.may_take_long(options.get("emulator")):
            return None
        return self.machine.ready(self._about_report(options))

    def entry(self, **options: Unpack[ReportOptions]) -> Entry[DomainCapabilities]:
        """Give what is remembered of an answer; takes what `domain_capabilities` takes."""
        return self.machine.answer_entry(self._about_report(options))

    def _about_report(self, options: ReportOptions) -> Question:
        """Make a question of what `Host.domain_capabilities` takes."""
        names = Flags.__struct_fields__
        given: dict[str, Any] = {**options}
        flags = Flags(**{name: given.pop(name) for name in names if name in given})
        rest = given
        rest["emulator"] = self.vouch(rest.get("emulator"))
        return self._admission.admit(Question(**rest, flags=flags))

    def world_of(self, question: Question) -> World:
        """Settle the target that a question means, and give it with the facts."""
        world = self.machine.world(self._admission.admit(question)).again()
        # a client must not learn which files this machine has
        world.look = None if self._for_clients else look_at
        return world

    # what is remembered is proven by the machine: nothing is kept beside it
    _known_world_of = world_of

    def talk(self, world: World, talk: Talk[T]) -> T:
        """Ask an emulator in turn: a process that is started for it."""
        from domcaps.facts.dialogue import talk_with_emulator

        return talk_with_emulator(world.target.emulator, talk)

    @checked
    def verify(
        self,
        questions: Sequence[Mapping[str, str | None]],
        *,
        elements: Collection[str] = (),
        jobs: int | None = None,
        deadline: float = 30.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Verification, ...]:
        """Start the real emulators, and tell which promises of a report they keep.

        Each question holds options of `domain_capabilities`: `emulator`, `arch`, `machine`,
        `virttype`, `libvirt`. `elements` limits what is tried, ``video`` or
        ``video.modelType=qxl``. What was refused is kept for `shown_lies`, unless `elements` are
        named. The rest is described at `domcaps.verify.many.verify_all`.
        """
        from domcaps.hosts.live import verify

        asked = [self._admission.admit(self._named(question)) for question in questions]
        return verify(
            self.machine,
            asked,
            elements=elements,
            jobs=jobs,
            deadline=deadline,
            progress=progress,
        )

    @checked
    def try_domain(
        self,
        xml: str | bytes,
        libvirt: str = DEFAULT_DIALECT,
        *,
        judge: bool = True,
        new: bool = True,
        deadline: float = 30.0,
    ) -> DomainTrial:
        """Start the real emulator, paused, with a whole domain, and end it.

        Nothing of the host is changed: what the domain names of it is opened read-only or replaced,
        which `replaced` of the result lists. `said` are QEMU's messages with the elements of the
        domain. The domain is validated first, without findings about files that are missing; one
        that is refused is not started, unless `judge` is false. `new` is as in `validate`;
        `deadline` is in seconds. Raises `UntoldError` for a domain that has no command line,
        `DomainError` for what is no domain, and a `ProbeError` for an emulator that may not be
        executed. Must not be called from within a running event loop.
        """
        from domcaps.hosts.live import try_domain

        check_dialect(libvirt)
        open_world = partial(self.known_world, libvirt=libvirt)
        return try_domain(document(xml), open_world, judge=judge, new=new, deadline=deadline)

    def _named(self, named: Mapping[str, str | None]) -> Question:
        wrong = next((name for name in named if name not in Question.__struct_fields__[:5]), "")
        if wrong:
            known = ", ".join(Question.__struct_fields__[:5])
            raise RequestError(f"a question has no option {wrong!r}", remedy=f"options are {known}")
        asked = {**named, "emulator": self.vouch(named.get("emulator") or None)}
        given = {name: value for name, value in asked.items() if value}
        return Question(**given)  # type: ignore[arg-type]

    @checked
    def shown_lies(self, **options: Unpack[TargetOptions]) -> frozenset[str] | None:
        """Give the paths that `verify` showed to be refused here.

        None if it was not probed since emulator or host changed. Takes what `world` takes.
        """
        return self.shown_lies_of(self.world(**options))

    def shown_lies_of(self, world: World) -> frozenset[str] | None:
        """Give the same for a target that is settled."""
        from domcaps.hosts.live import known_refusals

        if self.machine.build.disk is None:
            return None
        return known_refusals(self.machine.build, world.target)
