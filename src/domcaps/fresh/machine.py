"""This machine, with answers that are always up to date."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.facts.host import HostFacts
from domcaps.facts.looks import LOOKS
from domcaps.facts.nodeprobe import read_node
from domcaps.fresh.answers import FetchedEmulators, ReportAnswer, TargetOf
from domcaps.fresh.build import Build
from domcaps.fresh.disk import DiskStore, cache_folder
from domcaps.fresh.emulators import Emulator, EmulatorAt, EmulatorNamed
from domcaps.fresh.hostfacts import FetchedFacts, WholeRecord, need_helpers
from domcaps.fresh.key import Key
from domcaps.language import World

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.node import Node
    from domcaps.fresh.answers import Local
    from domcaps.fresh.fetch import Fetch
    from domcaps.fresh.store import Entry
    from domcaps.language.target import Question
    from domcaps.report.capabilities import DomainCapabilities


@functools.cache
def shared_build() -> Build:
    """Give the build that everybody in this process shares, with the user's cache."""
    folder = cache_folder()
    return Build(disk=None if folder is None else DiskStore(folder))


def _hardware() -> Node:
    """Read the hardware; who keeps an answer learns of it, since no witness stands for that."""
    LOOKS.at_hardware()
    return read_node()


class Facts(Key[HostFacts], frozen=True):
    """All facts of a host, as a view."""

    local: Local

    def task(self, fetch: Fetch) -> HostFacts:
        """Fetch each of them."""
        return HostFacts(fetch(WholeRecord(self.local.host)), _hardware)

    @property
    def text(self) -> str:
        """Name it."""
        return "facts of the host"


class WorldOf(Key[World], frozen=True):
    """A target with all facts, for who reads the table by himself."""

    local: Local
    question: Question

    def task(self, fetch: Fetch) -> World:
        """Settle the target and fetch the facts."""
        need_helpers(fetch, self.local.host)
        target = fetch(TargetOf(self.local, self.question))
        emulator = FetchedEmulators(self.local, fetch).get(target.emulator)
        return World(target, emulator, fetch(Facts(self.local)))

    @property
    def text(self) -> str:
        """Name it."""
        return "target and facts"


class LocalMachine:
    """This machine, or one that is pretended: every method gives what holds while it is called."""

    def __init__(self, build: Build, local: Local) -> None:
        self.build = build
        self.local = local

    def answer(self, question: Question) -> DomainCapabilities:
        """Answer a question; raises `UnsupportedTargetError` or `ProbeError`."""
        return self.build.get(ReportAnswer(self.local, question))

    def ready(self, question: Question) -> DomainCapabilities | None:
        """Answer as `answer` does, if that takes no looking at anything; else None."""
        return self.build.ready(ReportAnswer(self.local, question))

    def answer_entry(self, question: Question) -> Entry[DomainCapabilities]:
        """Give what is remembered of an answer, with all that it rests on."""
        return self.build.entry(ReportAnswer(self.local, question))

    def world(self, question: Question) -> World:
        """Give the target that is meant with the facts; raises as `answer` does.

        It is the same object as long as nothing changed.
        """
        return self.build.get(WorldOf(self.local, question))

    def world_entry(self, question: Question) -> Entry[World]:
        """Give what is remembered of that, with all that it rests on."""
        return self.build.entry(WorldOf(self.local, question))

    def facts(self) -> HostFacts:
        """Give the facts of the host."""
        return self.build.get(Facts(self.local))

    def facts_as_read(self) -> HostFacts:
        """Give the same, each fact looked at when it is read: for who reads few of them."""
        return FetchedFacts(self.local.host, self.build.get)

    def emulator(self, path: str) -> EmulatorFacts:
        """Give the facts of an emulator; raises `ProbeError`."""
        local, real = self.local, self.build.get(EmulatorAt(path))
        return self.build.get(Emulator(local.host, real, local.inventory, local.prober))

    def find(self, name: str) -> str:
        """Give the path of the program of that name, "" where there is none."""
        return self.build.get(EmulatorNamed(name))
