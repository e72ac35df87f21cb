"""Tasks that are ended leave nothing behind that asyncio would print."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest

from domcaps.facts.tasks import end, to_its_end


async def _stubborn(seconds: float) -> None:
    """Take a moment to end."""
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(seconds)


async def _failing() -> None:
    raise ValueError("of no interest")


def test_tasks_are_ended_whatever_becomes_of_them() -> None:
    async def run() -> list[bool]:
        tasks = [asyncio.create_task(_stubborn(0.01)), asyncio.create_task(_failing())]
        await asyncio.sleep(0)
        await end(tasks)
        await end([])
        return [task.done() for task in tasks]

    assert asyncio.run(run()) == [True, True]


@pytest.mark.filterwarnings("error")
def test_nothing_is_printed_when_whoever_waits_is_cancelled() -> None:
    printed: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: printed.append(what))
        tasks = [asyncio.create_task(_stubborn(0.05)), asyncio.create_task(_failing())]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(end(tasks))
        for _ in range(3):
            await asyncio.sleep(0)
            waiting.cancel()
        await asyncio.wait([waiting, *tasks])
        gc.collect()

    asyncio.run(run())
    gc.collect()
    assert [what for what in printed if "GatheringFuture" in str(what)] == []


def test_what_must_not_be_left_half_way_is_not() -> None:
    done: list[str] = []

    def stubborn() -> None:
        time.sleep(0.1)
        done.append("whole")

    async def run() -> None:
        waiting = asyncio.create_task(to_its_end(asyncio.to_thread(stubborn)))
        for _ in range(3):
            await asyncio.sleep(0.01)
            waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert done == ["whole"]

    asyncio.run(run())


def test_what_goes_wrong_on_the_way_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(to_its_end(asyncio.to_thread(lambda: print(1 // 0))))
