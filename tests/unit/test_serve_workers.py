"""Whose call is made next, what is held for whom, and what is remembered: without a server."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
from domcaps.serve.answers import Answers
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.hosts import RecordingFolder
from domcaps.serve.ledger import LITTLE, Ledger
from domcaps.serve.limits import ServerLimits
from domcaps.serve.sockets import client_of
from domcaps.serve.workers.call import LARGE, LOWER, LOWEST, WorkerLostError
from domcaps.serve.workers.pool import WorkerPool
from domcaps.serve.workers.usage import Clients, Usage
from fakes import emulator_record

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = ServerLimits(quick=2, long=1, waiting=2, slice_seconds=0.05, workers_memory=1000)
SHORT, LONG, WAITING, GROWING = b"s", b"l", b"w", b"g"


class FakeWorker:
    """A worker that is as slow as a call wants it."""

    can_be_stopped = True
    started = 0

    def __init__(self) -> None:
        type(self).started += 1
        self.request = b""
        self.back = self.calls = 0
        self.client: Usage | None = None
        self.is_lost = False
        self.held = 0
        self._began = time.monotonic()
        self._answer: asyncio.Future[bytes] | None = None

    async def ask(self, request: bytes) -> bytes:
        if self.is_lost:
            raise WorkerLostError("it was stopped before")
        self.request = request[:1]
        self._began = time.monotonic()
        self._answer = asyncio.get_running_loop().create_future()
        if self.request == SHORT:
            return b"short"
        return await self._answer

    def finish(self) -> None:
        assert self._answer is not None
        self._answer.set_result(b"finished")

    def stop(self, reason: str, code: ErrorNumber = ErrorNumber.OPERATION_FAILED) -> None:
        self.is_lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerLostError(reason, code))

    def level(self) -> int:
        return self.back

    def step_back(self, level: int) -> None:
        self.back = max(self.back, level)

    def times(self) -> tuple[float, float]:
        return (0.0 if self.request == WAITING else time.monotonic() - self._began), 0.0

    def growth(self) -> int:
        return 2000 if self.request == GROWING else self.held


class Pool:
    """A pool of fake workers."""

    def __init__(self, limits: ServerLimits = LIMITS) -> None:
        self.workers: list[FakeWorker] = []
        self.pool = WorkerPool(self._start, limits)

    async def _start(self, is_spare: bool) -> FakeWorker:
        del is_spare
        self.workers.append(FakeWorker())
        return self.workers[-1]

    def ask(self, request: bytes, usage: Usage | None = None) -> asyncio.Task[bytes]:
        return asyncio.ensure_future(self.pool.run(usage or Usage(), request))


async def in_time(task: asyncio.Task[bytes]) -> bytes:
    async with asyncio.timeout(2):
        return await task


def test_quick_calls_go_on_however_many_long_ones_there_are() -> None:
    async def main() -> None:
        pool = Pool()
        long = [pool.ask(LONG) for _ in range(8)]
        await asyncio.sleep(0.1)
        for _ in range(20):
            assert await in_time(pool.ask(SHORT)) == b"short"
        assert not any(task.done() for task in long)
        await pool.pool.stop()

    asyncio.run(main())


def test_a_long_call_that_was_stopped_is_made_again() -> None:
    async def main() -> None:
        pool = Pool()
        first, second = pool.ask(LONG), pool.ask(LONG)
        await asyncio.sleep(0.2)
        assert not first.done()
        assert not second.done()
        for task in (first, second):
            running = [w for w in pool.workers if w._answer and not w._answer.done()]
            assert len(running) == 1
            running[0].finish()
            del task
            await asyncio.sleep(0.1)
        assert (await in_time(first), await in_time(second)) == (b"finished", b"finished")

    asyncio.run(main())


def test_calls_that_wait_for_another_program_take_no_place_of_others() -> None:
    async def main() -> None:
        pool = Pool()
        waiting = [pool.ask(WAITING) for _ in range(2)]
        await asyncio.sleep(0.15)
        long = pool.ask(LONG)
        await asyncio.sleep(0.15)
        assert await in_time(pool.ask(SHORT)) == b"short"
        assert not any(task.done() for task in (*waiting, long))
        await pool.pool.stop()

    asyncio.run(main())


def test_a_large_call_and_one_of_a_busy_client_begin_as_long_ones() -> None:
    async def main() -> None:
        pool = Pool()
        busy = Usage()
        busy.add(100.0)
        tasks = [pool.ask(LONG), pool.ask(LONG + bytes(LARGE)), pool.ask(LONG, busy)]
        await asyncio.sleep(0.02)
        # one quick, one long; the other has to wait
        assert len(pool.workers) == 2
        assert sorted(worker.back for worker in pool.workers) == [0, LOWER]
        for task in tasks:
            task.cancel()
        await pool.pool.stop()

    asyncio.run(main())


def test_of_long_calls_that_of_the_client_with_the_least_usage_is_next() -> None:
    async def main() -> None:
        pool = Pool()
        pool.ask(LONG + bytes(LARGE))
        await asyncio.sleep(0.01)
        much, little = Usage(), Usage()
        much.add(50.0)
        little.add(10.0)
        later, sooner = pool.ask(LONG, much), pool.ask(LONG, little)
        await asyncio.sleep(0.01)
        for expected in (sooner, later):
            running = [w for w in pool.workers if w._answer and not w._answer.done()]
            running[0].finish()
            await asyncio.sleep(0.02)
            running = [w for w in pool.workers if w._answer and not w._answer.done()]
            if expected is sooner:
                running[0].finish()
                await asyncio.sleep(0.02)
                assert sooner.done()
                assert not later.done()
                break
        later.cancel()
        await pool.pool.stop()

    asyncio.run(main())


def test_the_call_that_takes_the_most_memory_is_stopped() -> None:
    async def main() -> None:
        pool = Pool()
        other = pool.ask(WAITING)
        with pytest.raises(LibvirtError) as caught:
            await in_time(pool.ask(GROWING))
        assert caught.value.code == ErrorNumber.NO_MEMORY
        assert not other.done()
        await pool.pool.stop()

    asyncio.run(main())


def test_a_worker_that_ends_is_an_error_of_its_call_alone() -> None:
    async def main() -> None:
        pool = Pool()
        lost, other = pool.ask(WAITING), pool.ask(WAITING)
        await asyncio.sleep(0.01)
        pool.workers[0].stop("its worker ended", ErrorNumber.INTERNAL_ERROR)
        with pytest.raises(LibvirtError, match="its worker ended"):
            await in_time(lost)
        pool.workers[1].finish()
        assert await in_time(other) == b"finished"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "ends"), [(TimeoutError("it takes long"), False), (OSError("it is gone"), True)]
)
def test_a_worker_that_starts_late_ends_its_call_and_not_the_server(
    error: OSError, ends: bool
) -> None:
    async def main() -> None:
        pool = Pool()

        async def fail(_: bool) -> FakeWorker:
            raise error

        pool.pool._start = fail
        with pytest.raises(LibvirtError, match="no worker can be started"):
            await in_time(pool.ask(SHORT))
        assert pool.pool.broken.is_set() == ends

    asyncio.run(main())


def test_idle_workers_stay_unless_they_grew_where_memory_is_needed() -> None:
    async def main() -> None:
        pool = Pool()
        small, large = FakeWorker(), FakeWorker()
        small.held, large.held = 14 << 20, 40 << 20
        pool.pool._idle += [small, large]
        assert pool.pool._stop_grown()
        assert large.is_lost and not small.is_lost
        assert pool.pool._idle == [small]
        assert not pool.pool._stop_grown()

    asyncio.run(main())


# -- the ledger ------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["with its answer", "while it is idle"])
def test_a_worker_that_was_stopped_makes_no_further_call(when: str) -> None:
    async def main() -> None:
        pool = Pool()
        first = pool.ask(LONG)
        await asyncio.sleep(0.01)
        worker = pool.workers[0]
        worker.finish()
        if when == "while it is idle":
            assert await in_time(first) == b"finished"
        worker.stop("it is made again later")
        assert await in_time(first) == b"finished"
        assert await in_time(pool.ask(SHORT)) == b"short"
        await pool.pool.stop()

    asyncio.run(main())


def test_who_holds_the_most_makes_room() -> None:
    async def main() -> None:
        ledger = Ledger(1_000_000, 600_000)
        closed: list[str] = []

        def close(reason: str) -> None:
            closed.append(reason)
            large.end()

        large = ledger.account(close)
        small, other = ledger.account(closed.append), ledger.account(closed.append)
        await large.take(500_000)
        await small.take(200_000)
        async with asyncio.timeout(5):
            await other.take(100_000)
        assert len(closed) == 1
        assert "500000 bytes" in closed[0]
        assert ledger.held == 300_000

    asyncio.run(main())


def test_a_client_at_its_own_limit_waits_and_harms_nobody() -> None:
    async def main() -> None:
        ledger = Ledger(1_000_000, 100_000)
        account, other = ledger.account(pytest.fail), ledger.account(pytest.fail)
        await account.take(90_000)
        waiting = asyncio.ensure_future(account.take(20_000))
        await other.take(50_000)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        account.give(90_000)
        await asyncio.wait_for(waiting, 1)
        assert ledger.held == 70_000

    asyncio.run(main())


def test_a_quarter_is_there_for_those_that_hold_little() -> None:
    async def main() -> None:
        ledger = Ledger(16 * LITTLE, 16 * LITTLE)
        large, small = ledger.account(pytest.fail), ledger.account(pytest.fail)
        await large.take(12 * LITTLE)
        began = time.monotonic()
        await small.take(LITTLE)
        assert time.monotonic() - began < 0.5

    asyncio.run(main())


def test_definitions_are_refused_at_once() -> None:
    ledger = Ledger(100_000, 60_000)
    account = ledger.account(pytest.fail)
    assert account.keep(50_000)
    assert not account.keep(20_000)
    account.give(50_000)
    assert account.keep(60_000)
    account.end()
    assert ledger.held == 0


# -- answers and hosts -----------------------------------------------------------------------------


def test_answers_are_kept_up_to_a_size_the_oldest_go_first() -> None:
    answers = Answers(100_000)
    for number in range(100):
        answers.put(("host", 342, b"%d" % number), bytes(5000))
        assert answers.get(("host", 342, b"0")) is not None
    assert answers.get(("host", 342, b"1")) is None
    assert answers.get(("host", 342, b"99")) is not None
    answers.put(("host", 7, b""), bytes(50_000))
    assert answers.get(("host", 7, b"")) is None
    answers.put(("host", 8, bytes(5000)), b"x")
    assert answers.get(("host", 8, bytes(5000))) is None


def test_of_a_folder_few_recordings_are_kept_in_memory(tmp_path: Path) -> None:
    for number in range(12):
        record = Recording(HostRecord(arch="x86_64"), (emulator_record(),))
        save(record, tmp_path / f"host{number}.domcaps")
    source = RecordingFolder(tmp_path)
    for number in (*range(12), 11, 0):
        assert source.get(f"host{number}").name == f"host{number}"
    assert len(source._open) <= 4
    for name in ("", "host99", "../x", ".host1", "host1/../host1", "host\0"):
        assert source.state(name) is None


# -- who is served first ---------------------------------------------------------------------------


def test_a_client_that_makes_short_calls_goes_before_those_that_come_anew() -> None:
    async def run() -> None:
        pool = Pool(msgspec.structs.replace(LIMITS, slice_seconds=5.0))
        known = Usage()
        known.add(0.002)
        running = [pool.ask(LONG) for _ in range(2)]
        await asyncio.sleep(0.01)
        strangers = [pool.ask(SHORT, Usage()) for _ in range(50)]
        mine = pool.ask(SHORT, known)
        for worker in pool.workers[:2]:
            worker.finish()
        await asyncio.wait([mine, *strangers], return_when=asyncio.FIRST_COMPLETED)
        assert mine.done()
        await asyncio.gather(mine, *running, *strangers)
        await pool.pool.stop()

    asyncio.run(run())


def test_new_connections_of_a_process_that_made_others_wait_are_no_strangers() -> None:
    clients = Clients()
    clients.usage(7).add(0.1)
    assert clients.usage(7).expected == pytest.approx(0.1)
    assert clients.usage(8).expected < 0.1
    assert clients.usage(None).expected < 0.1
    assert not clients.usage(7).is_short
    assert not clients.usage(7).is_light
    assert clients.usage(8).is_light


def test_short_calls_bring_no_debt_however_many_they_are() -> None:
    usage = Clients().usage(7)
    for _ in range(1000):
        usage.add(0.02)
    assert usage.amount > 1.0
    assert usage.debt == 0.0
    assert usage.is_short
    usage.add(0.5)
    assert usage.debt == pytest.approx(0.46, rel=0.05)


def test_short_calls_make_up_for_no_long_one() -> None:
    usage = Clients().usage(7)
    usage.add(0.5)
    for _ in range(100):
        usage.add(0.001)
    assert not usage.is_light


def test_clients_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domcaps.serve.workers.usage._MOST_CLIENTS", 10)
    clients = Clients()
    clients.usage(1).add(5.0)
    for client in range(2, 100):
        clients.usage(client)
    assert len(clients._known) <= 11
    assert clients.usage(1).expected == pytest.approx(0.2)


def test_a_call_that_waits_is_charged_a_slice_and_its_place() -> None:
    async def run() -> None:
        pool = Pool()
        usage = Usage()
        call = pool.ask(WAITING, usage)
        await asyncio.sleep(4 * LIMITS.slice_seconds)
        pool.workers[0].finish()
        await call
        assert usage.amount == pytest.approx(2 * LIMITS.slice_seconds, rel=0.3)
        await pool.pool.stop()

    asyncio.run(run())


def test_calls_of_strangers_leave_one_worker_to_short_calls() -> None:
    async def run() -> None:
        pool = Pool(msgspec.structs.replace(LIMITS, quick=4, slice_seconds=5.0))
        known = Usage()
        known.add(0.002)
        strangers = [pool.ask(WAITING) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(pool.ask(SHORT, known), 1.0) == b"short"
        for stranger in strangers:
            stranger.cancel()
        await asyncio.gather(*strangers, return_exceptions=True)
        await pool.pool.stop()

    asyncio.run(run())


def test_who_waits_long_enough_has_a_turn() -> None:
    async def run() -> None:
        pool = Pool(msgspec.structs.replace(LIMITS, slice_seconds=5.0))
        slow = Usage()
        slow.add(0.06)
        running = [pool.ask(LONG) for _ in range(2)]
        await asyncio.sleep(0.01)
        mine = pool.ask(SHORT, slow)
        await asyncio.sleep(0)
        pool.pool._queue[0].queued -= 10
        others = [pool.ask(SHORT, Usage()) for _ in range(20)]
        for worker in pool.workers[:2]:
            worker.finish()
        await asyncio.wait([mine, *others], return_when=asyncio.FIRST_COMPLETED)
        assert mine.done()
        await asyncio.gather(mine, *running, *others)
        await pool.pool.stop()

    asyncio.run(run())


def test_calls_that_wait_hold_no_place_of_those_that_compute() -> None:
    async def run() -> None:
        pool = Pool()
        waiting = [pool.ask(WAITING) for _ in range(8)]
        await asyncio.sleep(12 * LIMITS.slice_seconds)
        kinds = [call.kind for call in pool.pool._running]
        assert kinds.count("waiting") == LIMITS.waiting
        assert "long" not in kinds
        computing = pool.ask(LONG, Usage())
        await asyncio.sleep(3 * LIMITS.slice_seconds)
        assert "long" in {call.kind for call in pool.pool._running}
        for call in (*waiting, computing):
            call.cancel()
        await asyncio.gather(*waiting, computing, return_exceptions=True)
        await pool.pool.stop()

    asyncio.run(run())


def test_a_client_of_short_calls_may_take_longer_once() -> None:
    async def run() -> None:
        pool = Pool()
        known = Usage()
        known.add(0.002)
        call = pool.ask(LONG, known)
        await asyncio.sleep(1.5 * LIMITS.slice_seconds)
        assert [one.kind for one in pool.pool._running] == ["quick"]
        await asyncio.sleep(12 * LIMITS.slice_seconds)
        assert [one.kind for one in pool.pool._running] == ["long"]
        pool.workers[0].finish()
        await call
        await pool.pool.stop()

    asyncio.run(run())


def test_one_process_does_not_take_all_places_of_calls_that_wait() -> None:
    async def run() -> None:
        pool, processes = Pool(), Clients()
        waiting = [pool.ask(WAITING, processes.usage(7)) for _ in range(6)]
        await asyncio.sleep(8 * LIMITS.slice_seconds)
        mine = pool.ask(WAITING, processes.usage(8))
        await asyncio.sleep(6 * LIMITS.slice_seconds)
        clients = [call.usage.client for call in pool.pool._running if call.kind == "waiting"]
        assert processes.usage(8).client in clients
        assert processes.usage(7).client in clients
        for call in (*waiting, mine):
            call.cancel()
        await asyncio.gather(*waiting, mine, return_exceptions=True)
        await pool.pool.stop()

    asyncio.run(run())


def test_a_client_has_so_many_calls_made_and_no_more() -> None:
    async def run() -> None:
        limits = msgspec.structs.replace(LIMITS, quick=10, each=3, slice_seconds=5.0)
        pool, clients = Pool(limits), Clients()
        calls = [pool.ask(WAITING, clients.usage(7)) for _ in range(9)]
        await asyncio.sleep(0.05)
        assert len(pool.pool._running) == 3
        assert await in_time(pool.ask(SHORT, clients.usage(8))) == b"short"
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await pool.pool.stop()

    asyncio.run(run())


@pytest.mark.parametrize("request_", [LONG, WAITING])
def test_who_holds_nothing_gets_the_place_of_one_that_used_more(request_: bytes) -> None:
    async def run() -> None:
        pool, clients = Pool(), Clients()
        hostile = [clients.usage(number) for number in range(6)]
        for usage in hostile:
            usage.add(20.0)
            usage.client.habit = "long" if request_ == LONG else "waiting"
        calls = [pool.ask(request_, usage) for usage in hostile for _ in range(3)]
        await asyncio.sleep(1.2)
        mine = clients.usage(7)
        call = pool.ask(request_ + bytes(LARGE if request_ == LONG else 0), mine)
        await asyncio.sleep(20 * LIMITS.slice_seconds)
        assert mine.client in {one.usage.client for one in pool.pool._running if not one.is_stopped}
        for one in (*calls, call):
            one.cancel()
        await asyncio.gather(*calls, call, return_exceptions=True)
        await pool.pool.stop()

    asyncio.run(run())


def test_a_quick_call_that_waits_gives_way_to_a_client_without_any() -> None:
    async def run() -> None:
        pool = Pool(msgspec.structs.replace(LIMITS, slice_seconds=5.0))
        strangers = [pool.ask(WAITING) for _ in range(2)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await in_time(pool.ask(SHORT)) == b"short"
        assert time.monotonic() - began < 1.0
        for one in strangers:
            one.cancel()
        await asyncio.gather(*strangers, return_exceptions=True)
        await pool.pool.stop()

    asyncio.run(run())


def test_who_used_much_leaves_the_processor_to_the_others() -> None:
    async def run() -> None:
        pool, clients = Pool(), Clients()
        much = clients.usage(7)
        much.add(20.0)
        call = pool.ask(SHORT, much)
        await call
        assert [worker.back for worker in pool.workers] == [LOWEST]
        assert await in_time(pool.ask(SHORT, clients.usage(8))) == b"short"
        assert [worker.back for worker in pool.workers] == [LOWEST, 0]
        await pool.pool.stop()

    asyncio.run(run())


# -- who is one client -----------------------------------------------------------------------------


def test_local_connections_over_tcp_are_one_client() -> None:
    found = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for source in ("127.0.0.1", "127.0.0.7"):
            with socket.socket() as client:
                client.bind((source, 0))
                client.connect(listening.getsockname())
                with listening.accept()[0] as accepted:
                    found.append(client_of(accepted))
    assert found[0] == found[1]
    assert found[0] is not None


def test_connections_of_a_process_are_one_client(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(path)
        listening.listen()
        client.connect(path)
        with listening.accept()[0] as accepted:
            assert client_of(accepted) == os.getpid()
