"""Choosing a domain: the best that all wishes leave, or the fewest wishes that can't be met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.chosen import Chosen
from domcaps.choose.nogoods import NogoodStore, NothingPossible
from domcaps.choose.target_search import TargetSearch
from domcaps.choose.variables import NARROWING, Assignment, VariableDomain, with_reason
from domcaps.errors import DomcapsError, UnmetWishesError, UnsupportedTargetError
from domcaps.validate.alternatives import decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.hosts import HostLike
    from domcaps.choose.wishes import Wish, Wishes
    from domcaps.language.preference import Guest

_TARGET = ("arch", "os.machine", "virttype")
_KINDS = ("kvm", "hvf", "hyperv", "qemu")
_MOST_REASONS = 8


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
        self._cases: dict[tuple[str, str, str], TargetSearch | DomcapsError] = {}
        self._store = NogoodStore()
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
        for key in self._targets(wishes):
            case = self._case(*key)
            if isinstance(case, TargetSearch) and self._can_be_met(case, wishes):
                return True
        return False

    def _solve(self, wishes: Sequence[Wish]) -> Chosen | None:
        """Give the best domain, None where the wishes can't be met; then the reasons are noted."""
        passed: list[tuple[str, str]] = []
        for key in self._targets(wishes):
            case = self._case(*key)
            if isinstance(case, DomcapsError):
                self._note(
                    str(case), "" if _is_missing(case) else f"{key[1] or 'the default'} by {key[2]}"
                )
                passed.append((f"{key[1] or 'the default'} by {key[2]}", str(case)))
                continue
            active = case.space.active(wishes)
            try:
                assignments = case.search.solve(active)
            except NothingPossible as hopeless:
                case.outcomes.hopeless()
                self._note(hopeless.findings[0].message, str(case))
                passed.append((str(case), hopeless.findings[0].message))
                continue
            if assignments is None:
                case.outcomes.never(self._enough(case, active, wishes))
                why = self._explain(case, active)
                passed.append((str(case), next(iter(why), "nothing that is wanted goes with it")))
                continue
            case.outcomes.together(wishes)
            return self._chosen(case, assignments, active, passed)
        return None

    def _can_be_met(self, case: TargetSearch, wishes: Sequence[Wish]) -> bool:
        """Tell whether wishes can be met by one target."""
        known = case.outcomes.known(wishes)
        if known is not None:
            return known
        active = case.space.active(wishes)
        try:
            found = case.search.least(active) is not None
        except NothingPossible:
            case.outcomes.hopeless()
            return False
        if found:
            case.outcomes.together(wishes)
        else:
            case.outcomes.never(self._enough(case, active, wishes))
        return found

    def _enough(
        self, case: TargetSearch, active: list[VariableDomain], wishes: Sequence[Wish]
    ) -> frozenset[int]:
        """Give those of some wishes that are enough for it that they can't be met."""
        names = case.search.proof
        decisions_ = {left.variable.decision.name for left in active if left.name in names}
        there = {id(left.variable.wish) for left in active if left.name in names}
        enough = frozenset(
            id(wish)
            for wish in wishes
            if id(wish) in there or (wish.kind in NARROWING and wish.name in decisions_)
        )
        self._suspects |= enough
        return enough

    def _chosen(
        self,
        case: TargetSearch,
        assignments: list[Assignment],
        active: list[VariableDomain],
        passed: list[tuple[str, str]],
    ) -> Chosen:
        draft = case.draft(assignment for assignment in assignments if assignment.xml)
        return Chosen(
            draft.pretty(),
            case.target,
            case.machine,
            self.guest,
            (*self.wishes.notes, *_shortcomings(assignments)),
            case.search.looks,
            case,
            tuple(assignments),
            tuple(active),
            tuple(passed),
        )

    def _explain(self, case: TargetSearch, active: list[VariableDomain]) -> list[str]:
        """Say why nothing was left: what holds nowhere, and what does not go together."""
        search = case.search
        why = []
        for left in active:
            if left.name not in search.proof or left.assignments:
                continue
            if left.contradicts:
                why.append(f"{left.name} can't be two things at once")
                continue
            refused = [
                f"{e.value}: {e.why}" for e in left.variable.rejected if left.may_be_wanted(e)
            ]
            why += [f"{left.name}={text}" for text in refused[:3]] or [
                f"{left.name} has no value that is left"
            ]
        why += [with_reason(one) for nogood in search.used for one in nogood.findings[:1]]
        if not why:
            why += [
                f"{assignment.variable}={assignment.value} goes with another {name} only"
                for assignment, name in search.unfit
                if assignment.value
            ]
        for text in sorted(set(why)):
            self._note(text, str(case))
        return why

    def _note(self, reason: str, case: str) -> None:
        self._reasons.setdefault(reason, {})[case] = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the wishes that were tried last can't be met, with the targets that it is true of."""
        texts = [
            f"{text} (with {named})" if (named := ", ".join(filter(None, cases))) else text
            for text, cases in self._reasons.items()
        ]
        return tuple(texts[:_MOST_REASONS]) or ("no values that are left go together",)

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

    def _case(self, arch: str, machine: str, kind: str) -> TargetSearch | DomcapsError:
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
                self._cases[key] = TargetSearch(
                    self.hosts, worlds, machine, self.wishes, self.guest, self.libvirt, self._store
                )
        return self._cases[key]

    def _smallest_unmet(self) -> list[Wish]:
        """Give the fewest wishes that can't be met together."""
        wishes = self.wishes.all
        doubtful = self._doubtful() | self._suspects
        ordered = sorted(wishes, key=lambda wish: id(wish) not in doubtful)
        for wish in ordered:
            if not self.possible([wish]):
                return [wish]
            if id(wish) not in doubtful:
                break
        # what nothing was found against is likely to go together, and then none is to blame
        self._seem_possible([w for w in wishes if id(w) not in doubtful and not _is_target(w)])
        for wish in ordered:
            if not self.possible([wish]):
                return [wish]
        core = [w for w in wishes if id(w) in self._suspects or _is_target(w)]
        for wish in list(core):
            fewer = [other for other in core if other is not wish]
            if not self.possible(fewer):
                core = fewer
        return self._fewer(core) if len(core) > 2 else core

    def _seem_possible(self, wishes: list[Wish]) -> None:
        """Look whether some wishes can be met without much ado."""
        for key in self._targets(wishes)[:1]:
            case = self._case(*key)
            if isinstance(case, TargetSearch) and case.search.at_once(case.space.active(wishes)):
                case.outcomes.together(wishes)

    def _doubtful(self) -> set[int]:
        """Give the wishes about what is refused by itself somewhere."""
        cases = [case for case in self._cases.values() if isinstance(case, TargetSearch)]
        names = {name for case in cases for name in case.search.refused}
        return {id(w) for case in cases for q in case.space.variables if q.name in names
                for w in self.wishes.all if w is q.wish or w.name == q.decision.name}  # fmt: skip

    def _fewer(self, core: list[Wish]) -> list[Wish]:
        """Give the fewest wishes that can't be met together, where it may be fewer than some.

        Every set of wishes whose absence leaves the rest possible must share one with them: the
        smallest set that does is tried, and where it can be met, shows another such absence.
        """
        wishes = self.wishes.all
        suspects = {
            n for n, wish in enumerate(wishes) if id(wish) in self._suspects or _is_target(wish)
        }
        absences: list[frozenset[int]] = []
        while True:
            tried = _hitting(absences, len(wishes))
            if absences and len(tried) >= len(core):
                return core
            some = [wishes[n] for n in sorted(tried)]
            if not self.possible(some):
                return some
            more = sorted(set(range(len(wishes))) - tried, key=lambda n: (n in suspects, n))
            kept = self._grown(tried, more)
            absences.append(frozenset(range(len(wishes))) - kept)

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


def _is_missing(error: DomcapsError) -> bool:
    """Tell whether a host does not have a target: that names it already."""
    return isinstance(error, UnsupportedTargetError)


def _is_target(wish: Wish) -> bool:
    """Tell whether a wish is about what the domain is for, rather than what it has."""
    return wish.kind == "narrow" and wish.name in _TARGET


def _shortcomings(assignments: list[Assignment]) -> list[str]:
    """Say what the guest may not be content with."""
    return [
        f"{assignment.variable} is {assignment.value or 'left out'}, which does not suit "
        f"the guest: {assignment.shortcoming}"
        for assignment in assignments
        if assignment.shortcoming
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
