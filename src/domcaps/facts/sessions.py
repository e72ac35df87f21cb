"""One emulator, asked with one accelerator after another or side by side."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import EmulatorTimeoutError, ProbeError
from domcaps.facts.asked import may_be_native, start_asked
from domcaps.facts.interrogation import Interrogation
from domcaps.facts.plan import Plan
from domcaps.facts.process import executable_status
from domcaps.facts.record import EmulatorRecord, Failure, ProbeSession
from domcaps.facts.shortage import is_shortage
from domcaps.facts.tasks import end
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domcaps.facts.asked import Start
    from domcaps.facts.plan import Questions


_IN_VAIN = Failure("not-asked", "the first accelerator is not in use, so that TCG was asked there")

_NOT_BUILT_IN = late_pattern(
    r"invalid accelerator|could not load module for type .\S*accel", re.IGNORECASE
)
"""What QEMU says of an accelerator that is not built in or installed: an answer, not a mishap."""


class ProbeLimits(msgspec.Struct, frozen=True):
    """Seconds for all questions with one accelerator, and for one question."""

    deadline: float
    question_deadline: float


class _Emulator:
    """An emulator and what it takes to ask it."""

    def __init__(
        self,
        path: str,
        questions: Questions,
        *,
        inventory: bool,
        limits: ProbeLimits,
        slots: asyncio.Semaphore | None,
        start: Start = start_asked,
    ) -> None:
        self.path = path
        self._questions = questions
        self._inventory = inventory
        self._limits = limits
        self._slots = slots
        self._start = start

    def interrogation(self, accelerator: str, *, complete: bool) -> Interrogation:
        """Prepare the questions for an accelerator, all or those that depend on it."""
        plan = Plan(
            self._questions,
            accelerator=accelerator,
            complete=complete,
            inventory=self._inventory,
        )
        return Interrogation(
            self.path,
            accelerator,
            plan,
            deadline=self._limits.deadline,
            question_deadline=self._limits.question_deadline,
            start=self._start,
        )

    async def ask(self, interrogation: Interrogation) -> ProbeSession:
        """Ask when there is a free slot."""
        async with self._slots or contextlib.nullcontext():
            return await interrogation.run()

    async def ask_after(self, leader: Interrogation, accelerator: str) -> ProbeSession:
        """Ask beside the leading interrogation; a failure is part of what is returned.

        An emulator for foreign guests will most likely have no use for the accelerator, so that
        the leader asks with TCG, and this would be in vain: that is awaited there, since a start
        costs as much as all the answers.
        """
        if not may_be_native(self.path):
            await leader.is_settled.wait()
            if not leader.plan.accelerated:
                return ProbeSession(accelerator, failure=_IN_VAIN)
        try:
            return await self.ask(self.interrogation(accelerator, complete=False))
        except ProbeError as error:
            return _failed(accelerator, error)


async def ask_with_each(
    path: str,
    questions: Questions,
    accelerators: tuple[str, ...],
    *,
    inventory: bool,
    limits: ProbeLimits,
    slots: asyncio.Semaphore | None,
    start: Start = start_asked,
) -> EmulatorRecord:
    """Do what `domcaps.facts.probe.probe_emulator` promises."""
    status = executable_status(path)
    emulator = _Emulator(
        path, questions, inventory=inventory, limits=limits, slots=slots, start=start
    )
    sessions = await _sessions(emulator, accelerators[0], accelerators[1:])
    return EmulatorRecord(path, sessions, status.st_size, status.st_mtime_ns, inventory)


async def _sessions(
    emulator: _Emulator, accelerator: str, others: tuple[str, ...]
) -> tuple[ProbeSession, ...]:
    leader = emulator.interrogation(accelerator, complete=True)
    async with _beside(emulator, leader, others) as following:
        try:
            first = await emulator.ask(leader)
        except ProbeError as error:
            trouble = error
            in_vain = isinstance(error, EmulatorTimeoutError) and not any(
                map(_went_well, following)
            )
        else:
            if first.accelerator != accelerator:
                # it was not usable, and TCG stood in for it
                lacked = leader.shortage()
                failed = ProbeSession(accelerator, failure=Failure("died", lacked))
                return (failed, first) if lacked else (first,)
            return (first, *[await task for task in following])
    if in_vain or not others:
        # what hangs with every accelerator must not be waited for twice
        raise trouble
    return await _without(emulator, accelerator, others, trouble)


@contextlib.asynccontextmanager
async def _beside(
    emulator: _Emulator, leader: Interrogation, others: tuple[str, ...]
) -> AsyncIterator[list[asyncio.Task[ProbeSession]]]:
    """Ask with the other accelerators meanwhile; who is not done at the end is cancelled."""
    tasks = [asyncio.create_task(emulator.ask_after(leader, other)) for other in others]
    try:
        yield tasks
    finally:
        await end(tasks)


async def _without(
    emulator: _Emulator, accelerator: str, others: tuple[str, ...], error: ProbeError
) -> tuple[ProbeSession, ...]:
    """Ask without an accelerator that could not be asked with."""
    try:
        return (_failed(accelerator, error), *await _sessions(emulator, others[0], others[1:]))
    except ProbeError:
        raise error from None


def _went_well(task: asyncio.Task[ProbeSession]) -> bool:
    return task.done() and not task.cancelled() and task.result().failure is None


def _failed(accelerator: str, error: ProbeError) -> ProbeSession:
    kind = "timeout" if isinstance(error, EmulatorTimeoutError) else "died"
    if _NOT_BUILT_IN.search(error.message) and not is_shortage(error.message):
        kind = "refused"
    return ProbeSession(accelerator, failure=Failure(kind, error.message))
