"""The search: the first combination of answers that nothing speaks against.

Combinations are compared question by question, the more important first. A candidate is found
without looking at a domain, by what is known to go wrong together (a *conflict*); then the domain
is looked at as a whole. When it is refused, the answers that are to blame are found out, and make
up conflicts: no other combination that has them is looked at.

Whether there is any combination is asked of the *least* domain first, in which every question that
nobody cares about is left open where that can be: it is small, and has little to be refused.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING

from domcaps.choose.conflicts import Conflict, Hopeless
from domcaps.choose.proofs import HELPED_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from domcaps.choose.conflicts import Hint, Learnt, Said
    from domcaps.choose.space import Answer, Left
    from domcaps.language.finding import Finding

    Found = list[tuple[Finding, str | None]]
    Look = Callable[[Sequence[Answer], str], Found]


class Search:
    """The search for one target. Conflicts are kept: they hold for all wishes.

    After a search that found nothing, `proof` has the names of the questions that are enough for
    that, `used` the conflicts among them, and `unfit` the answers that go with another answer only.
    `refused` are questions some answer to which was refused by itself.
    """

    def __init__(self, look: Look, learnt: Learnt) -> None:
        self.look = look
        self.learnt = learnt
        self.proof: frozenset[str] = frozenset()
        self.used: set[Conflict] = set()
        self.unfit: set[tuple[Answer, str]] = set()
        self.looks = 0
        self._conflicts: set[frozenset[Said]] = set()
        self._about: dict[Said, list[Conflict]] = {}
        self._remembered: dict[tuple[frozenset[Answer], str], Found] = {}
        # codes for which some answer to a decision was refused by itself
        self._doubtful: dict[str, set[str]] = {}
        # what no other answer helps against, by code and decisions
        self._firm: set[tuple[str, frozenset[str]]] = set()
        self._tried: set[Hint] = set()
        # the decisions that were to blame together, by code
        self._blamed: dict[str, dict[frozenset[str], None]] = {}
        self.refused: set[str] = set()

    def solve(self, active: Sequence[Left]) -> list[Answer] | None:
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

    def least(self, active: Sequence[Left]) -> list[Answer] | None:
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

    def at_once(self, active: Sequence[Left]) -> bool:
        """Tell whether the first combination that says little will do."""
        found = self._candidate(active, least=True)
        return found is not None and not self.refusals(found)

    def refusals(self, answers: Sequence[Answer], code: str = "") -> Found:
        """Tell what is wrong with a combination; with a code only that."""
        # answers without XML do not show
        written = [answer for answer in answers if answer.xml]
        key = frozenset(written)
        known = self._remembered.get((key, code)) or self._remembered.get((key, ""))
        if known is None:
            self.looks += 1
            known = self._remembered[key, code] = self.look(written, code)
        return [one for one in known if one[0].code == code] if code else known

    def _candidate(self, active: Sequence[Left], *, least: bool) -> list[Answer] | None:
        places = {left.name: number for number, left in enumerate(active)}
        chosen: list[Answer] = []
        self.used = set()
        self.unfit = set()

        def extend(number: int) -> tuple[set[int], set[int]] | None:
            """Answer the questions from `number` on.

            Where that can't be done give the earlier questions that stand in the way, and all that
            are enough for it.
            """
            if number == len(active):
                return None
            blamed: set[int] = set()
            enough = {number}
            for answer in active[number].least() if least else active[number].answers:
                wrong = self._against(answer, chosen, places)
                deeper = (wrong, wrong) if wrong is not None else None
                if wrong is None:
                    chosen.append(answer)
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
        self.used = {conflict for conflict in self.used if conflict.questions <= names}
        for conflict in self.used:
            written = frozenset(said for said in conflict.said if said[1])
            self.learnt.hints.setdefault((conflict.findings[0].code, written))
        self.unfit = {(a, name) for a, name in self.unfit if {a.question, name} <= names}

    def _against(
        self, answer: Answer, chosen: list[Answer], places: dict[str, int]
    ) -> set[int] | None:
        """Give the questions whose answers do not go with this one, None where all do."""
        for name, values in answer.given:
            place = places.get(name)
            if place is None or place >= len(chosen):
                continue
            if chosen[place].value not in values:
                self.unfit.add((answer, name))
                return {place}
        for again in range(2):
            for conflict in self._about.get(answer.signature, ()):
                others = conflict.said - {answer.signature}
                if others and not others.issubset([one.signature for one in chosen]):
                    continue
                self.used.add(conflict)
                return {places[question] for question, _ in others}
            if again or not self._is_suspected([*chosen, answer], answer):
                break
        return None

    def _is_suspected(self, answers: list[Answer], answer: Answer) -> bool:
        """Learn that an answer goes wrong as others of its decision did, where it does."""
        codes = self._doubtful.get(answer.decision)
        if codes and self._alone(answers, answer, codes):
            return True
        for code, groups in self._blamed.items():
            for decisions in groups:
                for some in (
                    _one_of_each(decisions, answers) if answer.decision in decisions else ()
                ):
                    if answer in some and self._has(some, code):
                        self._keep(some, some, code, None)
                        return True
        return False

    def _try_hints(self, active: Sequence[Left]) -> None:
        """Learn what was to blame for another target, where it is here as well."""
        there = {left.name: left for left in active}
        for code, hint in list(self.learnt.hints):
            names = {question for question, _ in hint}
            if (code, hint) in self._tried or not names <= there.keys():
                continue
            known = {a.signature: a for left in active if left.name in names for a in left.answers}
            if hint <= known.keys():
                self._tried.add((code, hint))
                core = [answer for said, answer in known.items() if said in hint]
                if self._has(core, code):
                    self._keep(core, core, code, None)

    def _learn(
        self, answers: list[Answer], findings: Found, active: Sequence[Left] | None = None
    ) -> None:
        """Find out which answers are to blame; with `active`, also what else would help."""
        if self._learn_alone(answers, findings, None, active):
            return
        code = findings[0][0].code
        suspects = {owner for finding, owner in findings if finding.code == code}
        core = self._to_blame([answer for answer in answers if answer.xml], code, suspects)
        helped = self._keep(answers, core, code, active)
        if not (core or helped):
            raise Hopeless([finding for finding, _ in findings])

    def _learn_alone(
        self,
        answers: list[Answer],
        findings: Found,
        questions: set[str] | None,
        active: Sequence[Left] | None = None,
    ) -> bool:
        """Find out which answers are refused by themselves, of all questions or of some."""
        learnt = False
        for code in dict.fromkeys(finding.code for finding, _ in findings):
            owners = {owner for finding, owner in findings if finding.code == code}
            for answer in answers:
                if answer.question in owners and (not questions or answer.question in questions):
                    learnt |= self._alone(answers, answer, {code}, active)
        return learnt

    def _alone(
        self,
        answers: Sequence[Answer],
        answer: Answer,
        codes: set[str],
        active: Sequence[Left] | None = None,
    ) -> bool:
        """Learn that an answer is refused by itself, with one of some codes, where it is."""
        if not answer.xml:
            return False
        core = _with_given([answer], answers)
        for code in sorted(codes):
            if self._has(core, code):
                self.refused.add(answer.question)
                if not self._keep(answers, core, code, active):
                    self._doubtful.setdefault(answer.decision, set()).add(code)
                return True
        return False

    def _to_blame(
        self, written: Sequence[Answer], code: str, suspects: set[str | None]
    ) -> list[Answer]:
        """Give the fewest answers that are to blame together.

        What was found points at some of them; others are looked for among those about the same
        element first, then among what is not usual.
        """

        def fails(some: Sequence[Answer]) -> bool:
            return self._has(_with_given(some, written), code)

        near = [answer for answer in written if answer.question in suspects]
        elements = {answer.element for answer in near}
        known = self._known_to_blame(written, code, fails)
        if known is not None:
            return known

        def distance(answer: Answer) -> int:
            if answer.element in elements:
                return 0
            if answer.why == "wanted":
                return 1
            return 2 if answer.is_item else 3

        others = sorted((a for a in written if a not in near), key=distance)
        distances = [distance(answer) for answer in others]
        for size in dict.fromkeys([0, *(bisect_right(distances, far) for far in range(3))]):
            if (size or near) and fails([*near, *others[:size]]):
                others = others[:size]
                break
        more = _smallest(near, others, fails)
        if len(near) + len(more) > 1:
            near = _smallest(more, near, fails)
        core = _with_given([*near, *more], written)
        self._blamed.setdefault(code, {})[frozenset(answer.decision for answer in core)] = None
        return core

    def _known_to_blame(
        self,
        written: Sequence[Answer],
        code: str,
        fails: Callable[[Sequence[Answer]], bool],
    ) -> list[Answer] | None:
        """Give other answers to what was to blame before, where they are to blame again."""
        for decisions in self._blamed.get(code, ()):
            for some in _one_of_each(decisions, written):
                if fails(some):
                    return _with_given(some, written)
        return None

    def _has(self, answers: Sequence[Answer], code: str) -> bool:
        return bool(self.refusals(answers, code))

    def _keep(
        self,
        answers: Sequence[Answer],
        core: list[Answer],
        code: str,
        active: Sequence[Left] | None,
    ) -> bool:
        """Keep a conflict; tell whether something else would help."""
        shown = tuple(finding for finding, _ in self.refusals(core, code))
        # to say nothing about what would help is to blame as well
        helped = {HELPED_BY[code]} if code in HELPED_BY else set()
        if active is not None:
            helped |= self._helpers(core, code, active)
        silent = [a for a in answers if a.question in helped and not a.xml]
        conflict = Conflict(frozenset(answer.signature for answer in (*core, *silent)), shown)
        if conflict.said not in self._conflicts:
            self._conflicts.add(conflict.said)
            for said in conflict.said:
                self._about.setdefault(said, []).append(conflict)
        return bool(silent)

    def _helpers(self, core: list[Answer], code: str, active: Sequence[Left]) -> set[str]:
        """Give the open questions an answer to which would make up for a conflict.

        It is asked of what a domain would usually have beside it.
        """
        key = code, frozenset(answer.decision for answer in core)
        if key in self._firm:
            return set()
        order = {left.name: number for number, left in enumerate(active)}
        questions = {answer.question for answer in core}
        others = [left for left in active if not (left.is_wanted or left.name in questions)]
        kept = self.used, self.unfit, self.proof
        beside = [a for a in self._candidate(others, least=False) or () if a.xml]
        self.used, self.unfit, self.proof = kept

        def helps(some: Sequence[Answer]) -> bool:
            together = sorted((*some, *core), key=lambda answer: order[answer.question])
            return not self._has(together, code)

        if not beside or not helps(beside):
            self._firm.add(key)
            return set()
        known = self.learnt.helpers.setdefault(code, set())
        likely = [answer for answer in beside if answer.question in known]
        found = likely if likely and helps(likely) else _smallest([], beside, helps)
        known |= {answer.question for answer in found}
        return {answer.question for answer in found}


def _one_of_each(decisions: frozenset[str], answers: Sequence[Answer]) -> Iterator[list[Answer]]:
    """Give every choice of one answer to each of several decisions."""
    kinds = [[a for a in answers if a.xml and a.decision == name] for name in sorted(decisions)]
    if len(kinds) > 1:
        for some in itertools.product(*kinds):
            yield [answer for answer in answers if answer in some]


def _with_given(some: Iterable[Answer], answers: Iterable[Answer]) -> list[Answer]:
    """Add the answers without which some make no sense."""
    chosen = set(some)
    names = {name for answer in chosen for name, _ in answer.given}
    return [a for a in answers if a.xml and (a in chosen or a.question in names)]


def _smallest(
    kept: list[Answer], suspects: list[Answer], fails: Callable[[Sequence[Answer]], bool]
) -> list[Answer]:
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
