"""The QMP connection, against a peer in the same process."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import pytest
from qemu.qmp import ConnectError
from qemu.qmp.error import ProtocolError

from domcaps.facts.qmp import Monitor
from domcaps.facts.question import ask

if TYPE_CHECKING:
    from domcaps.facts.record import Answer

GREETING = b'{"QMP": {"version": {}, "capabilities": []}}\r\n'
READY = b'{"return": {}}\r\n'
QUESTIONS = [ask(f"query-{name}", value=name) for name in ("a", "b", "c")]

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Peer = Callable[[Reader, Writer], Awaitable[None]]
Use = Callable[[Monitor], Awaitable[Any]]


def talk(peer: Peer, use: Use) -> Any:
    """Connect to a peer that has greeted, and give what `use` gives."""

    async def run() -> Any:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        monitor = Monitor()

        async def serve() -> None:
            writer.write(GREETING)
            await reader.readline()
            writer.write(READY)
            await peer(reader, writer)
            writer.close()

        serving = asyncio.create_task(serve())
        await monitor.connect(ours)
        try:
            return await asyncio.wait_for(use(monitor), 10)
        finally:
            serving.cancel()
            with pytest.raises((EOFError, OSError)):
                await monitor.close()
                raise EOFError
            writer.close()

    return asyncio.run(run())


async def commands(reader: Reader, count: int) -> list[dict[str, Any]]:
    return [msgspec.json.decode(await reader.readline()) for _ in range(count)]


async def ask_three(monitor: Monitor) -> list[Answer | None]:
    monitor.send(QUESTIONS)
    return [await monitor.answer() for _ in QUESTIONS]


def test_questions_are_in_flight_together() -> None:
    async def peer(reader: Reader, writer: Writer) -> None:
        seen = await commands(reader, 3)
        # nothing was answered yet, and all three are here
        for command in seen:
            writer.write(msgspec.json.encode({"id": command["id"], "return": command}) + b"\n")
        await reader.read()

    answers = talk(peer, ask_three)
    assert [answer.question for answer in answers] == QUESTIONS
    sent = [msgspec.json.decode(answer.reply) for answer in answers]
    assert [(s["execute"], s["arguments"]) for s in sent] == [
        (q.command, q.decoded_arguments()) for q in QUESTIONS
    ]


def test_answers_may_come_in_any_order() -> None:
    async def peer(reader: Reader, writer: Writer) -> None:
        for command in reversed(await commands(reader, 3)):
            writer.write(b'{"return": 1, "id": %d}\n' % command["id"])
        await reader.read()

    answers = talk(peer, ask_three)
    assert [answer.question for answer in answers] == QUESTIONS[::-1]


def test_outstanding_questions_are_known_at_the_end() -> None:
    async def peer(reader: Reader, writer: Writer) -> None:
        first, *_ = await commands(reader, 3)
        writer.write(b'{"return": 1, "id": %d}\n' % first["id"])

    async def use(monitor: Monitor) -> Any:
        monitor.send(QUESTIONS)
        answers = [await monitor.answer(), await monitor.answer()]
        return answers, list(monitor.outstanding.values())

    answers, outstanding = talk(peer, use)
    assert answers[0].question == QUESTIONS[0]
    assert answers[1] is None
    assert outstanding == QUESTIONS[1:]


@pytest.mark.parametrize(
    "said", [b"nonsense\n", b"[1]\n", b'{"return": 1}\n', b'{"id": 1}\n', b'{"id": "x"}\n']
)
def test_what_is_not_qmp_ends_the_connection(said: bytes) -> None:
    async def peer(reader: Reader, writer: Writer) -> None:
        await commands(reader, 3)
        writer.write(said)
        await reader.read()

    async def use(monitor: Monitor) -> str:
        monitor.send(QUESTIONS)
        assert await monitor.answer() is None
        with pytest.raises(ProtocolError) as caught:
            await monitor.disconnect()
        return str(caught.value)

    assert talk(peer, use)


def test_no_greeting() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(b'{"event": "HELLO"}\n')
            with pytest.raises(ConnectError) as caught:
                await Monitor().connect(ours)
        assert isinstance(caught.value.exc, ProtocolError)

    asyncio.run(run())


def test_messages_are_not_formatted_for_a_log(caplog: pytest.LogCaptureFixture) -> None:
    async def peer(reader: Reader, writer: Writer) -> None:
        for command in await commands(reader, 3):
            writer.write(b'{"return": "%s", "id": %d}\n' % (b"x" * 9999, command["id"]))
        await reader.read()

    with caplog.at_level(logging.DEBUG, "qemu.qmp"):
        talk(peer, ask_three)
    assert all("xxx" not in record.getMessage() for record in caplog.records)


def test_cancelled_while_it_closes_it_leaves_nothing_behind() -> None:
    complaints: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        monitor = Monitor()
        writer.write(GREETING + READY)
        await monitor.connect(ours)
        await reader.readline()
        writer.close()
        assert await monitor.answer() is None
        closing = asyncio.create_task(monitor.close())
        for _ in range(2):
            await asyncio.sleep(0)
            closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(run())
    gc.collect()
    assert complaints == []
