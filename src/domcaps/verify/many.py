"""Verifying several targets at once, within the processors that there are."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from domcaps.verify.engine import verify_target
from domcaps.verify.plan import plan
from domcaps.verify.trying import DEADLINE_SECONDS, QemuTrier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from domcaps.language import World
    from domcaps.verify.result import Verification


def verify_all(
    worlds: Sequence[World],
    *,
    elements: Collection[str] = (),
    jobs: int | None = None,
    deadline: float = DEADLINE_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Verification, ...]:
    """Try everything for each of the targets; see `domcaps.verify.plan` for `elements`.

    `jobs` is the number of machines at once, by default that of the processors; `deadline` the
    seconds that one has to start. `progress` is told how many attempts are settled, and how many
    there are. Must not be called from within a running event loop.
    """
    plans = [plan(world, elements) for world in worlds]
    total = sum(map(len, plans))
    settled = 0

    def count(more: int) -> None:
        nonlocal settled
        settled += more
        if progress is not None:
            progress(settled, total)

    async def run() -> tuple[Verification, ...]:
        trier = QemuTrier(jobs or processors(), deadline)
        # one target after the other: it is told how long each took
        return tuple(
            [
                await verify_target(world, attempts, trier, count)
                for world, attempts in zip(worlds, plans, strict=True)
            ]
        )

    return asyncio.run(run())


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
