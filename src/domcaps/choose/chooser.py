"""Choosing a domain: the best that all wishes leave, or the fewest wishes that can't be met."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from domcaps.choose.catalogue import decisions
from domcaps.choose.draft import Draft, draft_of
from domcaps.choose.proofs import failures
from domcaps.choose.search import Hopeless, Search
from domcaps.choose.space import NARROWING, Answer, Question, Space
from domcaps.errors import DomcapsError, UnmetWishesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domcaps.choose.search import Hint
    from domcaps.choose.wishes import Wish, Wishes
    from domcaps.language import Target, World
    from domcaps.language.finding import Finding
    from domcaps.language.preference import Guest
    from domcaps.validate.check import Validation

_TARGET = ("arch", "os.machine", "virttype")
_KINDS = ("kvm", "hvf", "qemu")
_MOST_REASONS = 8


class HostLike(Protocol):
    """What is asked of a host."""

    origin: str

    def known_world(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str,
    ) -> World:
        """Give a target with its facts."""

    def validate(self, xml: str | bytes, libvirt: str = ..., *, new: bool = ...) -> Validation:
        """Judge a domain."""


@dataclass(frozen=True)
class Step:
    """One decision: what was chosen and why, what came next, and what was passed over."""

    name: str
    title: str
    value: str
    why: str
    next: str = ""
    passed: tuple[tuple[str, str], ...] = ()
    wanted: str = ""


@dataclass
class Chosen:
    """A domain in which everything holds. `xml` is its definition; `steps` explain it."""

    xml: str
    target: Target
    machine: str
    guest: Guest
    notes: tuple[str, ...] = ()
    looks: int = 0
    _case: _Case | None = field(default=None, repr=False)
    _answers: tuple[Answer, ...] = field(default=(), repr=False)
    _active: tuple[tuple[Question, list[Answer]], ...] = field(default=(), repr=False)
    _others: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every decision, the most important first."""
        from domcaps.choose.steps import steps_of

        return steps_of(self)


class _Case:
    """One target, with what can be decided for it."""

    def __init__(
        self,
        hosts: Sequence[HostLike],
        worlds: Sequence[World],
        machine: str,
        wishes: Wishes,
        guest: Guest,
        libvirt: str,
        hints: list[Hint],
    ) -> None:
        self.hosts = hosts
        self.target = worlds[0].target
        self.machine = machine
        self.name = wishes.name
        self.libvirt = libvirt
        self.space = Space(worlds, guest, wishes.all)
        self.search = Search(self.look, hints)

    def draft(self, answers: Iterable[Answer]) -> Draft:
        return draft_of(self.name, self.target, self.machine, answers)

    def look(self, answers: Sequence[Answer]) -> list[tuple[Finding, str | None]]:
        """Give what any host refuses, with the questions whose answers are refused."""
        draft = self.draft(answers)
        text = draft.text()
        found = [f for host in self.hosts for f in host.validate(text, self.libvirt).errors]
        found += failures(draft.root, self.space.worlds)
        return [(finding, draft.owner(finding.path)) for finding in found]

    def __str__(self) -> str:
        return f"{self.machine or self.target.machine} by {self.target.virttype}"


