"""This machine as a `Host`: everything that it says holds while it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from domcaps.api import Host
from domcaps.fresh.answers import Local
from domcaps.fresh.build import Build
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.hostfacts import HostQuestion
from domcaps.fresh.local import Machine, shared_build
from domcaps.fresh.verified import keep_verification, proof_of, recall_refused
from domcaps.language.target import Flags, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.host import HostFacts
    from domcaps.facts.node import Node
    from domcaps.facts.talk import Talk
    from domcaps.fresh.store import Entry
    from domcaps.language import World
    from domcaps.report.capabilities import DomainCapabilities
    from domcaps.verify.result import Verification

T = TypeVar("T")


class LiveEmulators:
    """Emulators of this machine, each asked when it is first needed, and when it changed."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def paths(self) -> tuple[str, ...]:
        """Name every ``qemu-system-…`` on the search path."""
        from domcaps.facts.discovery import installed_emulators

        return installed_emulators()

    def get(self, path: str) -> EmulatorFacts:
        """Give what it answers now."""
        return self._machine.emulator(path)

    def find(self, name: str) -> str:
        """Look along the search path."""
        return self._machine.find(name)


class LiveHost(Host):
    """This machine, or the one that `machine` is."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(None, LiveEmulators(machine))
        self.machine = machine

    @property
    def facts(self) -> HostFacts:
        """Give what is so now."""
        return self.machine.facts()

    @property
    def node(self) -> Node:
        """Look at the hardware; nothing of it is remembered."""
        from domcaps.facts.nodeprobe import read_node

        return read_node()

    def answer(self, question: Question) -> DomainCapabilities:
        """Answer as `Host` does; it is the same object as long as the answer is the same."""
        return self.machine.answer(question)

    def ready(self, **options: Any) -> DomainCapabilities | None:
        """Answer as `domain_capabilities` does, if that takes no looking at anything; else None."""
        return self.machine.ready(_about_report(options))

    def entry(self, **options: Any) -> Entry[DomainCapabilities]:
        """Give what is remembered of an answer; takes what `domain_capabilities` takes."""
        return self.machine.answer_entry(_about_report(options))

    def world_of(self, question: Question) -> World:
        """Settle the target that a question means, and give it with the facts."""
        return self.machine.world(question).again()

    # what is remembered is proven by the machine: nothing is kept beside it
    _known_world_of = world_of

    def talk(self, world: World, talk: Talk[T]) -> T:
        """Ask an emulator in turn: a process that is started for it."""
        from domcaps.facts.talk import talk_with_emulator

        return talk_with_emulator(world.target.emulator, talk)

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
        from domcaps.verify.many import verify_all

        asked = [_question(question) for question in questions]
        worlds = [self.world_of(question) for question in asked]
        before = [proof_of(self.machine.world_entry(question)) for question in asked]
        found = verify_all(
            worlds, elements=elements, jobs=jobs, deadline=deadline, progress=progress
        )
        disk = self.machine.build.disk
        if disk is not None and not elements:
            for question, world, one, proof in zip(asked, worlds, found, before, strict=True):
                entry = self.machine.world_entry(question)
                keep_verification(disk, world.target, one, proof, entry)
        return found

    def shown_lies(self, **options: Any) -> frozenset[str] | None:
        """Give the paths that `verify` showed to be refused here.

        None where nobody verified since emulator or host changed. Takes what `world` takes.
        """
        disk = self.machine.build.disk
        if disk is None:
            return None
        return recall_refused(disk, self.world(**options).target, self.machine.build.around)


def _question(named: Mapping[str, str | None]) -> Question:
    given = {name: value for name, value in named.items() if value is not None}
    return Question(**given)  # type: ignore[arg-type]


def _about_report(options: dict[str, Any]) -> Question:
    """Make a question of what `Host.domain_capabilities` takes."""
    names = Flags.__struct_fields__
    flags = Flags(**{name: options[name] for name in names if name in options})
    rest = {name: value for name, value in options.items() if name not in names}
    return Question(**rest, flags=flags)


def local_host(*, inventory: bool, qemu_user: str, cache: bool | Path) -> LiveHost:
    """Give this machine; see `Host.local`."""
    own = DiskStore(cache) if cache and cache is not True else None
    build = shared_build() if cache is True else Build(disk=own)
    return LiveHost(Machine(build, Local(HostQuestion(None, qemu_user), inventory)))
