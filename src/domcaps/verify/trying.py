"""Trying one command line with the real QEMU: does it start, and if not, what does it say?

A machine has started when it answers ``query-status``: QEMU answers after all of it was made. It is
never told to run. Whatever happens, nothing of it is left behind (see `domcaps.facts.process`).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
from qemu.qmp import ConnectError
from qemu.qmp.error import ProtocolError

from domcaps.errors import ProbeError
from domcaps.facts.exit_status import FROM_OUTSIDE, exit_status, listening, signal_name
from domcaps.facts.process import EmulatorProcess, quotable
from domcaps.facts.qmp import Monitor
from domcaps.facts.question import ask
from domcaps.facts.tasks import to_its_end
from domcaps.verify.command import command
from domcaps.verify.helper_process import HelperProcessError, running
from domcaps.verify.result import NOT_TRIED, REFUSED, STARTS, TriedVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.language import World
    from domcaps.language.qemu_args import QemuArgs
    from domcaps.verify.command import QemuRun

DEADLINE_SECONDS = 30.0
"""Time for one start; most take a tenth of a second."""

_OWN_NAME = re.compile(r"\bqemu(?:-system-[\w-]+)?: ")
_STATUS = ask("query-status")


class Outcome(msgspec.Struct, frozen=True):
    """What came of a try: ``starts``, ``refused``, or ``not tried`` where nothing was proven."""

    verdict: TriedVerdict
    message: str = ""
    added: tuple[str, ...] = ()


class Trier(Protocol):
    """A tester that reports whether a machine with these arguments starts."""

    async def attempt(self, world: World, alternatives: Sequence[QemuArgs]) -> Outcome:
        """Try them all at once."""


class QemuTrier:
    """Starts emulators of this machine, so many at once as there are `slots`.

    Each start has a folder of its own below `folder`, which is a `throwaway_folder`: it goes with
    all runs should this process be killed.
    """

    def __init__(self, slots: int, folder: Path, deadline: float = DEADLINE_SECONDS) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._folder = folder
        self._deadline = deadline

    async def attempt(self, world: World, alternatives: Sequence[QemuArgs]) -> Outcome:
        """Start a machine with the arguments of all these."""
        async with self._slots:
            folder = tempfile.mkdtemp(prefix="", dir=self._folder)
            try:
                return await self._in_folder(world, alternatives, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    async def _in_folder(
        self, world: World, alternatives: Sequence[QemuArgs], folder: str
    ) -> Outcome:
        wanted = command(world.target, alternatives, folder)
        for name, size in wanted.files:
            with (Path(folder) / name).open("wb") as file:
                file.truncate(size)
        added = tuple(word.replace(folder, "DIR") for word in wanted.added)
        try:
            async with contextlib.AsyncExitStack() as stack:
                checks = [
                    await stack.enter_async_context(running(qemu_args.helper, world.host, folder))
                    for qemu_args in alternatives
                    if qemu_args.helper is not None
                ]
                found = await start(world.target.emulator, wanted, self._deadline)
                # without the programs, QEMU's refusal proves nothing
                for check in checks if found.verdict == REFUSED else ():
                    check()
        except HelperProcessError as error:
            return Outcome(NOT_TRIED, str(error).replace(folder, "DIR"), added)
        except ProbeError as error:
            return Outcome(NOT_TRIED, error.message, added)
        message = found.message.replace(folder, "DIR")
        for words, reason in (pair for qemu_args in alternatives for pair in qemu_args.lacks):
            if found.verdict == REFUSED and words in message:
                return Outcome(NOT_TRIED, f"{reason} ({message})", added)
        return Outcome(found.verdict, message, added)


class Ended(NamedTuple):
    """How a run ended: whether the machine was there, otherwise the status of its end.

    `status` is None where it did not end by itself, `is_late` tells that it took too long.
    `printed` is the end of what the emulator printed.
    """

    started: bool
    status: int | None = None
    printed: bytes = b""
    is_late: bool = False


async def run(path: str, wanted: QemuRun, deadline: float) -> Ended:
    """Start an emulator, wait until its machine is there or it has ended, and end it."""
    process = EmulatorProcess(path, wanted.arguments, wanted.environ)
    monitor = Monitor()
    hangs, found = True, Ended(started=False, is_late=True)
    try:
        with process:
            try:
                with listening(process):
                    async with asyncio.timeout(deadline):
                        if await _has_started(monitor, process):
                            found = Ended(started=True)
                        else:
                            found = Ended(started=False, status=await exit_status(process))
                        hangs = False
            except TimeoutError:
                pass
            finally:
                # killing takes a while, in which others can be started; with two at it at once,
                # one would meet what the other has closed
                await to_its_end(asyncio.to_thread(process.stop, suspicious=hangs))
            return found._replace(printed=process.printed())
    finally:
        with contextlib.suppress(ProtocolError, EOFError, OSError):
            await monitor.close()
        process.monitor.close()


async def start(path: str, wanted: QemuRun, deadline: float) -> Outcome:
    """Start an emulator, and tell what came of it."""
    found = await run(path, wanted, deadline)
    if found.started:
        return Outcome(STARTS)
    if found.is_late:
        return Outcome(NOT_TRIED, late(deadline))
    return _why(found.status, quotable(found.printed))


def late(deadline: float) -> str:
    """Say that nothing came of a run in time."""
    return f"it did not start or end within {deadline:g} s"


def ended_from_outside(status: int | None) -> str:
    """Say that another process ended a run, which proves nothing; "" for other ends."""
    if status not in FROM_OUTSIDE:
        return ""
    return f"another process ended it ({signal_name(status or 0)})"


async def _has_started(monitor: Monitor, process: EmulatorProcess) -> bool:
    try:
        await monitor.connect(process.monitor)
        monitor.send((_STATUS,))
        answer = await monitor.answer()
    except (ConnectError, ProtocolError, EOFError, OSError):
        return False
    return answer is not None and answer.failure is None


def _essence(words: str) -> str:
    """Give what an emulator said, without its own name before each line, warnings last."""
    lines = [line.strip() for line in _OWN_NAME.split(words) if line.strip()]
    lines.sort(key=lambda line: line.startswith("warning: "))
    return " / ".join(dict.fromkeys(lines))


def _why(status: int | None, words: str) -> Outcome:
    said = _essence(words)
    if from_outside := ended_from_outside(status):
        return Outcome(NOT_TRIED, from_outside)
    if status is None:
        return Outcome(NOT_TRIED, said or "it closed its monitor")
    if status < 0:
        return Outcome(REFUSED, f"{said} (killed by {signal_name(status)})".strip())
    return Outcome(REFUSED, said or f"it ended with status {status}")