class Chooser:
    """One choice, on one or several hosts."""

    def __init__(
        self, hosts: Sequence[HostLike], wishes: Wishes, guest: Guest, arch: str, libvirt: str
    ) -> None:
        self.hosts = hosts
        self.wishes = wishes
        self.guest = guest
        self.arch = arch
        self.libvirt = libvirt
        self._cases: dict[tuple[str, str, str], _Case | DomcapsError] = {}
        self._hints: list[Hint] = []
        self._reasons: dict[str, dict[str, None]] = {}
        self._suspects: set[int] = set()

    def choose(self) -> Chosen:
        """Give the best domain; raises `UnmetWishesError`."""
        found = self._solve(self.wishes.all)
        if found is not None:
            return found
        unmet = self._smallest_unmet()
        self._reasons = {}
        self._solve(unmet)
        texts = tuple(wish.text for wish in unmet if not wish.implied)
        raise UnmetWishesError(texts, self.reasons)

    def possible(self, wishes: Sequence[Wish]) -> bool:
        """Tell whether some of the wishes can be met together."""
        return self._solve(wishes) is not None

    def _solve(self, wishes: Sequence[Wish]) -> Chosen | None:
        passed: list[tuple[str, str]] = []
        for key in self._targets(wishes):
            case = self._case(*key)
            if isinstance(case, DomcapsError):
                self._note(str(case), f"{key[1] or 'the default'} by {key[2]}")
                passed.append((f"{key[1] or 'the default'} by {key[2]}", str(case)))
                continue
            active = case.space.active(wishes)
            try:
                answers = case.search.solve(active)
            except Hopeless as hopeless:
                self._note(hopeless.findings[0].message, str(case))
                passed.append((str(case), hopeless.findings[0].message))
                continue
            if answers is None:
                self._suspect(case, active)
                why = self._explain(case, active)
                passed.append((str(case), next(iter(why), "nothing that is wanted goes with it")))
                continue
            return self._chosen(case, answers, active, passed)
        return None

    def _chosen(
        self,
        case: _Case,
        answers: list[Answer],
        active: list[tuple[Question, list[Answer]]],
        passed: list[tuple[str, str]],
    ) -> Chosen:
        draft = case.draft(answer for answer in answers if answer.xml)
        return Chosen(
            draft.pretty(),
            case.target,
            case.machine,
            self.guest,
            (*self.wishes.notes, *_shortcomings(answers)),
            case.search.looks,
            case,
            tuple(answers),
            tuple(active),
            tuple(passed),
        )

    def _explain(self, case: _Case, active: list[tuple[Question, list[Answer]]]) -> list[str]:
        """Say why nothing was left: what holds nowhere, and what does not go together."""
        why = []
        for question, answers in active:
            wanted = question.wish is not None or len(answers) < len(question.answers)
            if answers:
                continue
            refused = [f"{e.value}: {e.why}" for e in question.excluded]
            if wanted or refused:
                why += [f"{question.name}={text}" for text in refused[:3]] or [
                    f"{question.name} has no value that is left"
                ]
        for conflict in case.search.used:
            for finding in conflict.findings[:1]:
                why.append(finding.message)
        if not why:
            why += [
                f"{answer.question}={answer.value} goes with another {name} only"
                for answer, name in case.search.unfit
                if answer.value
            ]
        for text in sorted(set(why)):
            self._note(text, str(case))
        return why

    def _note(self, reason: str, case: str) -> None:
        self._reasons.setdefault(reason, {})[case] = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the wishes that were tried last can't be met, with the targets that it is true of."""
        told = [f"{text} (with {', '.join(cases)})" for text, cases in self._reasons.items()]
        return tuple(told[:_MOST_REASONS])

    def _targets(self, wishes: Sequence[Wish]) -> list[tuple[str, str, str]]:
        """Give the targets that some wishes leave, the best first."""
        wanted = {wish.name: wish.values for wish in wishes if wish.kind == "narrow"}
        arch = (wanted.get("arch") or (self.arch,))[0]
        kinds = wanted.get("virttype") or self._kinds(arch)
        machines = wanted.get("os.machine") or self._machines(arch, kinds[0])
        return [(arch, machine, kind) for kind in kinds for machine in machines]

    def _kinds(self, arch: str) -> tuple[str, ...]:
        """Give the types that every host serves."""
        found = []
        for kind in _KINDS:
            try:
                for host in self.hosts:
                    host.known_world(None, arch, None, kind, self.libvirt)
            except DomcapsError:
                continue
            found.append(kind)
        return tuple(found) or ("qemu",)

    def _machines(self, arch: str, kind: str) -> tuple[str, ...]:
        """Give the machine types that are preferred, those that suit the guest first."""
        try:
            world = self.hosts[0].known_world(None, arch, None, kind, self.libvirt)
        except DomcapsError:
            return ("",)
        decision = next(d for d in decisions() if d.name == "os.machine")
        options = [option for option in decision.options if world.truth(option.when)]
        options.sort(key=lambda o: o.guest is not None and not o.guest.holds(self.guest))
        return tuple(dict.fromkeys(option.value for option in options))

    def _case(self, arch: str, machine: str, kind: str) -> _Case | DomcapsError:
        key = (arch, machine, kind)
        if key not in self._cases:
            try:
                worlds = [
                    host.known_world(None, arch, machine or None, kind, self.libvirt)
                    for host in self.hosts
                ]
            except DomcapsError as error:
                self._cases[key] = error
            else:
                self._cases[key] = _Case(
                    self.hosts, worlds, machine, self.wishes, self.guest, self.libvirt, self._hints
                )
        return self._cases[key]

    def _smallest_unmet(self) -> list[Wish]:
        """Give the fewest wishes that can't be met together.

        Every set of wishes whose absence leaves the rest possible must share one with them: the
        smallest set that does is tried, and where it can be met, shows another such absence.
        """
        wishes = self.wishes.all
        suspects = {n for n, wish in enumerate(wishes) if id(wish) in self._suspects}
        absences: list[frozenset[int]] = []
        while True:
            tried = _hitting(absences, len(wishes))
            some = [wishes[n] for n in sorted(tried)]
            if not self.possible(some):
                return some
            if not absences:
                # nothing is smaller than one wish that can't be met by itself
                for n in sorted(suspects):
                    if not self.possible([wishes[n]]):
                        return [wishes[n]]
            # those that nothing was found against are likely to go together
            more = sorted(set(range(len(wishes))) - tried, key=lambda n: (n in suspects, n))
            kept = self._grown(tried, more)
            absences.append(frozenset(range(len(wishes))) - kept)

    def _suspect(self, case: _Case, active: list[tuple[Question, list[Answer]]]) -> None:
        """Note the wishes that had a part in it that nothing was left."""
        blamed = {answer.question for one in case.search.used for answer in one.answers}
        for answer, name in case.search.unfit:
            blamed |= {answer.question, name}
        names = set(_TARGET)
        for question, answers in active:
            if not answers or question.name in blamed:
                names.add(question.decision.name)
                self._suspects.add(id(question.wish))
        narrowing = (w for w in self.wishes.all if w.kind in NARROWING and w.name in names)
        self._suspects |= {id(wish) for wish in narrowing}

    def _grown(self, kept: frozenset[int], more: list[int]) -> frozenset[int]:
        """Add all that can be met beside what is kept, half of it at a time."""
        if not more:
            return kept
        together = kept | set(more)
        everything = len(together) == len(self.wishes.all)
        # that everything can't be met is how this began
        if not everything and self.possible([self.wishes.all[n] for n in sorted(together)]):
            return together
        if len(more) == 1:
            return kept
        middle = len(more) // 2
        return self._grown(self._grown(kept, more[:middle]), more[middle:])


def _shortcomings(answers: list[Answer]) -> list[str]:
    """Say what the guest may not be content with."""
    return [
        f"{answer.question} is {answer.value or 'left out'}, though it is not so that "
        f"{answer.shortcoming}"
        for answer in answers
        if answer.shortcoming
    ]


def _hitting(sets: list[frozenset[int]], count: int) -> frozenset[int]:
    """Give the smallest set that shares a member with each of some sets."""
    best: frozenset[int] | None = None

    def extend(chosen: frozenset[int]) -> None:
        nonlocal best
        if best is not None and len(chosen) >= len(best):
            return
        missed = next((one for one in sets if not one & chosen), None)
        if missed is None:
            best = chosen
            return
        for member in sorted(missed):
            extend(chosen | {member})

    extend(frozenset())
    return best if best is not None else frozenset(range(count))
