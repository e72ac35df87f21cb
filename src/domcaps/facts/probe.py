"""Starting emulators and asking them: how a record of an emulator comes about.

::

    [record] = probe(["/usr/bin/qemu-system-x86_64"], questions, kvm=True)

Each emulator is asked once with the accelerator, where there is one, and once with TCG, side by
side. The second time only that is asked whose answers differ: CPU models and machine types.

What asks is imported when it is needed: asyncio and `qemu.qmp` take longer to load than most
answers from a recording take to compute. A single emulator starts meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from domcaps.errors import ProbeError
from domcaps.facts.asked import HeadStart, start_asked
from domcaps.facts.open_files import require_open_files
from domcaps.facts.unprivileged import MSHV

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Sequence

    from domcaps.facts.asked import Start
    from domcaps.facts.plan import Questions
    from domcaps.facts.record import EmulatorRecord

DEADLINE_SECONDS = 60.0
"""Time for all questions to one emulator with one accelerator."""

QUESTION_DEADLINE_SECONDS = 10.0
"""Time for one question; the slowest one takes QEMU about 0.03 s."""


def accelerators(*, kvm: bool) -> tuple[str, ...]:
    """Name the accelerators to ask with on this system; `kvm` says that KVM can be used.

    With neither, a Linux that has Hyper-V below it may serve guests through that: its device is
    enough to ask, since QEMU tells whether it can use it.
    """
    if kvm:
        return ("kvm", "tcg")
    if os.access(MSHV, os.R_OK | os.W_OK):
        return ("mshv", "tcg")
    return ("hvf", "tcg") if sys.platform == "darwin" else ("tcg",)


async def probe_emulator(
    path: str,
    questions: Questions,
    *,
    accelerators: Sequence[str],
    inventory: bool = False,
    deadline: float = DEADLINE_SECONDS,
    question_deadline: float = QUESTION_DEADLINE_SECONDS,
    slots: asyncio.Semaphore | None = None,
    start: Start = start_asked,
) -> EmulatorRecord:
    """Ask the emulator at `path` with each of the accelerators, the most important one first.

    `questions` come on top of what is always asked (see `domcaps.facts.plan`); a function that
    gives them is called in a thread while the emulator starts. With `inventory` the properties of
    every device type are asked, too. `deadline` and `question_deadline` are in seconds, for one
    accelerator and for one question. `slots` limits how many processes run at once, `start` starts
    them.
    Nothing that was started is left behind when it returns, raises or is cancelled.

    A first accelerator that turns out not to be usable is replaced by TCG. A second one that can't
    be asked is recorded with its failure. Raises the `ProbeError` that tells why when the emulator
    can't be asked at all.
    """
    from domcaps.facts.sessions import ProbeLimits, ask_with_each

    limits = ProbeLimits(deadline, question_deadline)
    return await ask_with_each(
        path,
        questions if callable(questions) else tuple(questions),
        tuple(accelerators),
        inventory=inventory,
        limits=limits,
        slots=slots,
        start=start,
    )


def probe(
    paths: Iterable[str],
    questions: Questions,
    *,
    kvm: bool,
    inventory: bool = False,
    jobs: int | None = None,
    progress: Callable[[str, EmulatorRecord | ProbeError], None] | None = None,
) -> list[EmulatorRecord | ProbeError]:
    """Ask several emulators at once, and give a record or the reason why not for each, in order.

    `questions` are as in `probe_emulator`.
    `jobs` is the number of processes that run at once; by default that of the processors that may
    be used, at least two. `progress` is called with each path and its result as it comes in.
    Must not be called from within a running event loop: await `probe_emulator` there.
    """
    wanted = list(paths)
    asked = questions if callable(questions) else frozenset(questions)
    require_open_files()
    with contextlib.ExitStack() as running:
        start = start_asked
        if len(wanted) == 1 and jobs != 1:
            start = running.enter_context(
                contextlib.closing(HeadStart(wanted[0], accelerators(kvm=kvm)))
            ).start
        return _probe_all(
            wanted, asked, kvm=kvm, inventory=inventory, jobs=jobs, progress=progress, start=start
        )


def _probe_all(
    wanted: list[str],
    asked: Questions,
    *,
    kvm: bool,
    inventory: bool,
    jobs: int | None,
    progress: Callable[[str, EmulatorRecord | ProbeError], None] | None,
    start: Start,
) -> list[EmulatorRecord | ProbeError]:
    import asyncio

    from domcaps.facts.tasks import end

    async def ask_all() -> list[EmulatorRecord | ProbeError]:
        slots = asyncio.Semaphore(jobs or max(2, _processors()))

        async def ask_one(path: str) -> EmulatorRecord | ProbeError:
            result: EmulatorRecord | ProbeError
            try:
                result = await probe_emulator(
                    path,
                    asked,
                    accelerators=accelerators(kvm=kvm),
                    inventory=inventory,
                    slots=slots,
                    start=start,
                )
            except ProbeError as error:
                result = error
            if progress is not None:
                progress(path, result)
            return result

        tasks = [asyncio.create_task(ask_one(path)) for path in wanted]
        try:
            return [await task for task in tasks]
        finally:
            # `asyncio.gather` is done with the first task that Ctrl-C ends, and leaves the others
            # to be torn out of closing their monitors
            await end(tasks)

    return asyncio.run(ask_all())


def _processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
