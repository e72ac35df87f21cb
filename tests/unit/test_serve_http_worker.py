"""The process that answers questions of the HTTP service: each question gets its own answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.serve.http import worker as worker_module
from domcaps.serve.http.questions import TEXT, HttpAnswer, HttpQuestion
from domcaps.serve.http.worker import AnsweringWorker, HttpLimits

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    import pytest


def echo(pipe: Connection, *_: Any) -> None:
    """Answer each question with its name, a while after it came."""
    while True:
        question = msgspec.msgpack.decode(pipe.recv_bytes(), type=HttpQuestion)
        time.sleep(0.3)
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
