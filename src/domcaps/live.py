"""This machine as a `Host`: everything that it says holds while it is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.api import Host
from domcaps.errors import UntrustedProgramError
from domcaps.facts.process import executable_status
from domcaps.facts.trust import admit, is_usual, plain, vouch
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
        """Give what it answers now; it is executed only if somebody vouches for it."""
        return self._machine.emulator(plain(path))

    def find(self, name: str) -> str:
        """Look along the search path."""
        return self._machine.find(name)


class LiveHost(Host):
    """This machine, or the one that `machine` is.

    With `for_clients` those who call it do not vouch for the emulators that they name.
    """

    def __init__(self, machine: Machine, *, for_clients: bool = False) -> None:
        super().__init__(None, LiveEmulators(machine))
        self.machine = machine
        self._for_clients = for_clients

    @property
    def facts(self) -> HostFacts:
        """Give what is so now."""
        return self.machine.facts()

    @property
    def node(self) -> Node:
        """Look at the hardware; nothing of it is remembered."""
        from domcaps.facts.nodeprobe import read_node

        return read_node()

    def vouch(self, emulator: str | None) -> str | None:
        """Allow to execute an emulator that the caller names, unless it may be a client's."""
        if emulator is None or self._for_clients or not self._is_live:
            return emulator
        return vouch(emulator)

    def for_clients(self) -> LiveHost:
        """Give this machine for who asks in the name of others."""
        return LiveHost(self.machine, for_clients=True)

    @property
    def _is_live(self) -> bool:
        return self.machine.build.around.files.is_live

    def _admitted(self, question: Question) -> Question:
        """Refuse an emulator that nobody vouches for, each time: whatever is remembered of it."""
        if question.emulator is None or not self._is_live:
            return question
        try:
            admit(question.emulator)
        except UntrustedProgramError:
            if not self._for_clients and not os.path.exists(question.emulator):  # noqa: PTH110
                # a client is not told what there is on this machine
                executable_status(question.emulator)
            raise
        return msgspec.structs.replace(question, emulator=plain(question.emulator))

    def answer(self, question: Question) -> DomainCapabilities:
        """Answer as `Host` does; it is the same object as long as the answer is the same."""
        return self.machine.answer(self._admitted(question))

    def ready(self, **options: Any) -> DomainCapabilities | None:
        """Answer as `domain_capabilities` does, if that takes no looking at anything; else None."""
        emulator = options.get("emulator")
        if self._for_clients and emulator is not None and not is_usual(emulator):
            # a client's path may lead to where looking takes long
            return None
        return self.machine.ready(self._about_report(options))

    def entry(self, **options: Any) -> Entry[DomainCapabilities]:
        """Give what is remembered of an answer; takes what `domain_capabilities` takes."""
        return self.machine.answer_entry(self._about_report(options))

    def _about_report(self, options: dict[str, Any]) -> Question:
        """Make a question of what `Host.domain_capabilities` takes."""
        names = Flags.__struct_fields__
        flags = Flags(**{name: options[name] for name in names if name in options})
        rest = {name: value for name, value in options.items() if name not in names}
        rest["emulator"] = self.vouch(rest.get("emulator"))
        return self._admitted(Question(**rest, flags=flags))

    def world_of(self, question: Question) -> World:
        """Settle the target that a question means, and give it with the facts."""
        return self.machine.world(self._admitted(question)).again()

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

        asked = [self._admitted(self._named(question)) for question in questions]
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

    def _named(self, named: Mapping[str, str | None]) -> Question:
        asked = {**named, "emulator": self.vouch(named.get("emulator"))}
        given = {name: value for name, value in asked.items() if value is not None}
        return Question(**given)  # type: ignore[arg-type]

    def shown_lies(self, **options: Any) -> frozenset[str] | None:
        """Give the paths that `verify` showed to be refused here.

        None where nobody verified since emulator or host changed. Takes what `world` takes.
        """
        disk = self.machine.build.disk
        if disk is None:
            return None
        return recall_refused(disk, self.world(**options).target, self.machine.build.around)


def local_host(*, inventory: bool, qemu_user: str, cache: bool | Path) -> LiveHost:
    """Give this machine; see `Host.local`."""
    own = DiskStore(cache) if cache and cache is not True else None
    build = shared_build() if cache is True else Build(disk=own)
    return LiveHost(Machine(build, Local(HostQuestion(None, qemu_user), inventory)))
