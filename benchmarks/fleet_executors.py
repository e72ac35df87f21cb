"""Whether the answers of a fleet are complete and equal on clusters that lose what they have.

::

    pip install distributed parsl
    python benchmarks/fleet_executors.py [--hosts 50] [--domains 4000] [--workers 3] [--parsl]

A scheduler and workers of Dask run as processes of their own. While they work, one worker after the
other is killed (SIGKILL) at random moments and replaced, and the scheduler is killed and started
again, twice. Prints how often units were started more than once, and exits with 1 where an answer
is missing, was given twice or differs from that of one process. ``--parsl`` asks Parsl's executor
in the same way: its workers are killed, too.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_made import domains, recordings

from domcaps.fleet.ask import ask
from domcaps.fleet.executors import UnitCounts
from domcaps.fleet.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from domcaps.fleet.answers import DomainAnswer

_SIZE = 40
"""Domains of a unit: enough units for workers to be killed between and within them."""


def noted(place: str, work: Callable[..., Any], *arguments: Any) -> Any:
    """Do a unit of work, and note before that it was started."""
    # Parsl sends a function of the program by its code alone, without what its module imports
    import os
    from hashlib import sha256

    unit = sha256(repr([name for name, _ in arguments[0]]).encode()).hexdigest()
    line = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, f"{unit} {os.getpid()}\n".encode())
    os.close(line)
    return work(*arguments)


class Noting(Executor):
    """An executor that notes in a file which units are started."""

    def __init__(self, executor: Any, place: Path) -> None:
        self._executor, self._place = executor, str(place)

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        """Submit a unit."""
        found: Future[Any] = self._executor.submit(noted, self._place, work, *arguments)
        return found

    def started(self) -> Counter[str]:
        """Count how often each unit was started."""
        path = Path(self._place)
        lines = path.read_text().splitlines() if path.exists() else []
        return Counter(line.split()[0] for line in lines)


class DaskProcesses:
    """A scheduler and workers of Dask; those that ended are started again."""

    def __init__(self, workers: int, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._folder = folder
        self.kills = self.restarts = 0
        self._scheduler = self._start_scheduler()
        self._workers = [self._start_worker() for _ in range(workers)]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        program = str(Path(sys.executable).with_name("dask"))
        with (self._folder / "dask.log").open("ab") as log:
            return subprocess.Popen([program, *arguments], stdout=log, stderr=log,
                                    cwd=self._folder)  # fmt: skip

    def _start_scheduler(self) -> subprocess.Popen[bytes]:
        return self._start("scheduler", "--host", "127.0.0.1", "--port", str(self._port),
                           "--no-dashboard")  # fmt: skip

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny",
                           "--no-dashboard", "--death-timeout", "60")  # fmt: skip

    def kill_worker(self, rng: random.Random) -> None:
        """Kill a random worker, and start it and all that ended again."""
        victim = rng.choice(self._workers)
        if victim.poll() is None:
            victim.kill()
            victim.wait()
            self.kills += 1
        self.replace()

    def replace(self) -> None:
        """Start the workers again that ended."""
        for number, worker in enumerate(self._workers):
            if worker.poll() is not None:
                self._workers[number] = self._start_worker()

    def restart_scheduler(self) -> None:
        """Kill the scheduler, and start another one at its address."""
        self._scheduler.kill()
        self._scheduler.wait()
        self._scheduler = self._start_scheduler()
        self.restarts += 1

    def end(self) -> None:
        """End all processes."""
        for process in (*self._workers, self._scheduler):
            process.kill()
            process.wait()


def by_name(answers: Iterable[DomainAnswer]) -> dict[str, Any]:
    """Give the answers by domain; raises `ValueError` for a domain that is answered twice."""
    found: dict[str, Any] = {}
    for answer in answers:
        if answer.name in found:
            raise ValueError(f"{answer.name} was answered twice")
        # the order in which findings were met is that in which a process learned of them
        found[answer.name] = {
            (one.hosts, one.faults, frozenset(one.outcome.found), one.outcome.unknown)
            for one in answer.sets
        }
    return found


def disturbed(
    answers: Iterator[DomainAnswer], every: int, disturb: Callable[[float], None]
) -> dict[str, Any]:
    """Take answers while a thread disturbs those who make them; it gets the share that is done.

    It waits for answers in between: on a busy machine a worker may take long to start.
    """
    stop, done = threading.Event(), [0]

    def run() -> None:
        before = 0
        while not stop.wait(2.0):
            if done[0] > before:
                before = done[0]
                disturb(before / every)

    thread = threading.Thread(target=run)
    thread.start()

    def counted() -> Iterator[DomainAnswer]:
        for answer in answers:
            done[0] += 1
            yield answer

    try:
        return by_name(counted())
    finally:
        stop.set()
        thread.join()


def on_dask(place: str, asked: list[tuple[str, bytes]], workers: int, folder: Path) -> Any:
    """Ask a Dask cluster of processes that are killed."""
    from distributed import Client

    cluster, rng = DaskProcesses(workers, folder), random.Random(5)  # noqa: S311 - no secret
    counts = UnitCounts()

    def disturb(share: float) -> None:
        if share > 0.3 * (cluster.restarts + 1) and cluster.restarts < 2:
            cluster.restart_scheduler()
        cluster.kill_worker(rng)

    try:
        with Client(cluster.address, timeout="120s") as client:
            noting = Noting(client.get_executor(), folder / "dask.units")
            answers = ask(place, asked, noting, size=_SIZE, counts=counts)
            found = disturbed(answers, len(asked), disturb)
    finally:
        cluster.end()
    print(f"Dask: {cluster.kills} workers killed, {cluster.restarts} restarts of the scheduler")
    _tell(counts, noting)
    return found


def on_parsl(place: str, asked: list[tuple[str, bytes]], workers: int, folder: Path) -> Any:
    """Ask Parsl's executor, whose workers are killed."""
    import psutil
    from parsl.concurrent import ParslPoolExecutor
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    executor = HighThroughputExecutor(
        label="fleet", max_workers_per_node=workers, address="127.0.0.1", encrypted=False,
        provider=LocalProvider(init_blocks=1, max_blocks=1),
    )  # fmt: skip
    config = Config(executors=[executor], run_dir=str(folder / "parsl"), strategy="none")
    rng, counts, kills = random.Random(5), UnitCounts(), [0]  # noqa: S311 - no secret

    def disturb(_: float) -> None:
        every = psutil.Process().children(recursive=True)
        found = [one for one in every if one.is_running() and not one.children()
                 and "process_worker_pool" in " ".join(one.cmdline())]  # fmt: skip
        if found:
            rng.choice(found).send_signal(signal.SIGKILL)
            kills[0] += 1

    with ParslPoolExecutor(config) as pool:
        noting = Noting(pool, folder / "parsl.units")
        answers = ask(place, asked, noting, size=_SIZE, counts=counts)
        found = disturbed(answers, len(asked), disturb)
    print(f"Parsl: {kills[0]} workers killed")
    _tell(counts, noting)
    return found


def _tell(counts: UnitCounts, noting: Noting) -> None:
    started = noting.started()
    twice = sum(1 for count in started.values() if count > 1)
    print(f"  {counts.units} units, {sum(started.values())} starts, {twice} units were started "
          f"more than once, {counts.again} were asked again")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--domains", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--parsl", action="store_true", help="ask Parsl's executor, too")
    options = parser.parse_args()
    is_right = True
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        fleet = Fleet.open(folder / "store")
        for name, recording in recordings(options.hosts):
            fleet.store.add(recording, name)
        asked, place = list(domains(options.domains, 40)), str(folder / "store")
        expected = by_name(fleet.engine().ask(name, data) for name, data in asked)
        for ask_on in (on_dask, *((on_parsl,) if options.parsl else ())):
            start = time.monotonic()
            found = ask_on(place, asked, options.workers, folder)
            wrong = sum(found.get(name) != answer for name, answer in expected.items())
            is_right = is_right and not wrong and len(found) == len(expected)
            print(f"  {len(found)} of {len(expected)} answers, {wrong} differ, "
                  f"{time.monotonic() - start:.0f} s", flush=True)  # fmt: skip
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
