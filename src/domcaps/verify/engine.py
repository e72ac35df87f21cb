"""Trying all attempts of targets, as few runs of QEMU as is sound.

Promises are tried together, a dozen in a run: each names all that it uses, so that it does not lean
on what another one brought. A run that starts proves all of them. One that does not is split in
halves until the culprit stands alone, and then every way of telling QEMU is tried. What is not
promised is mostly refused, and is tried alone from the start.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from domcaps.report.drift import known_drifts
from domcaps.verify.result import (
    CHANCE,
    LIE,
    NOT_TRIED,
    REFUSED,
    STARTS,
    Tried,
    TriedVerdict,
    Verification,
)
from domcaps.verify.trying import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from domcaps.language import World
    from domcaps.verify.plan import Attempt
    from domcaps.verify.trying import Trier

TOGETHER = 12
"""How many promises share a run at most: boards have room for some thirty devices."""


async def verify_target(
    world: World,
    attempts: Sequence[Attempt],
    trier: Trier,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Try all attempts for a target; the first is the bare machine.

    `progress` is called with the number of attempts that have just been settled.
    """
    began = time.monotonic()
    run = _Run(world, trier, progress or (lambda _: None))
    found = await run.all(attempts)
    known = {LIE: known_drifts(world, listed=True), CHANCE: known_drifts(world, listed=False)}
    tried = tuple(_tried(attempt, found[attempt.path], known) for attempt in attempts)
    target = world.target
    return Verification(
        target.emulator,
        ".".join(map(str, world.emulator.version)),
        target.arch,
        target.machine,
        target.virttype,
        str(target.dialect),
        tried,
        round(time.monotonic() - began, 2),
    )


def _tried(attempt: Attempt, outcome: Outcome, known: Mapping[str, frozenset[str]]) -> Tried:
    tried = Tried(
        attempt.path,
        attempt.promised,
        outcome.verdict,
        outcome.message,
        " ".join(outcome.added),
    )
    is_known = _is_known(attempt.path, known.get(tried.disagreement, frozenset()))
    return msgspec.structs.replace(tried, known=is_known)


def _is_known(path: str, known: frozenset[str]) -> bool:
    # what an element computes is known by the name of the element
    return bool({path, path.partition(": ")[0], path.partition(" ")[0]} & known)


class _Run:
    """The attempts for one target."""

    def __init__(self, world: World, trier: Trier, progress: Callable[[int], None]) -> None:
        self._world = world
        self._trier = trier
        self._progress = progress
        self._found: dict[str, Outcome] = {}

    async def all(self, attempts: Sequence[Attempt]) -> dict[str, Outcome]:
        """Try the machine, then the rest on top of it."""
        machine, *rest = attempts
        await self._alone(machine)
        base = self._found[machine.path]
        if base.verdict != STARTS:
            for attempt in rest:
                reason = f"the machine itself does not start: {base.message}"
                self._settle(attempt, Outcome(NOT_TRIED, reason))
            return self._found
        shared = [a for a in rest if a.can_share and a.promised]
        single = [a for a in rest if a not in shared]
        # the longest runs come first, so that they don't stand alone at the end
        async with asyncio.TaskGroup() as tasks:
            for number in range(0, len(shared), TOGETHER):
                tasks.create_task(self._together(shared[number : number + TOGETHER]))
            for attempt in single:
                tasks.create_task(self._alone(attempt))
        return self._found

    async def _together(self, attempts: Sequence[Attempt]) -> None:
        if len(attempts) == 1:
            await self._alone(attempts[0])
            return
        outcome = await self._trier.attempt(self._world, [a.alternatives[0] for a in attempts])
        if outcome.verdict == STARTS:
            for attempt in attempts:
                self._settle(attempt, Outcome(STARTS))
            return
        middle = len(attempts) // 2
        await self._together(attempts[:middle])
        await self._together(attempts[middle:])

    async def _alone(self, attempt: Attempt) -> None:
        if not attempt.alternatives:
            verdict: TriedVerdict = REFUSED if attempt.refuted else NOT_TRIED
            self._settle(attempt, Outcome(verdict, attempt.reason))
            return
        outcomes = []
        for alternative in attempt.alternatives:
            outcome = await self._trier.attempt(self._world, [alternative])
            outcomes.append(outcome)
            if outcome.verdict == STARTS:
                break
        self._settle(attempt, _best(outcomes))

    def _settle(self, attempt: Attempt, outcome: Outcome) -> None:
        self._found[attempt.path] = outcome
        self._progress(1)


def _best(outcomes: Iterable[Outcome]) -> Outcome:
    """Give the one that proves most: a start, then the doubt, then the first refusal."""
    order = (STARTS, NOT_TRIED, REFUSED)
    return min(outcomes, key=lambda outcome: order.index(outcome.verdict))
