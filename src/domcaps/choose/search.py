"""The search: the first combination of assignments that nothing speaks against.

Combinations are compared variable by variable, the more important first. A candidate is found
without validating a domain, by assignments that are known to be refused together (a *nogood*); then
the domain is validated as a whole. When it is refused, the assignments that are to blame are found,
and become nogoods: no other combination that has them is tried.

Whether there is any combination is asked of the *least* domain first, in which every optional
variable is left open: it is small, and has little to be refused.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING

from domcaps.choose.nogoods import Nogood, NothingPossible
from domcaps.choose.start_failures import COMPANIONS, HELPED_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from domcaps.choose.nogoods import Hint, Literal, NogoodStore
    from domcaps.choose.variables import Assignment, VariableDomain
    from domcaps.language.finding import Finding

    Found = list[tuple[Finding, str | None]]
    Look = Callable[[Sequence[Assignment], str], Found]


class Search:
    """The search for one target. Nogoods are kept: they hold for all wishes.

    After a search that found nothing, `proof` has the names of the variables that are enough for
    that, `used` the nogoods among them, and `unfit` the assignments that go with others only.
    `refused` are variables some assignment to which was refused by itself.
    """

    def __init__(self, look: Look, store: NogoodStore) -> None:
        self.look = look
        self.store = store
        self.proof: frozenset[str] = frozenset()
        self.used: set[Nogood] = set()
        self.unfit: set[tuple[Assignment, str]] = set()
        self.looks = 0
        self._nogoods: set[frozenset[Literal]] = set()
        self._about: dict[Literal, list[Nogood]] = {}
        self._remembered: dict[tuple[frozenset[Assignment], str], Found] = {}
        # codes for which some assignment to a decision was refused by itself
        self._doubtful: dict[str, set[str]] = {}
        # what no other assignment helps against, by code and decisions
        self._firm: set[tuple[str, frozenset[str]]] = set()
        self._tried: set[Hint] = set()
        # the decisions that were to blame together, by code
        self._blamed: dict[str, dict[frozenset[str], None]] = {}
        self.refused: set[str] = set()

    def solve(self, active: Sequence[VariableDomain]) -> list[Assignment] | None:
        """Give the best combination, None where there is none."""
        self._try_hints(active)
        wanted = {left.name for left in active if left.is_wanted}
        possible = False
        while True:
            found = self._candidate(active, least=False)
            if found is None:
                return None
            findings = self.refusals(found)
            if not findings:
                return found
            if not possible:
                self._learn_alone(found, findings, wanted)
                if self.least(active) is None:
                    return None
                possible = True
            self._learn(found, findings)

    def least(self, active: Sequence[VariableDomain]) -> list[Assignment] | None:
        """Give a combination that says as little as possible, None where there is none."""
        self._try_hints(active)
        while True:
            found = self._candidate(active, least=True)
            if found is None:
                return None
            findings = self.refusals(found)
            if not findings:
                return found
            self._learn(found, findings, active)

    def at_once(self, active: Sequence[VariableDomain]) -> bool:
        """Tell whether the first combination that says little will do."""
        found = self._candidate(active, least=True)
        return found is not None and not self.refusals(found)

    def refusals(self, assignments: Sequence[Assignment], code: str = "") -> Found:
        """Tell what is wrong with a combination; with a code only that."""
        # assignments without XML do not show
        written = [assignment for assignment in assignments if assignment.xml]
        key = frozenset(written)
        known = self._remembered.get((key, code)) or self._remembered.get((key, ""))
        if known is None:
            self.looks += 1
            known = self._remembered[key, code] = self.look(written, code)
        return [one for one in known if one[0].code == code] if code else known

    def _candidate(
        self, active: Sequence[VariableDomain], *, least: bool
    ) -> list[Assignment] | None:
        places = {left.name: number for number, left in enumerate(active)}
        chosen: list[Assignment] = []
        self.used = set()
        self.unfit = set()

        def extend(number: int) -> tuple[set[int], set[int]] | None:
            """Assign the variables from `number` on.

            Where that can't be done give the earlier variables that stand in the way, and all that
            are enough for it.
            """
            if number == len(active):
                return None
            blamed: set[int] = set()
            enough = {number}
            for assignment in active[number].least() if least else active[number].assignments:
                wrong = self._against(assignment, chosen, places)
                deeper = (wrong, wrong) if wrong is not None else None
                if wrong is None:
                    chosen.append(assignment)
                    deeper = extend(number + 1)
                    if deeper is None:
                        return None
                    chosen.pop()
                    if number not in deeper[0]:
                        return deeper
                assert deeper is not None  # noqa: S101 - for the type checker
                blamed |= deeper[0]
                enough |= deeper[1]
            return blamed - {number}, enough

        found = extend(0)
        if found is None:
            return chosen
        self._prove(frozenset(active[number].name for number in found[1]))
        return None

    def _prove(self, names: frozenset[str]) -> None:
        """Keep what is enough for it that nothing was found."""
        self.proof = names
        self.used = {nogood for nogood in self.used if nogood.variables <= names}
        for nogood in self.used:
            written = frozenset(literal for literal in nogood.literals if literal[1])
            self.store.hints.setdefault((nogood.findings[0].code, written))
        self.unfit = {(a, name) for a, name in self.unfit if {a.variable, name} <= names}

    def _against(
        self, assignment: Assignment, chosen: list[Assignment], places: dict[str, int]
    ) -> set[int] | None:
        """Give the variables whose assignments do not go with this one, None where all do."""
        for name, values in assignment.given:
            place = places.get(name)
            if place is None or place >= len(chosen):
                continue
            if chosen[place].value not in values:
                self.unfit.add((assignment, name))
                return {place}
        for again in range(2):
            for nogood in self._about.get(assignment.signature, ()):
                others = nogood.literals - {assignment.signature}
                if others and not others.issubset([one.signature for one in chosen]):
                    continue
                self.used.add(nogood)
                return {places[variable] for variable, _ in others}
            if again or not self._is_suspected([*chosen, assignment], assignment):
                break
        return None

    def _is_suspected(self, assignments: list[Assignment], assignment: Assignment) -> bool:
        """Learn that an assignment goes wrong as others of its decision did, where it does."""
        codes = self._doubtful.get(assignment.decision)
        if codes and self._alone(assignments, assignment, codes):
            return True
        for code, groups in self._blamed.items():
            for decisions in groups:
                for some in (
                    _one_of_each(decisions, assignments) if assignment.decision in decisions else ()
                ):
                    if assignment in some and self._has(some, code):
                        self._keep(some, some, code, None)
                        return True
        return False

    def _try_hints(self, active: Sequence[VariableDomain]) -> None:
        """Learn what was to blame for another target, where it is here as well."""
        there = {left.name: left for left in active}
        for code, hint in list(self.store.hints):
            names = {variable for variable, _ in hint}
            if (code, hint) in self._tried or not names <= there.keys():
                continue
            known = {
                a.signature: a for left in active if left.name in names for a in left.assignments
            }
            if hint <= known.keys():
                self._tried.add((code, hint))
                core = [assignment for said, assignment in known.items() if said in hint]
                if self._has(core, code):
                    self._keep(core, core, code, None)

    def _learn(
        self,
        assignments: list[Assignment],
        findings: Found,
        active: Sequence[VariableDomain] | None = None,
    ) -> None:
        """Find out which assignments are to blame; with `active`, also what else would help."""
        if self._learn_alone(assignments, findings, None, active):
            return
        code = findings[0][0].code
        suspects = {owner for finding, owner in findings if finding.code == code}
        core = self._to_blame(
            [assignment for assignment in assignments if assignment.xml], code, suspects
        )
        helped = self._keep(assignments, core, code, active)
        if not (core or helped):
            raise NothingPossible([finding for finding, _ in findings])

    def _learn_alone(
        self,
        assignments: list[Assignment],
        findings: Found,
        variables: set[str] | None,
        active: Sequence[VariableDomain] | None = None,
    ) -> bool:
        """Find out which assignments are refused by themselves, of all variables or of some."""
        learnt = False
        for code in dict.fromkeys(finding.code for finding, _ in findings):
            owners = {owner for finding, owner in findings if finding.code == code}
            for assignment in assignments:
                if assignment.variable in owners and (
                    not variables or assignment.variable in variables
                ):
                    learnt |= self._alone(assignments, assignment, {code}, active)
        return learnt

    def _alone(
        self,
        assignments: Sequence[Assignment],
        assignment: Assignment,
        codes: set[str],
        active: Sequence[VariableDomain] | None = None,
    ) -> bool:
        """Learn that an assignment is refused by itself, with one of some codes, where it is."""
        if not assignment.xml:
            return False
        core = _with_given([assignment], assignments)
        for code in sorted(codes):
            if self._has(core, code):
                self.refused.add(assignment.variable)
                if not self._keep(assignments, core, code, active):
                    self._doubtful.setdefault(assignment.decision, set()).add(code)
                return True
        return False

    def _to_blame(
        self, written: Sequence[Assignment], code: str, suspects: set[str | None]
    ) -> list[Assignment]:
        """Give the fewest assignments that are to blame together.

        What was found points at some of them; others are looked for among those about the same
        element first, then among what is not usual.
        """

        def fails(some: Sequence[Assignment]) -> bool:
            return self._has(_with_given(some, written), code)

        near = [assignment for assignment in written if assignment.variable in suspects]
        elements = {assignment.element for assignment in near}
        known = self._known_to_blame(written, code, fails)
        if known is not None:
            return known

        def distance(assignment: Assignment) -> int:
            if assignment.element in elements:
                return 0
            if assignment.why == "wanted":
                return 1
            return 2 if assignment.is_item else 3

        others = sorted((a for a in written if a not in near), key=distance)
        distances = [distance(assignment) for assignment in others]
        for size in dict.fromkeys([0, *(bisect_right(distances, far) for far in range(3))]):
            if (size or near) and fails([*near, *others[:size]]):
                others = others[:size]
                break
        more = _smallest(near, others, fails)
        if len(near) + len(more) > 1:
            near = _smallest(more, near, fails)
        core = _with_given([*near, *more], written)
        self._blamed.setdefault(code, {})[frozenset(assignment.decision for assignment in core)] = (
            None
        )
        return core

    def _known_to_blame(
        self,
        written: Sequence[Assignment],
        code: str,
        fails: Callable[[Sequence[Assignment]], bool],
    ) -> list[Assignment] | None:
        """Give other assignments to what was to blame before, where they are to blame again."""
        for decisions in self._blamed.get(code, ()):
            for some in _one_of_each(decisions, written):
                if fails(some):
                    return _with_given(some, written)
        return None

    def _has(self, assignments: Sequence[Assignment], code: str) -> bool:
        return bool(self.refusals(assignments, code))

    def _keep(
        self,
        assignments: Sequence[Assignment],
        core: list[Assignment],
        code: str,
        active: Sequence[VariableDomain] | None,
    ) -> bool:
        """Keep a nogood; tell whether something else would help."""
        shown = tuple(finding for finding, _ in self.refusals(core, code))
        # to say nothing about what would help is to blame as well
        helped = {HELPED_BY[code]} if code in HELPED_BY else set()
        if active is not None:
            helped |= self._helpers(core, code, active)
        silent = {a.signature for a in assignments if a.variable in helped and not a.xml}
        silent |= {(name, "") for name in _companions(core) - {a.decision for a in core}}
        nogood = Nogood(frozenset({*silent, *(a.signature for a in core)}), shown)
        if nogood.literals not in self._nogoods:
            self._nogoods.add(nogood.literals)
            for said in nogood.literals:
                self._about.setdefault(said, []).append(nogood)
        return bool(silent)

    def _helpers(
        self, core: list[Assignment], code: str, active: Sequence[VariableDomain]
    ) -> set[str]:
        """Give the open variables an assignment to which would make up for a nogood.

        It is asked of what a domain would usually have beside it.
        """
        key = code, frozenset(assignment.decision for assignment in core)
        if key in self._firm:
            return set()
        order = {left.name: number for number, left in enumerate(active)}
        variables = {assignment.variable for assignment in core}
        others = [left for left in active if not (left.is_wanted or left.name in variables)]
        kept = self.used, self.unfit, self.proof
        beside = [a for a in self._candidate(others, least=False) or () if a.xml]
        self.used, self.unfit, self.proof = kept

        def helps(some: Sequence[Assignment]) -> bool:
            together = sorted((*some, *core), key=lambda assignment: order[assignment.variable])
            return not self._has(together, code)

        if not beside or not helps(beside):
            self._firm.add(key)
            return set()
        known = self.store.helpers.setdefault(code, set())
        likely = [assignment for assignment in beside if assignment.variable in known]
        found = likely if likely and helps(likely) else _smallest([], beside, helps)
        known |= {assignment.variable for assignment in found}
        return {assignment.variable for assignment in found}


def _one_of_each(
    decisions: frozenset[str], assignments: Sequence[Assignment]
) -> Iterator[list[Assignment]]:
    """Give every choice of one assignment to each of several decisions."""
    kinds = [[a for a in assignments if a.xml and a.decision == name] for name in sorted(decisions)]
    if len(kinds) > 1:
        for some in itertools.product(*kinds):
            yield [assignment for assignment in assignments if assignment in some]


def _with_given(some: Iterable[Assignment], assignments: Iterable[Assignment]) -> list[Assignment]:
    """Add the assignments without which some make no sense, or something else is there."""
    chosen, written = set(some), [a for a in assignments if a.xml]
    while True:
        names = {name for a in chosen for name, _ in a.given} | _companions(chosen)
        found = [a for a in written if a in chosen or a.variable in names]
        if len(found) == len(chosen):
            return found
        chosen = set(found)


def _companions(assignments: Iterable[Assignment]) -> set[str]:
    """Give the decisions that libvirt makes itself beside some assignments."""
    return {COMPANIONS[one.decision] for one in assignments if one.decision in COMPANIONS}


def _smallest(
    kept: list[Assignment],
    suspects: list[Assignment],
    fails: Callable[[Sequence[Assignment]], bool],
) -> list[Assignment]:
    """Give a smallest part of the suspects that fails with what is kept (QuickXplain)."""
    if fails(kept):
        return []
    if len(suspects) <= 1:
        return list(suspects)
    middle = len(suspects) // 2
    first, second = suspects[:middle], suspects[middle:]
    from_second = _smallest(kept + first, second, fails)
    from_first = _smallest(kept + from_second, first, fails)
    return from_first + from_second
