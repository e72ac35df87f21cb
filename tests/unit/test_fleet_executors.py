"""Units of work on executors that break, stores that others write to, and object stores."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.errors import FleetError
from domcaps.fleet import executors
from domcaps.fleet.ask import FleetQuestion, UnitCounts, ask, name_of
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.store import FleetStore
from domcaps.fleet.upkeep import check, collect_garbage
from fleet_hosts import fleet, replace, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from domcaps.fleet.answers import DomainAnswer

DOMAIN = """<domain type='kvm'><name>n{0}</name><memory>{0}</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><video><model type='{1}'/></video></devices></domain>"""


def documents(count: int) -> list[tuple[str, bytes]]:
    videos = ("vga", "qxl", "virtio", "bochs", "none-such")
    return [(str(n), DOMAIN.format(n * 1024, videos[n % 5]).encode()) for n in range(count)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FleetStore:
    made = Fleet.open(tmp_path_factory.mktemp("executors"))
    for name, recording in fleet(5, seed=6).items():
        made.add(recording, name)
    return made.store


def by_name(answers: Iterator[DomainAnswer]) -> dict[str, Any]:
    found = {}
    for answer in answers:
        assert answer.name not in found, "an answer was given twice"
        found[answer.name] = {(one.hosts, one.faults, one.outcome) for one in answer.sets}
    return found


def kill_children(stop: threading.Event, seed: int) -> None:
    """Kill one worker after another, until it is told to stop."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(3):
        if stop.wait(2.0):
            return
        if children := multiprocessing.active_children():
            os.kill(rng.choice(children).pid or 0, signal.SIGKILL)


def test_a_pool_whose_workers_are_killed_is_replaced(store: FleetStore) -> None:
    asked = documents(120)
    expected = by_name(ask(store, asked))
    stop, counts = threading.Event(), UnitCounts()
    killer = threading.Thread(target=kill_children, args=(stop, 1))
    killer.start()
    try:
        found = by_name(ask(store, asked, size=20, counts=counts))
    finally:
        stop.set()
        killer.join()
    assert found == expected
    assert counts.units == 6


def test_an_executor_of_the_caller_stays_open(store: FleetStore) -> None:
    with ProcessPoolExecutor(1) as pool:
        found = by_name(ask(store, documents(40), pool, size=20))
        assert pool.submit(abs, -1).result() == 1
    assert found == by_name(ask(store, documents(40)))


