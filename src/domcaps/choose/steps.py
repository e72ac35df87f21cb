"""Explaining a choice: every decision, what was passed over and why, and what came next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.chooser import Step

if TYPE_CHECKING:
    from domcaps.choose.chooser import Chosen
    from domcaps.choose.space import Answer, Question


def steps_of(chosen: Chosen) -> tuple[Step, ...]:
    """Give the steps by which a domain was chosen."""
    case = chosen._case  # noqa: SLF001 - one thing in two files
    assert case is not None  # noqa: S101
    target = chosen.target
    first = Step(
        "os.machine",
        "machine type, and what runs it",
        f"{chosen.machine or target.machine} by {target.virttype}",
        "the first that all wishes go with",
        passed=chosen._others,  # noqa: SLF001
    )
    answers = chosen._answers  # noqa: SLF001
    steps = [first]
    for number, left in enumerate(chosen._active):  # noqa: SLF001
        steps.append(_step(chosen, left.question, left.answers, answers, number))
    return tuple(steps)


def _step(
    chosen: Chosen,
    question: Question,
    left: list[Answer],
    answers: tuple[Answer, ...],
    number: int,
) -> Step:
    answer = answers[number]
    place = left.index(answer)
    passed = {
        _named(e.value): e.why for e in question.excluded if _before(question, e.value, answer)
    }
    for other in left[:place]:
        why = _why_not(chosen, other, answers, number)
        if why and other.value != answer.value:
            passed.setdefault(_named(other.value), why)
    for value, lacking in question.lacking.items():
        if value != answer.value and _before(question, value, answer):
            passed.setdefault(_named(value), f"✗ {lacking}")
    following = ""
    for other in left[place + 1 :]:
        if other.value != answer.value and not _why_not(chosen, other, answers, number):
            following = _named(other.value)
            break
    wish = question.wish
    wanted = wish.text if wish is not None and not wish.implied else ""
    if not wanted and len(left) < len(question.answers()):
        wanted = "wished for"
    return Step(
        question.name,
        question.title,
        answer.value,
        answer.why,
        following,
        tuple(passed.items()),
        wanted,
    )


def _named(value: str) -> str:
    return value or "nothing"


def _before(question: Question, value: str, answer: Answer) -> bool:
    """Tell whether a value is wanted more than the chosen one, by the table's order."""
    values = [option.value for option in question.decision.options]
    if value not in values:
        return False
    return answer.value not in values or values.index(value) < values.index(answer.value)


def _why_not(chosen: Chosen, other: Answer, answers: tuple[Answer, ...], number: int) -> str:
    """Say why another answer in the place of one is refused, "" where it is not."""
    names = {answer.question: answer.value for answer in answers}
    for name, values in other.given:
        if names.get(name) not in values:
            return f"goes with {name} {' or '.join(v or 'nothing' for v in values)} only"
    changed = [*answers[:number], other, *answers[number + 1 :]]
    case = chosen._case  # noqa: SLF001
    assert case is not None  # noqa: S101
    found = case.search.refusals(changed)
    return found[0][0].message if found else ""
