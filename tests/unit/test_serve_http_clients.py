"""Clients of the HTTP service that hold what all share: connections, memory, the queue."""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

pytest.importorskip("starlette", reason="starlette is not installed (extra 'http')")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (extra 'http')")

import msgspec
import uvicorn

from domcaps.serve.http.access import Gate
from domcaps.serve.http.app import make_app
from domcaps.serve.http.limits import HttpLimits
from domcaps.serve.http.protocol import protocol_with
from domcaps.serve.http.questions import TEXT, HttpAnswer, HttpQuestion
from domcaps.serve.http.running import with_files_for
from ssh_server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from domcaps.serve.http.worker import AnsweringWorker

LARGE = 16 << 20
SOON = 8.0


class Block(bytes):
    """The bytes of an answer, counted as long as anybody holds them."""

    alive = 0

    def __init__(self, _: bytes) -> None:
        Block.alive += 1

    def __del__(self) -> None:
        Block.alive -= 1


class StandIn:
    """In the place of the process that answers: each answer comes when it is allowed."""

    def __init__(self) -> None:
        self.allowed, self.left = asyncio.Event(), asyncio.Event()

    async def answer(self, question: HttpQuestion, _client: str = "") -> HttpAnswer:
        try:
            await self.allowed.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return HttpAnswer(200, TEXT, Block(question.domain or b"x" * LARGE))


class Running:
    """A service in this event loop."""

    def __init__(self, port: int, server: uvicorn.Server, worker: StandIn) -> None:
        self.port, self.worker = port, worker
        self._server = server

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    async def connect(self, room: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, with a system that keeps so many bytes until they are read."""
        one = socket.socket()
        if room:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=one, limit=1 << 16)

    async def send(
        self, text: str, room: int = 0
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.connect(room)
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
    hasty = msgspec.structs.replace(limits, receive_seconds=0.3, reading_seconds=0.6)
    app = make_app(cast("AnsweringWorker", worker), Gate(), limits, {"127.0.0.1"})
    config = uvicorn.Config(
        app, port=port, http=protocol_with(hasty), ws="none", lifespan="off", log_level="error",
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


def test_answers_that_are_not_read_have_a_limit_together() -> None:
    async def talk(service: Running) -> None:
        service.worker.allowed.set()
        held = [await service.send(posted("x" * 8_000_000), 4096) for _ in range(6)]
        heads = [await asyncio.wait_for(r.readuntil(b"\r\n\r\n"), SOON) for r, _ in held]
        assert sum(head.startswith(b"HTTP/1.1 200") for head in heads) == 2
        assert all(b"retry-after" in head for head in heads if not head.startswith(b"HTTP/1.1 200"))
        # a small answer has its place in any case
        assert (await service.status(posted("small"))).startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()
        await until(lambda: not service.connections)
        assert (await service.status(posted("y" * 8_000_000))).startswith(b"HTTP/1.1 200")

    run(talk, HttpLimits(answers=17_000_000))


def test_a_client_that_reads_a_few_bytes_now_and_then_is_dropped() -> None:
    async def talk(service: Running) -> None:
        service.worker.allowed.set()
        reader, writer = await service.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 4096)
        await until(lambda: service.connections == 1)
        started = time.monotonic()
        while service.connections:
            await reader.read(1000)
            await asyncio.sleep(0.1)
            assert time.monotonic() - started < SOON
        writer.close()

    run(talk, HttpLimits(reading_rate=16 << 20))


def test_unread_answers_are_given_back_when_the_connection_ends() -> None:
    async def talk(service: Running) -> None:
        service.worker.allowed.set()
        held = []
        gc.disable()
        try:
            for _ in range(4):
                held.append(await service.send(posted("x" * (6 << 20)), 4096))  # noqa: PERF401
            for reader, _ in held:
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
            assert Block.alive >= 4
            for _, writer in held:
                writer.transport.abort()
            await until(lambda: not Block.alive)
        finally:
            gc.enable()

    run(talk)


def test_a_request_that_is_answered_before_its_end_is_not_read_to_it() -> None:
    async def talk(service: Running) -> None:
        for path in ("/health", "/v1/hosts", "/no/such"):
            reader, writer = await service.send(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            service.worker.allowed.set()
            # the client goes on sending, and gets the answer all the same
            for _ in range(50):
                writer.write(b"1\r\na\r\n" * 100)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
            assert b"connection: close" in head
            await asyncio.wait_for(reader.read(), SOON)
            writer.close()
        await until(lambda: not service.connections)

    run(talk)


@pytest.mark.parametrize(
    "text",
    [
        (
            "POST /v1/accepts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "a" * 30_000 + "\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X: a\r\n" * 4_000 + "\r\n",
        "POST /v1/accepts HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "1\r\na\r\n" * 2000,
        "GET / HTTP/9\r\n\r\n",
    ],
    ids=["two lengths", "long header", "many headers", "small chunks", "no HTTP"],
)
def test_a_request_that_is_refused_gets_json_and_its_connection_ends(text: str) -> None:
    async def talk(service: Running) -> None:
        reader, writer = await service.send(text + HEALTH)
        found = await asyncio.wait_for(reader.read(), SOON)
        head, _, body = found.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert msgspec.json.decode(body)["error"]["message"]
        writer.close()

    run(talk)


def test_silent_clients_that_have_all_connections_do_not_silence_the_service() -> None:
    async def talk(service: Running) -> None:
        held = [await service.connect() for _ in range(20)]
        await until(lambda: service.connections >= 20)
        reader, writer = await service.connect()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
        assert head.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in head
        assert msgspec.json.decode(await reader.read())["error"]["message"]
        for _, one in [*held, (reader, writer)]:
            one.close()
        await until(lambda: not service.connections)
        assert (await service.status(HEALTH)).startswith(b"HTTP/1.1 200")

    run(talk, HttpLimits(connections=20))


def test_connections_fit_the_limit_of_open_files(caplog: pytest.LogCaptureFixture) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert with_files_for(HttpLimits()).connections == 1000
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert not caplog.records
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(resource, "getrlimit", lambda _: (1024, 1024))
        assert with_files_for(HttpLimits()).connections == 824
    assert "open files" in caplog.text