class LosingExecutor(Executor):
    """Loses each unit so many times, and takes equal calls for one, as Dask does.

    `lose` says what becomes of the future of a unit that is lost. Those of further units than
    `runs` are never done.
    """

    def __init__(self, times: int, lose: Callable[[Future[Any]], object], runs: int = 1000) -> None:
        self._times, self._lose, self._runs = times, lose, runs
        self._lost: dict[Any, int] = {}
        self.known: dict[Any, Future[Any]] = {}

    def submit(self, work: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        if arguments in self.known:
            return self.known[arguments]
        future = self.known[arguments] = Future()
        unit = arguments[0]
        self._lost[unit] = self._lost.get(unit, 0) + 1
        if self._lost[unit] <= self._times:
            self._lose(future)
        elif self._runs:
            self._runs -= 1
            future.set_result(work(*arguments))
        return future


def fail(future: Future[Any]) -> None:
    future.set_exception(OSError("the worker was lost"))


def cancel(future: Future[Any]) -> None:
    """Do what a client of Dask does that lost its scheduler."""
    future.cancel()
    future.set_running_or_notify_cancel()


@pytest.mark.parametrize("lose", [fail, cancel])
@pytest.mark.parametrize("times", [1, 10])
def test_units_that_are_lost_are_asked_again_and_counted(
    store: FleetStore, lose: Callable[[Future[Any]], object], times: int
) -> None:
    asked, counts = documents(60), UnitCounts()
    found = by_name(ask(store, asked, LosingExecutor(times, lose), size=20, counts=counts))
    assert found == by_name(ask(store, asked))
    assert (counts.units, counts.again) == (3, 3 * times)


def nothing(_: Future[Any]) -> None:
    """Do what Dask does with a result that it fetches while its scheduler dies."""


def test_units_that_are_lost_without_a_word_are_asked_again(
    store: FleetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "_QUIET", 0.05)
    asked, counts = documents(60), UnitCounts()
    found = by_name(ask(store, asked, LosingExecutor(2, nothing), size=20, counts=counts))
    assert found == by_name(ask(store, asked))
    assert (counts.units, counts.again) == (3, 3 * 2)


class _Uncancellable(Future[Any]):
    """A future as Parsl has them."""

    def cancel(self) -> bool:
        raise NotImplementedError


def test_an_executor_need_not_be_able_to_take_work_back(
    store: FleetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "_QUIET", 0.05)
    monkeypatch.setattr(sys.modules[__name__], "Future", _Uncancellable)
    asked = documents(60)
    found = by_name(ask(store, asked, LosingExecutor(2, nothing), size=20))
    assert found == by_name(ask(store, asked))


def test_where_one_unit_was_cancelled_all_that_waited_are_asked_again(store: FleetStore) -> None:
    lost: list[Future[Any]] = []

    def cancel_the_last(future: Future[Any]) -> None:
        lost.append(future)
        if len(lost) == 3:
            cancel(future)

    asked, counts = documents(60), UnitCounts()
    found = by_name(ask(store, asked, LosingExecutor(1, cancel_the_last), size=20, counts=counts))
    assert found == by_name(ask(store, asked))
    assert counts.again == 3


class SlowExecutor(Executor):
    """Keeps what is submitted for a thread that does it in turn."""

    def __init__(self) -> None:
        self.submitted: list[tuple[Future[Any], Any]] = []

    def submit(self, work: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.submitted.append((future, lambda: work(*arguments)))
        return future


def test_a_slow_executor_is_asked_less_and_less_often_and_does_nothing_twice(
    store: FleetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "_QUIET", 0.1)
    executor = SlowExecutor()
    done: list[Future[Any]] = []

    def work_in_turn() -> None:
        time.sleep(1.0)
        while len(done) < 3:
            for future, run in list(executor.submitted):
                if future.set_running_or_notify_cancel():
                    future.set_result(run())
                    done.append(future)
                executor.submitted.remove((future, run))

    thread = threading.Thread(target=work_in_turn)
    thread.start()
    asked, counts = documents(60), UnitCounts()
    found = by_name(ask(store, asked, executor, size=20, counts=counts))
    thread.join()
    assert found == by_name(ask(store, asked))
    # after 0.1, 0.3 and 0.7 seconds; one that is slow may have come to a fourth
    assert counts.again in {3 * 2, 3 * 3, 3 * 4}


def killed_within_a_result(place: str, unit: Any, _: int) -> Any:
    """Be killed once while a result is written: half of it is in the pipe, and its lock is held."""
    from multiprocessing.connection import Connection

    with contextlib.suppress(FileExistsError):
        os.close(os.open(place, os.O_CREAT | os.O_EXCL))

        def write_a_part(self: Any, data: Any, write: Any = os.write) -> None:
            write(self.fileno(), bytes(data)[:6])
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send = write_a_part  # type: ignore[attr-defined]
    return unit


@pytest.mark.parametrize("is_own", [True, False])
def test_a_pool_that_does_not_notice_that_its_worker_was_killed_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool
) -> None:
    monkeypatch.setattr(executors, "_LOOK", 0.2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    work: Any = functools.partial(killed_within_a_result, str(tmp_path / "killed"))
    units: list[Any] = [(("a", b"1"),), (("b", b"2"),), (("c", b"3"),)]
    counts = UnitCounts()
    if is_own:
        assert sorted(executors.run_units(work, units, None, counts)) == units
        assert counts.pools == 2
        return
    with (
        ProcessPoolExecutor(1) as pool,
        pytest.raises(FleetError, match="killed while it wrote a result") as caught,
    ):
        list(executors.run_units(work, units, pool, counts))
    assert "new executor" in caught.value.remedy


def test_a_unit_that_always_fails_is_an_error_that_says_why(store: FleetStore) -> None:
    with pytest.raises(FleetError, match=r"failed 20 times: OSError: the worker was lost"):
        list(ask(store, documents(60), LosingExecutor(1000, fail), size=20))


def test_an_executor_that_takes_no_more_is_an_error_with_a_remedy(store: FleetStore) -> None:
    pool = ProcessPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(FleetError, match=r"with 3 units left to do: .*shutdown") as caught:
        list(ask(store, documents(60), pool, size=20))
    assert "new executor" in caught.value.remedy


def test_a_pool_of_the_caller_that_broke_is_an_error_with_a_remedy(store: FleetStore) -> None:
    broken = LosingExecutor(1, lambda future: future.set_exception(BrokenProcessPool("killed")))
    with pytest.raises(FleetError, match=r"broke with 3 units left to do: killed") as caught:
        list(ask(store, documents(60), broken, size=20))
    assert "new executor" in caught.value.remedy


def test_who_stops_early_leaves_no_work_behind(store: FleetStore) -> None:
    executor = LosingExecutor(0, fail, runs=1)
    answers = ask(store, documents(60), executor, size=20)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert [future.cancelled() for future in executor.known.values()].count(True) == 2


def test_only_some_units_wait_at_once(store: FleetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_MOST_WAITING", 2)
    executor = LosingExecutor(0, fail)
    answers = ask(store, documents(100), executor, size=20)
    next(answers)
    assert len(executor.known) == 3
    assert len(list(answers)) == 99


def test_a_unit_is_named_by_its_content() -> None:
    question = FleetQuestion("s", (("a", "hosts/a/1"),))
    one = name_of(question, documents(2))
    assert one == name_of(question, documents(2))
    assert one != name_of(question, documents(3))
    assert one != name_of(FleetQuestion("s", (("a", "hosts/a/2"),)), documents(2))


def test_dask_with_workers_that_are_killed(store: FleetStore) -> None:
    distributed = pytest.importorskip("distributed")
    asked = documents(100)
    expected = by_name(ask(store, asked))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        timer = threading.Timer(1.0, os.kill, (pids[0], signal.SIGKILL))
        timer.start()
        found = by_name(ask(store, asked, client.get_executor(), size=20))
        timer.cancel()
    assert found == expected


def test_dask_whose_scheduler_dies_while_a_result_is_fetched(
    store: FleetStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "_QUIET", 3.0)
    asked = documents(100)
    expected = by_name(ask(store, asked))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, running = f"tcp://127.0.0.1:{port}", []

    def start() -> None:
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        dask_worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"]
        for command in (
            [*dask, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
            [*dask_worker, "--no-dashboard", "--nthreads", "1", "--death-timeout", "30"],
        ):
            with (tmp_path / "dask.log").open("ab") as log:
                running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path))

    fetch = distributed.Client._gather_remote

    async def fetch_from_the_dead(self: Any, *arguments: Any) -> Any:
        if len(running) == 2:
            running[0].kill()
            running[0].wait()
            start()
        return await fetch(self, *arguments)

    monkeypatch.setattr(distributed.Client, "_gather_remote", fetch_from_the_dead)
    counts = UnitCounts()
    start()
    try:
        with distributed.Client(address, timeout="60s") as client:
            found = by_name(ask(store, asked, client.get_executor(), size=20, counts=counts))
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert len(running) == 4
    assert found == expected
    assert counts.again


def write_forever(place: str, number: int, done: Any) -> None:
    recording = replace(shipped(), comment=str(number))
    store = FleetStore(place)
    for count in range(1000):
        name = f"host-{number}"
        store.add(
            replace(recording, host=replace(recording.host, hugepage_sizes_kib=(count,))), name
        )
        with open(done, "a") as file:  # noqa: PTH123 - appends of one line are whole
            file.write(f"{name} {count}\n")


def test_writers_that_are_killed_lose_nothing_that_they_were_told_is_stored(tmp_path: Path) -> None:
    place, told = tmp_path / "store", tmp_path / "told"
    told.touch()
    rng = random.Random(3)  # noqa: S311 - no secret
    context = multiprocessing.get_context("fork")
    for batch in range(3):
        writers = [
            context.Process(target=write_forever, args=(str(place), batch * 8 + n, str(told)))
            for n in range(8)
        ]
        for writer in writers:
            writer.start()
        time.sleep(1.5)
        for writer in rng.sample(writers, len(writers)):
            time.sleep(rng.random() / 20)
            writer.kill()
            writer.join()
    store = FleetStore(place)
    assert check(store) == []
    acknowledged: dict[str, int] = {}
    for line in told.read_text().splitlines():
        name, _, count = line.partition(" ")
        acknowledged[name] = max(acknowledged.get(name, 0), int(count))
    assert acknowledged
    hosts = store.hosts()
    for name, last in acknowledged.items():
        (size,) = store.recording(hosts[name]).host.hugepage_sizes_kib
        assert size in {last, last + 1}  # the last may be stored before it was told
    before = {name: store.recording(found) for name, found in hosts.items()}
    collect_garbage(store, grace=0)
    assert check(FleetStore(place)) == []
    again = FleetStore(place)
    assert {n: again.recording(m) for n, m in again.hosts().items()} == before


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("obstore")
    server = pytest.importorskip("moto.server")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"), ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1"),
        ("AWS_ALLOW_HTTP", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    import urllib.request

    made = urllib.request.Request(f"http://{host}:{port}/fleet", method="PUT")
    urllib.request.urlopen(made).close()  # noqa: S310 - a server of this test
    try:
        yield "s3://fleet/store"
    finally:
        running.stop()


def test_an_object_store_is_a_store(bucket: str) -> None:
    made = Fleet.open(bucket)
    recordings = fleet(2, seed=8)
    for name, recording in recordings.items():
        made.add(recording, name)
    fresh = Fleet.open(bucket)
    assert list(fresh.hosts.names) == sorted(recordings)
    assert fresh.check() == []
    lone = fresh.store.content.put(b"of a writer that was killed")
    assert collect_garbage(fresh.store, grace=0).contents == 1
    with pytest.raises(Exception, match=lone[:12]):
        FleetStore(bucket).content.get(lone)
    data = documents(1)[0][1]
    assert fresh.accepts(data) == made.accepts(data)
