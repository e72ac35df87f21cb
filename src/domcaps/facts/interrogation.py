"""Asking one emulator with one accelerator, whatever it does.

A question that gets no answer in time, or that ends the emulator, costs that one answer: it is
recorded as failed, and what is left is put to a fresh process. There are real ones: QEMU 7.2
without its OpenGL module ends when it is asked for the properties of ``virtio-gpu-gl-pci``.

When an emulator ends, its last replies may be lost on the way, so that the oldest question without
a reply is only suspected. A fresh process is asked that one alone, which settles the matter.

There are limits to that: an emulator that can't answer the basics, that is killed by somebody, or
that takes too many fresh processes, is one that can't be asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from qemu.qmp import ConnectError
from qemu.qmp.error import ProtocolError

from domcaps.errors import EmulatorDiedError, EmulatorTimeoutError, NotAnEmulatorError, ProbeError
from domcaps.facts.asked import start_asked
from domcaps.facts.exit_status import (
    FROM_OUTSIDE,
    exit_status,
    listening,
    signal_name,
)
from domcaps.facts.plan import BASICS
from domcaps.facts.qmp import Monitor
from domcaps.facts.record import Answer, Failure, ProbeSession
from domcaps.facts.shortage import is_shortage
from domcaps.facts.tasks import end

if TYPE_CHECKING:
    from domcaps.facts.asked import Start
    from domcaps.facts.plan import Plan
    from domcaps.facts.process import EmulatorProcess
    from domcaps.facts.question import QmpCommand

FRESH_STARTS = 16
"""How often an emulator is started again because of questions that it can't stand."""

_FLOODS = "it prints without end, as no emulator does"
_LOOK_REMEDY = "start it by hand with -machine none -qmp stdio and see"
_OTHER_REMEDY = "name a QEMU system emulator"


