"""What a live host is made of: everything that it says holds while it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.checked import checked
from domcaps.errors import EmulatorNotFoundError
from domcaps.facts.trust import plain
from domcaps.fresh.answers import Local
from domcaps.fresh.build import Build
from domcaps.fresh.disk import DiskStore
from domcaps.fresh.hostfacts import HostQuestion
from domcaps.fresh.machine import LocalMachine, shared_build
from domcaps.fresh.verification_store import keep_verification, proof_of, recall_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.language import Target
    from domcaps.language.target import Question
    from domcaps.validate.target import OpenWorld
    from domcaps.verify.result import Verification
    from domcaps.verify.whole.trial import DomainTrial


class LiveEmulators:
    """Emulators of this machine, each asked when it is first needed, and when it changed."""

    def __init__(self, machine: LocalMachine) -> None:
        self._machine = machine

    @checked
    def paths(self) -> tuple[str, ...]:
        """Name every ``qemu-system-…`` on the search path."""
        from domcaps.facts.discovery import installed_emulators

        return installed_emulators()

    @checked
    def get(self, path: str) -> EmulatorFacts:
        """Give what it answers now; it is executed only if somebody vouches for it."""
        if not path:
            raise EmulatorNotFoundError("the path of the emulator is empty", remedy="name a QEMU")
        return self._machine.emulator(plain(path))

    @checked
    def find(self, name: str) -> str:
        """Look along the search path."""
        return self._machine.find(name)


def local_machine(
    *, inventory: bool, qemu_user: str, cache: bool | Path, privileged: bool | None = None
) -> LocalMachine:
    """Give this machine; see `Host.local`."""
    own = DiskStore(cache) if cache and cache is not True else None
    build = shared_build() if cache is True else Build(disk=own)
    return LocalMachine(build, Local(HostQuestion(privileged, qemu_user), inventory))


def verify(
    machine: LocalMachine,
    questions: Sequence[Question],
    *,
    elements: Collection[str],
    jobs: int | None,
    deadline: float,
    progress: Callable[[int, int], None] | None,
) -> tuple[Verification, ...]:
    """Start the real emulators, and keep on disk what they refused; see `LiveHost.verify`."""
    from domcaps.verify.many import verify_all

    worlds = [machine.world(question).again() for question in questions]
    before = [proof_of(machine.world_entry(question)) for question in questions]
    found = verify_all(worlds, elements=elements, jobs=jobs, deadline=deadline, progress=progress)
    disk = machine.build.disk
    if disk is None or elements:
        return found
    return tuple(
        _kept(keep_verification(disk, world.target, one, proof, machine.world_entry(question)), one)
        for question, world, one, proof in zip(questions, worlds, found, before, strict=True)
    )


def try_domain(
    data: bytes, open_world: OpenWorld, *, judge: bool, new: bool, deadline: float
) -> DomainTrial:
    """Start a domain; see `LiveHost.try_domain`."""
    from domcaps.verify.whole.trial import try_domain

    return try_domain(data, open_world, judge=judge, new=new, deadline=deadline)


def _kept(was: bool, one: Verification) -> Verification:
    return one if was else msgspec.structs.replace(one, not_kept=_NOT_KEPT)


_NOT_KEPT = (
    "the result is not kept: emulator, host or domcaps changed meanwhile, or the cache folder "
    "can't be written"
)


def known_refusals(build: Build, target: Target) -> frozenset[str] | None:
    """Give the paths that `verify` showed to be refused, None if it was not probed since."""
    return None if build.disk is None else recall_refused(build.disk, target, build.host_view)
