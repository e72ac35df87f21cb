"""Clients of the HTTP service that hold what all share: connections, memory, the queue."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

pytest.importorskip("starlette", reason="starlette is not installed (extra 'http')")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra 'http')")

import uvicorn

from domcaps.serve.http.access import Gate
from domcaps.serve.http.app import make_app
from domcaps.serve.http.questions import TEXT, HttpAnswer, HttpQuestion
from domcaps.serve.http.running import PatientProtocol
from domcaps.serve.http.worker import AnsweringWorker, HttpLimits
from ssh_server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LARGE = 16 << 20
SOON = 8.0


class Hasty(PatientProtocol):
    """The same with little patience."""

    patience = 0.3
    reading_patience = 0.6


class StandIn:
    """In the place of the process that answers: each answer comes when it is allowed."""

    def __init__(self) -> None:
        self.allowed, self.left = asyncio.Event(), asyncio.Event()

    async def answer(self, question: HttpQuestion) -> HttpAnswer:
        try:
            await self.allowed.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return HttpAnswer(200, TEXT, question.domain or b"x" * LARGE)


class Running:
    """A service in this event loop."""

    def __init__(self, port: int, server: uvicorn.Server, worker: StandIn) -> None:
        self.port, self.worker = port, worker
        self._server = server

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 16)

    async def send(self, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.connect()
        writer.write(text.encode())
        return reader, writer

    async def status(self, text: str) -> bytes:
        reader, writer = await self.send(text)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
        writer.close()
        return head


@asynccontextmanager
async def running(limits: HttpLimits) -> AsyncIterator[Running]:
    port, worker = free_port(), StandIn()
    app = make_app(cast("AnsweringWorker", worker), Gate(), limits, {"127.0.0.1"})
    config = uvicorn.Config(
        app, port=port, http=Hasty, ws="none", lifespan="off", log_level="error",
        timeout_keep_alive=1, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    await until(lambda: server.started)
    try:
        yield Running(port, server, worker)
    finally:
        server.should_exit = True
        await serving


def run(
    talk: Callable[[Running], Awaitable[None]],
    limits: HttpLimits = HttpLimits(),  # noqa: B008
) -> None:
    async def all_of_it() -> None:
        async with running(limits) as found:
            await talk(found)

    asyncio.run(all_of_it())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.02)


def posted(domain: str) -> str:
    return (
        "POST /v1/verdicts HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Length: {len(domain)}\r\n\r\n{domain}"
    )


HEALTH = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_a_client_has_little_time_for_its_second_request_too() -> None:
    async def talk(service: Running) -> None:
        reader, writer = await service.send(HEALTH)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        for part in ("GET /", "hea", "lth"):
            writer.write(part.encode())
            await asyncio.sleep(0.1)
        async with asyncio.timeout(SOON):
            assert not await reader.read()
        await until(lambda: not service.connections)

    run(talk)


def test_a_client_that_asks_again_and_again_keeps_its_connection() -> None:
    async def talk(service: Running) -> None:
        reader, writer = await service.connect()
        for _ in range(4):
            writer.write(HEALTH.encode())
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.4)
        writer.close()

    run(talk)


def test_a_client_that_reads_nothing_is_dropped() -> None:
    async def talk(service: Running) -> None:
        service.worker.allowed.set()
        _, writer = await service.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await until(lambda: service.connections == 1)
        await until(lambda: not service.connections)
        writer.close()

    run(talk)


def test_a_client_that_reads_slowly_gets_all() -> None:
    async def talk(service: Running) -> None:
        service.worker.allowed.set()
        reader, writer = await service.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(16):
            await reader.readexactly(LARGE // 16)
            await asyncio.sleep(0.1)
        writer.close()

    run(talk)


def test_the_question_of_a_client_that_left_leaves_the_queue() -> None:
    async def talk(service: Running) -> None:
        _, writer = await service.send(posted("<domain/>"))
        await asyncio.sleep(0.2)
        assert not service.worker.left.is_set()
        writer.close()
        await asyncio.wait_for(service.worker.left.wait(), SOON)

    run(talk)


def test_domains_that_wait_have_a_limit_together() -> None:
    async def talk(service: Running) -> None:
        reader, writer = await service.send(posted("x" * 800))
        await asyncio.sleep(0.2)
        refused = await service.status(posted("y" * 800))
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in refused.lower()
        service.worker.allowed.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        # what was answered takes no room, nor does what was refused
        for _ in range(3):
            assert (await service.status(posted("z" * 800))).startswith(b"HTTP/1.1 200")

    run(talk, HttpLimits(domains=1000))


def test_a_client_that_leaves_while_it_sends_makes_no_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def talk(service: Running) -> None:
        chunked = (
            "POST /v1/accepts HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert (await service.status(f"{chunked}ZZ\r\n")).startswith(b"HTTP/1.1 400")
        _, writer = await service.send(f"{chunked}5\r\n<doma\r\n")
        await asyncio.sleep(0.2)
        writer.close()
        await until(lambda: not service.connections)

    run(talk)
    assert "Traceback" not in capfd.readouterr().err


def test_nobody_is_led_to_another_host() -> None:
    async def talk(service: Running) -> None:
        head = await service.status("GET /v1/hosts/ HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404")

    run(talk)