class Interrogation:
    """The questions of a plan, put to an emulator.

    `is_settled` is set as soon as it is known whether the accelerator is in use.
    """

    def __init__(
        self,
        path: str,
        accelerator: str,
        plan: Plan,
        *,
        deadline: float,
        question_deadline: float,
        start: Start = start_asked,
    ) -> None:
        self.path = path
        self.accelerator = accelerator
        self.plan = plan
        self.is_settled = asyncio.Event()
        self._deadline = deadline
        self._question_deadline = question_deadline
        self._start = start
        self._answers: list[Answer] = []
        self._due = plan.opening()
        self._rest: asyncio.Task[list[QmpCommand]] | None = None
        self._is_complete = not plan.is_late
        self._is_careful = False
        self._last_words = ""

    async def run(self) -> ProbeSession:
        """Ask until every question has its answer, or is recorded as failed.

        In the session that it returns, the accelerator is the one that was in use. Raises
        `ProbeError` when the emulator can't be asked.
        """
        try:
            async with asyncio.timeout(self._deadline):
                await self._ask_all()
        except TimeoutError:
            text = _with_words(f"it did not answer within {self._deadline:g} s", self._last_words)
            self._give_up(EmulatorTimeoutError(text, where=self.path, remedy=_LOOK_REMEDY))
        finally:
            if self._rest is not None:
                await end((self._rest,))
        return ProbeSession(
            self.accelerator if self.plan.accelerated else "tcg", tuple(self._answers)
        )

    def shortage(self) -> str:
        """Give what the emulator printed if that tells of a limit that it reached, "" otherwise."""
        return self._last_words if is_shortage(self._last_words) else ""

    async def _ask_all(self) -> None:
        for starts_left in reversed(range(1 + FRESH_STARTS)):
            trouble = await self._ask_process()
            if trouble is None:
                return
            if not starts_left:
                self._give_up(trouble)

    def _give_up(self, trouble: ProbeError) -> None:
        """Do without what is left, if that is only inventory; else raise the trouble."""
        if not all(self.plan.is_extra(question) for question in self._due):
            raise trouble
        failure = Failure("not-asked", trouble.message)
        self._answers += [Answer(question, failure=failure) for question in self._due]

    async def _ask_process(self) -> ProbeError | None:
        """Ask a process what is due. A question that it fails at is noted, with the trouble."""
        monitor = Monitor()
        process = self._process()
        try:
            with process, listening(process):
                self._prepare_rest()
                await self._greet(monitor, process)
                return await self._collect(monitor, process)
        finally:
            self._due = [*monitor.outstanding.values(), *self._due]
            self._last_words = process.last_words()
            with contextlib.suppress(ProtocolError, EOFError, OSError):
                await monitor.close()
            process.monitor.close()

    def _process(self) -> EmulatorProcess:
        """Start the emulator."""
        return self._start(self.path, self.accelerator)

    async def _greet(self, monitor: Monitor, process: EmulatorProcess) -> None:
        try:
            # a greeting needs no longer than an answer: who is silent from the start stays so
            async with asyncio.timeout(self._question_deadline):
                await monitor.connect(process.monitor)
        except TimeoutError as error:
            text = f"it did not greet as QEMU does within {self._question_deadline:g} s"
            text = _with_words(text, process.last_words())
            raise EmulatorTimeoutError(text, where=self.path, remedy=_OTHER_REMEDY) from error
        except ConnectError as error:
            raise await self._no_greeting(process, error.exc) from error

    async def _no_greeting(self, process: EmulatorProcess, cause: Exception) -> ProbeError:
        if isinstance(cause, ProtocolError):
            text = str(cause)
        elif process.flooded:
            text = _FLOODS
        else:
            status = await exit_status(process)
            if status is not None and status < 0:
                return self._died(process, f"it was killed by {signal_name(status)} at its start")
            how = "closed its monitor" if status is None else f"ended with status {status}"
            text = f"it {how} and did not greet as QEMU does"
        text = _with_words(text, process.last_words())
        return NotAnEmulatorError(text, where=self.path, remedy=_OTHER_REMEDY)

    def _next(self) -> list[QmpCommand]:
        """Take what to ask next from what is due: all, or a suspected question alone."""
        count = 1 if self._is_careful else len(self._due)
        self._is_careful = False
        batch, self._due = self._due[:count], self._due[count:]
        return batch

    def _prepare_rest(self) -> None:
        """Have a thread find out what else to ask, while the emulator starts and answers."""
        if self._rest is None and not self._is_complete:
            self._rest = asyncio.create_task(asyncio.to_thread(self.plan.rest))

    async def _ask_rest(self, monitor: Monitor) -> None:
        """Ask the rest as soon as it is known, where all else has its answer."""
        if self._rest is not None and not self._is_complete:
            self._due += self.plan.new(await self._rest)
            self._is_complete = True
            monitor.send(self._next())

    async def _collect(self, monitor: Monitor, process: EmulatorProcess) -> ProbeError | None:
        monitor.send(self._next())
        if not monitor.outstanding:
            await self._ask_rest(monitor)
        while monitor.outstanding:
            if self.plan.accelerated is not None:
                self.is_settled.set()
            try:
                async with asyncio.timeout(self._question_deadline):
                    answer = await monitor.answer()
            except TimeoutError:
                return self._blame(monitor, self._silent(monitor, process))
            if answer is None:
                return self._blame(monitor, await self._why_ended(monitor, process))
            self._answers.append(answer)
            monitor.send(self.plan.after(answer))
            if not monitor.outstanding:
                monitor.send(self._next())
            if not monitor.outstanding:
                await self._ask_rest(monitor)
        return None

    def _blame(self, monitor: Monitor, trouble: ProbeError) -> ProbeError:
        """Record the question at fault, if it is known; raise what can't be survived."""
        number, question = next(iter(monitor.outstanding.items()))
        hangs = isinstance(trouble, EmulatorTimeoutError)
        if not hangs and len(monitor.outstanding) > 1:
            self._is_careful = True
            return trouble
        if question in BASICS:
            raise trouble
        del monitor.outstanding[number]
        kind = "timeout" if hangs else "died"
        self._answers.append(Answer(question, failure=Failure(kind, trouble.message)))
        return trouble

    def _silent(self, monitor: Monitor, process: EmulatorProcess) -> ProbeError:
        question = next(iter(monitor.outstanding.values()))
        text = f"it did not answer {question} within {self._question_deadline:g} s"
        return EmulatorTimeoutError(
            _with_words(text, process.last_words()), where=self.path, remedy=_LOOK_REMEDY
        )

    async def _why_ended(self, monitor: Monitor, process: EmulatorProcess) -> ProbeError:
        question = next(iter(monitor.outstanding.values()))
        try:
            await monitor.close()
        except ProtocolError as error:
            text = _with_words(str(error), process.last_words())
            raise NotAnEmulatorError(text, where=self.path, remedy=_OTHER_REMEDY) from error
        except (EOFError, OSError):
            pass
        if process.flooded:
            raise NotAnEmulatorError(_FLOODS, where=self.path, remedy=_OTHER_REMEDY)
        status = await exit_status(process)
        if status is None:
            return self._died(process, f"it closed its monitor when asked {question}")
        if status >= 0:
            return self._died(process, f"it ended with status {status} when asked {question}")
        trouble = self._died(
            process, f"it was killed by {signal_name(status)} when asked {question}"
        )
        if status in FROM_OUTSIDE:
            # somebody wants it gone: do not start it again
            raise trouble
        return trouble

    def _died(self, process: EmulatorProcess, text: str) -> ProbeError:
        return EmulatorDiedError(
            _with_words(text, process.last_words()), where=self.path, remedy=_LOOK_REMEDY
        )


def _with_words(text: str, words: str) -> str:
    return f"{text}; its last words: {words}" if words else text
