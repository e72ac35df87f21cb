"""The process that answers questions of the HTTP service: each question gets its own answer."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from domcaps.errors import FleetError
from domcaps.serve.http import worker as worker_module
from domcaps.serve.http.limits import HttpLimits
from domcaps.serve.http.questions import TEXT, Fleets, HttpAnswer, HttpQuestion
from domcaps.serve.http.turns import Turns
from domcaps.serve.http.worker import AnsweringWorker, _answered, _KeptAnswers

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from domcaps.fleet.fleet import Fleet


def echo(pipe: Connection, *_: Any) -> None:
    """Answer each question with its name, a while after it came."""
    while True:
        question = msgspec.msgpack.decode(pipe.recv_bytes(), type=HttpQuestion)
        time.sleep(0.3)
        answer = HttpAnswer(200, TEXT, question.name.encode())
        pipe.send_bytes(msgspec.msgpack.encode(answer))


def take_as_long_as_said(pipe: Connection, *_: Any) -> None:
    """Answer a question after as many seconds as its name says."""
    while True:
        question = msgspec.msgpack.decode(pipe.recv_bytes(), type=HttpQuestion)
        time.sleep(float(question.name))
        answer = HttpAnswer(200, TEXT, question.name.encode())
        pipe.send_bytes(msgspec.msgpack.encode(answer))


def read_nothing(*_: Any) -> None:
    """Stand still, as a process that is still starting."""
    time.sleep(600)


def test_a_cancelled_request_does_not_shift_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_work", echo)

    async def ask() -> list[HttpAnswer]:
        worker = AnsweringWorker("", (), HttpLimits())
        try:
            await worker.answer(HttpQuestion("warm"))
            left = asyncio.ensure_future(worker.answer(HttpQuestion("left")))
            await asyncio.sleep(0.1)
            left.cancel()
            return [await worker.answer(HttpQuestion(name)) for name in ("first", "second")]
        finally:
            worker.close()

    answers = asyncio.run(ask())
    assert [(one.status, one.data) for one in answers] == [(200, b"first"), (200, b"second")]


def test_a_request_that_is_cancelled_while_it_waits_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "_work", echo)

    async def ask() -> HttpAnswer:
        worker = AnsweringWorker("", (), HttpLimits(waiting=2))
        try:
            first = asyncio.ensure_future(worker.answer(HttpQuestion("first")))
            left = asyncio.ensure_future(worker.answer(HttpQuestion("left")))
            await asyncio.sleep(0)
            left.cancel()
            await asyncio.wait({left})
            # the queue, which has two places, has one for this
            last = await worker.answer(HttpQuestion("last"))
            assert (await first).data == b"first"
            return last
        finally:
            worker.close()

    assert asyncio.run(ask()).data == b"last"


def test_a_worker_that_reads_nothing_does_not_stop_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "_work", read_nothing)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.05)
            turns += 1

    async def ask() -> HttpAnswer:
        worker = AnsweringWorker("", (), HttpLimits(seconds=1.0))
        counting = asyncio.ensure_future(count())
        try:
            return await worker.answer(HttpQuestion("accepts", domain=b" " * (8 << 20)))
        finally:
            counting.cancel()
            worker.close()

    assert asyncio.run(ask()).status == 504
    assert turns > 3


def test_a_process_that_can_not_be_started_is_an_answer_and_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "_work", echo)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.05)
            turns += 1

    def start(_: BaseProcess) -> None:
        # so long may it take until the new process reads what it is given
        time.sleep(0.5)
        raise BlockingIOError(11, "no more processes")

    async def ask() -> list[HttpAnswer]:
        worker = AnsweringWorker("", (), HttpLimits())
        counting = asyncio.ensure_future(count())
        try:
            with monkeypatch.context() as patched:
                patched.setattr(worker_module._CONTEXT.Process, "start", start)
                refused = await worker.answer(HttpQuestion("refused"))
            assert turns > 3
            return [refused, await worker.answer(HttpQuestion("next"))]
        finally:
            counting.cancel()
            worker.close()

    refused, answered = asyncio.run(ask())
    assert refused.status == 500
    assert (answered.status, answered.data) == (200, b"next")


def fleet_of(name: str, latest: dict[str, str]) -> Any:
    return SimpleNamespace(store=SimpleNamespace(latest=lambda: latest), name=name, unread=())


def test_a_store_that_can_not_be_opened_for_a_while_is_opened_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    latest = {"node": "1"}
    opened: list[Fleet | Exception] = [
        fleet_of("first", latest), fleet_of("second", latest), PermissionError(13, "no"),
        fleet_of("third", latest),
    ]  # fmt: skip

    def next_one() -> Fleet:
        found = opened.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    fleets = Fleets(next_one)
    assert fleets.refresh()
    latest = {"node": "2"}
    found: Any = fleets.fleet
    found.store.latest = lambda: latest
    with pytest.raises(PermissionError):
        fleets.refresh()
    assert fleets.refresh()
    found = fleets.fleet
    assert found.name == "third"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FleetError("no such store"), "no such store"),
        (OSError(5, "Input/output error"), "the log of the service"),
        (KeyError("a"), "the log of the service"),
        (RecursionError(), "the log of the service"),
    ],
)
def test_an_error_of_one_question_does_not_end_the_process(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleets = Fleets(lambda: fleet_of("a", {}))
    kept = _KeptAnswers(fleets)

    def answer(_: HttpQuestion) -> HttpAnswer:
        raise error

    monkeypatch.setattr(fleets, "answer", answer)
    found = _answered(kept, HttpQuestion("hosts"))
    assert found.status == 500
    assert message in found.data.decode()


def test_clients_with_long_questions_do_not_hold_up_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_work", take_as_long_as_said)

    async def ask() -> float:
        worker = AnsweringWorker("", (), HttpLimits(quick_seconds=0.2))
        try:
            for client in ("a", "b"):
                await worker.answer(HttpQuestion("0"), client)
            heavy = [
                asyncio.ensure_future(worker.answer(HttpQuestion("3"), "heavy")) for _ in range(9)
            ]
            await asyncio.sleep(0.5)
            started = time.monotonic()
            for client in ("a", "b", "a"):
                answer = await worker.answer(HttpQuestion("0.01"), client)
                assert answer.data == b"0.01"
            for one in heavy:
                one.cancel()
            return time.monotonic() - started
        finally:
            worker.close()

    # the new process has to start
    assert asyncio.run(ask()) < 2.5


def test_clients_take_turns() -> None:
    async def order() -> list[str]:
        turns, served = Turns((1,), 1.0), []

        async def one(client: str) -> None:
            process = await turns.take(client)
            served.append(client)
            await asyncio.sleep(0)
            turns.free(process)

        await asyncio.gather(*(one(client) for client in "aaaaabbc"))
        return served

    assert asyncio.run(order()) == list("aabcabaa")


def test_a_turn_that_nobody_wants_any_more_is_given_to_others() -> None:
    async def talk() -> None:
        turns = Turns((1,), 1.0)
        assert await turns.take("a") == 1
        left = asyncio.ensure_future(turns.take("b"))
        last = asyncio.ensure_future(turns.take("c"))
        await asyncio.sleep(0)
        # in the same moment it is given the process, and leaves
        turns.free(1)
        left.cancel()
        async with asyncio.timeout(5):
            assert await last == 1

    asyncio.run(talk())
