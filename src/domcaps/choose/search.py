"""The search: the first combination of answers that nothing speaks against.

Combinations are compared question by question, the more important first. A candidate is found
without looking at a domain, by what is known to go wrong together (a *conflict*); then the domain
is looked at as a whole. When it is refused, the answers that are to blame are found out, and make
up the next conflict: no other combination that has them is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.proofs import HELPED_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domcaps.choose.space import Answer, Question
    from domcaps.language.finding import Finding

    Hint = frozenset[tuple[str, str]]
    Look = Callable[[Sequence[Answer]], "list[tuple[Finding, str | None]]"]
    Active = Sequence[tuple[Question, list[Answer]]]


class Conflict:
    """Answers that can't be given together, and what was found then."""

    __slots__ = ("answers", "findings")

    def __init__(self, answers: frozenset[Answer], findings: tuple[Finding, ...]) -> None:
        self.answers = answers
        self.findings = findings


class Search:
    """The search for one target. Conflicts are kept: they hold for all wishes.

    `hints` are what was to blame for other targets, and may be here.
    """

    def __init__(self, look: Look, hints: list[Hint]) -> None:
        self.look = look
        self.hints = hints
        self.conflicts: list[Conflict] = []
        self.used: set[Conflict] = set()
        self.unfit: set[tuple[Answer, str]] = set()
        self.looks = 0
        self._by_answer: dict[Answer, list[Conflict]] = {}
        self._remembered: dict[frozenset[Answer], list[tuple[Finding, str | None]]] = {}

    def solve(self, active: Active) -> list[Answer] | None:
        """Give the best combination, None where there is none; then `used` tells why."""
        self.used = set()
        self.unfit = set()
        while True:
            found = self._candidate(active)
            if found is None:
                return None
            findings = self._look(found)
            if not findings:
                return found
            self._learn(found, findings)

    def refusals(self, answers: Sequence[Answer]) -> list[tuple[Finding, str | None]]:
        """Tell what is wrong with a combination."""
        return self._look(answers)

    def _look(self, answers: Sequence[Answer]) -> list[tuple[Finding, str | None]]:
        # answers without XML do not show
        key = frozenset(answer for answer in answers if answer.xml)
        known = self._remembered.get(key)
        if known is None:
            self.looks += 1
            known = self._remembered[key] = self.look([a for a in answers if a.xml])
        return known

    def _candidate(self, active: Active) -> list[Answer] | None:
        places = {question.name: number for number, (question, _) in enumerate(active)}
        chosen: list[Answer] = []

        def extend(number: int) -> set[int] | None:
            """Answer the questions from `number` on; else give those that stand in the way."""
            if number == len(active):
                return None
            blamed: set[int] = set()
            for answer in active[number][1]:
                wrong = self._against(answer, chosen, places)
                if wrong is None:
                    chosen.append(answer)
                    wrong = extend(number + 1)
                    if wrong is None:
                        return None
                    chosen.pop()
                    if number not in wrong:
                        return wrong
                blamed |= wrong
            return blamed - {number}

        return chosen if extend(0) is None else None

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
        for conflict in self._by_answer.get(answer, ()):
            others = conflict.answers - {answer}
            if others.issubset(chosen):
                self.used.add(conflict)
                return {places[other.question] for other in others}
        return None

    def _learn(self, answers: list[Answer], findings: list[tuple[Finding, str | None]]) -> None:
        """Find out which answers are to blame."""
        codes = {finding.code for finding, _ in findings[:1]}
        blamed = {owner for finding, owner in findings if finding.code in codes}
        written = [answer for answer in answers if answer.xml]

        def fails(some: Sequence[Answer]) -> bool:
            return any(f.code in codes for f, _ in self._look(_with_given(some, written)))

        suspects = [answer for answer in written if answer.question in blamed]
        hinted = self._hinted(written, fails)
        if hinted is not None:
            core = hinted
        elif suspects and fails(suspects):
            core = _smallest([], suspects, fails)
        else:
            others = [answer for answer in written if answer not in suspects]
            core = _smallest([], others + suspects, fails)
        core = _with_given(core, written)
        # to say nothing about what would help is to blame as well
        silent = {HELPED_BY[code] for code in codes & HELPED_BY.keys()}
        core += [answer for answer in answers if answer.question in silent and not answer.xml]
        shown = [finding for finding, _ in self._look(core) if finding.code in codes]
        conflict = Conflict(frozenset(core), tuple(shown))
        self.conflicts.append(conflict)
        for answer in core:
            self._by_answer.setdefault(answer, []).append(conflict)
        if hinted is None:
            self.hints.append(frozenset(answer.signature for answer in core))
        if not core:
            raise Hopeless([finding for finding, _ in findings])

    def _hinted(
        self, written: Sequence[Answer], fails: Callable[[Sequence[Answer]], bool]
    ) -> list[Answer] | None:
        """Give what was to blame for another target, where it is here as well."""
        known = {answer.signature: answer for answer in written}
        for hint in self.hints:
            if hint <= known.keys():
                core = [known[signature] for signature in hint]
                if fails(core):
                    return core
        return None


class Hopeless(Exception):  # noqa: N818 - tells of the target, no error of its own
    """Even the smallest domain is refused."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(findings[0].message)


def _with_given(some: Sequence[Answer], written: Sequence[Answer]) -> list[Answer]:
    """Add the answers without which some make no sense."""
    names = {name for answer in some for name, _ in answer.given}
    chosen = set(some)
    return [answer for answer in written if answer in chosen or answer.question in names]


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
