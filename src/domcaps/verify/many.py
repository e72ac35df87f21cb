"""Verifying several targets at once, within the processors that there are."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from domcaps.errors import RequestError
from domcaps.similar import close_matches
from domcaps.verify.engine import verify_target
from domcaps.verify.plan import is_below, plan
from domcaps.verify.throwaway import throwaway_folder
from domcaps.verify.trying import DEADLINE_SECONDS, QemuTrier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from domcaps.language import World
    from domcaps.verify.plan import Attempt
    from domcaps.verify.result import Verification

    Plan = tuple[Attempt, ...]


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
    seconds that one has to start. `progress` gets the number of finished attempts, and of all.
    Raises `RequestError` for one of `elements` that names nothing. Must not be called from within a
    running event loop.
    """
    plans = [plan(world, elements) for world in worlds]
    for element in elements:
        _require(element, plans, worlds)
    total = sum(map(len, plans))
    settled = 0

    def count(more: int) -> None:
        nonlocal settled
        settled += more
        if progress is not None:
            progress(settled, total)

    async def run() -> tuple[Verification, ...]:
        with throwaway_folder() as folder:
            trier = QemuTrier(jobs or processors(), folder, deadline)
            # one target after the other: the caller learns how long each took
            return tuple(
                [
                    await verify_target(world, attempts, trier, count)
                    for world, attempts in zip(worlds, plans, strict=True)
                ]
            )

    return asyncio.run(run())


def _require(element: str, plans: Sequence[Plan], worlds: Sequence[World]) -> None:
    """Raise where a path stands for nothing that could be tried: it is a typo."""
    if any(is_below(attempt.path, (element,)) for one in plans for attempt in one):
        return
    known = {attempt.path for world in worlds for attempt in plan(world)}
    known |= {path.partition(".")[0] for path in known}
    near = close_matches(element, sorted(known), n=4, cutoff=0.3)
    raise RequestError(
        f"there is nothing to try of {element!r}",
        remedy=f"nearest are {', '.join(near)}" if near else "",
    )


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
