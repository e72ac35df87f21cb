"""Keys of answers: the target that a question means, each element of the report, the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import table
from domcaps.fresh.emulators import Emulator, EmulatorAt, EmulatorNamed, EmulatorsInstalled
from domcaps.fresh.hostfacts import FetchedFacts, HostQuestion, need_helpers
from domcaps.fresh.key import Key
from domcaps.fresh.probing import Prober, probe_live
from domcaps.language import Target, World
from domcaps.report.answer import Section, evaluate
from domcaps.report.capabilities import DomainCapabilities
from domcaps.report.document import Document, assemble
from domcaps.report.target import resolve_target

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.fresh.fetch import Fetch
    from domcaps.language.target import Question


class Local(msgspec.Struct, frozen=True):
    """The machine that is asked: whose host it is, and how its emulators are asked."""

    host: HostQuestion = HostQuestion()
    inventory: bool = False
    prober: Prober = probe_live


class FetchedEmulators:
    """The emulators of the machine for one task."""

    def __init__(self, local: Local, fetch: Fetch) -> None:
        self._local = local
        self._fetch = fetch

    def paths(self) -> tuple[str, ...]:
        """Name those on the search path."""
        return self._fetch(EmulatorsInstalled())

    def get(self, path: str) -> EmulatorFacts:
        """Fetch the facts of one, by its real path."""
        local, real = self._local, self._fetch(EmulatorAt(path))
        return self._fetch(Emulator(local.host, real, local.inventory, local.prober))

    def find(self, name: str) -> str:
        """Look along the search path."""
        return self._fetch(EmulatorNamed(name))


class TargetOf(Key[Target], frozen=True):
    """The target that a question means here."""

    local: Local
    question: Question

    def task(self, fetch: Fetch) -> Target:
        """Fill in defaults."""
        facts = FetchedFacts(self.local.host, fetch)
        return resolve_target(facts, FetchedEmulators(self.local, fetch), self.question)

    @property
    def text(self) -> str:
        """Name it."""
        return "which target is meant"


class Evaluated(msgspec.Struct, frozen=True):
    """An element with what holds of it, None where the document does not speak of it."""

    section: Section | None
    unknown: frozenset[str]


class ElementOf(Key[Evaluated], frozen=True):
    """One element of the table, by its place there, for a target."""

    local: Local
    target: Target
    index: int

    def task(self, fetch: Fetch) -> Evaluated:
        """Evaluate it in a world of its own, so that nothing is taken from another's trace."""
        emulator = FetchedEmulators(self.local, fetch).get(self.target.emulator)
        world = World(self.target, emulator, FetchedFacts(self.local.host, fetch))
        section = evaluate(table()[self.index], world)
        return Evaluated(section, frozenset(world.unknown))

    @property
    def text(self) -> str:
        """Name the element."""
        return f"element {table()[self.index].name}"


class Report(Key[Document], frozen=True):
    """The report for a target."""

    local: Local
    target: Target

    def task(self, fetch: Fetch) -> Document:
        """Fetch each element."""
        found = [fetch(ElementOf(self.local, self.target, i)) for i in range(len(table()))]
        unknown = frozenset[str]().union(*(part.unknown for part in found))
        return assemble(self.target, [part.section for part in found], unknown)

    @property
    def text(self) -> str:
        """Name the target."""
        return f"report for {self.target.machine}, {self.target.virttype}"


class ReportAnswer(Key[DomainCapabilities], frozen=True):
    """What is handed out for a question."""

    local: Local
    question: Question

    def task(self, fetch: Fetch) -> DomainCapabilities:
        """Fetch the report for the target that is meant."""
        need_helpers(fetch, self.local.host)
        target = fetch(TargetOf(self.local, self.question))
        return DomainCapabilities(fetch(Report(self.local, target)))

    @property
    def text(self) -> str:
        """Name it."""
        return "answer"
