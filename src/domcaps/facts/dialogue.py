"""Asking an emulator in turn: what is asked next depends on what it just said.

A *talk* is a generator. It yields questions, is sent the answer to each, and returns what it made
of them, so that the same one is available with a running emulator and with a recording::

    def name_of_baseline(first: dict, second: dict) -> Talk[str]:
        answer = yield ask("query-cpu-model-baseline", modela=first, modelb=second)
        ...
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar

from domcaps.facts.emulator import Unanswered
from domcaps.facts.plan import Plan
from domcaps.facts.question import QmpCommand
from domcaps.facts.record import Answer

if TYPE_CHECKING:
    from domcaps.facts.emulator import EmulatorFacts

T = TypeVar("T")
Talk = Generator[QmpCommand, Answer, T]

_DEADLINE_SECONDS, _QUESTION_SECONDS = 30.0, 10.0


def talk_with_record(facts: EmulatorFacts, accelerator: str, talk: Talk[T]) -> T:
    """Have a talk with what was recorded; raises `Unanswered` where a question was not asked."""
    try:
        question = next(talk)
        while True:
            question = talk.send(facts.answer(question, accelerator))
    except StopIteration as ended:
        result: T = ended.value
        return result


def talk_with_emulator(path: str, talk: Talk[T]) -> T:
    """Have a talk with a fresh process of an emulator, which gets KVM if it can, and TCG if not.

    Raises the `ProbeError` that tells why it can't be asked, and `Unanswered` for a question that
    it did not get over. Must not be called from within a running event loop.
    """
    import asyncio

    from domcaps.facts.interrogation import Interrogation
    from domcaps.facts.open_files import require_open_files

    try:
        course = _Course(next(talk), talk)
    except StopIteration as ended:
        nothing: T = ended.value
        return nothing
    asking = Interrogation(
        path, "kvm", course, deadline=_DEADLINE_SECONDS, question_deadline=_QUESTION_SECONDS
    )
    require_open_files()
    session = asyncio.run(asking.run())
    if course.ended is None:
        last = session.answers[-1]
        raise Unanswered(last.question, last.failure)
    result: T = course.ended.value
    return result


class _Course(Plan):
    """The questions of a talk, as a plan."""

    def __init__(self, first: QmpCommand, talk: Talk[T]) -> None:
        super().__init__(accelerator="tcg")
        self._first = first
        self._talk = talk
        self.ended: StopIteration | None = None

    def opening(self) -> list[QmpCommand]:
        """Give the first question."""
        return [self._first]

    def after(self, answer: Answer) -> list[QmpCommand]:
        """Give what is asked after an answer."""
        try:
            return [self._talk.send(answer)]
        except StopIteration as ended:
            self.ended = ended
            return []

    def is_extra(self, question: QmpCommand) -> bool:  # noqa: ARG002
        """Tell that nothing can be done without."""
        return False
