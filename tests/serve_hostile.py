"""Eight hostile clients beside an innocent one: what the innocent notices, and what it costs.

::

    python tests/serve_hostile.py --seconds 600 --host shipped:debian13-x86_64

starts ``domcaps serve``, lets hostile clients do what they can think of (without ``--host`` they
also call emulators that are allowed and hang, flood, or fork), and measures how long the
innocent one waits for each of its calls, how much memory the server and its workers take, and how
long the server takes to end by SIGTERM in the middle of it. The last lines say for each limit
whether it holds, and the exit status is 1 where one is exceeded: 99th percentile of each kind of
call 50 ms,
512 MB (proportional set size of all its processes, also of the emulators), 5 s, no failed call.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from domcaps.serve.xdr import OPTIONAL_STRING, STRING, UINT, Record, pack
from serve_client import PROGRAM, CallError, Client, listens, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EMULATORS, PIPES = "emulators", "pipes"
"""Folders beside the socket, which `furnish` makes."""

_BAD_EMULATORS = {
    "hangs": "#!/bin/sh\nexec sleep 1000\n",
    "forks": "#!/bin/sh\ntrap '' TERM\nwhile :; do setsid sleep 100 & sleep 0.5; done\n",
    "drips": """#!/usr/bin/python3
import socket, sys, time
given = next(word for word in sys.argv if word.startswith("unix:fd="))
monitor = socket.socket(fileno=int(given[8:]))
for byte in b'{"QMP":{"version":{"qemu":{"micro":0,"minor":2,"major":7}}}}':
    monitor.send(bytes([byte]))
    time.sleep(1)
time.sleep(1000)
""",
    "floods": """#!/usr/bin/python3
import json, socket, sys
given = next(word for word in sys.argv if word.startswith("unix:fd="))
monitor = socket.socket(fileno=int(given[8:]))
version = {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}
monitor.sendall(json.dumps({"QMP": {"version": version, "capabilities": []}}).encode() + b"\\n")
while heard := monitor.recv(65536):
    for line in filter(None, heard.split(b"\\n")):
        number = json.dumps(json.loads(line).get("id")).encode()
        monitor.sendall(b'{"id":' + number + b',"return":[')
        for _ in range(3000):
            monitor.sendall(b'{"name":"' + b"x" * 60000 + b'"},')
""",
}
LATENCY = 0.050
MEMORY = 512 * 1000 * 1000
END_SECONDS = 5.0

_MIB = 1024 * 1024
_DOMAIN = (
    "<domain type='qemu'><name>{}</name><memory>1048576</memory>"
    "<os><type arch='x86_64'>hvm</type></os>{}<devices>{}</devices></domain>"
)


class Result(NamedTuple):
    """What came of a run. Times are seconds, `memory` is bytes, `parts` are those of `memory`."""

    latencies: dict[str, list[float]]
    failures: list[str]
    memory: int
    end: float
    attacks: int
    parts: tuple[tuple[str, int], ...] = ()

    def percentile(self, share: float) -> float:
        """Give a percentile of all calls of the innocent client."""
        return _at([time for times in self.latencies.values() for time in times], share)


# -- the hostile ones ------------------------------------------------------------------------------


class Hostile:
    """One client that does harm for a while; nothing that it meets ends it."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.count = 0

    def run(self, seconds: float, only: str = "") -> None:
        """Attack in all ways, or in one only."""
        until = time.monotonic() + seconds
        names = [f"attack_{only}"] if only else dir(self)
        attacks = [getattr(self, name) for name in names if name.startswith("attack_")]
        while time.monotonic() < until:
            attack: Callable[[], None] = self._random.choice(attacks)
            self.count += 1
            with contextlib.suppress(OSError, AssertionError, CallError, struct.error):
                attack()

    def _client(self, *, opened: bool = True, wait: float = 5.0) -> Client:
        client = Client(self._path, opened=opened)
        client.socket.settimeout(wait)
        return client

    def attack_rubbish(self) -> None:
        for _ in range(20):
            with self._client(opened=False) as client:
                client.send(self._random.randbytes(self._random.randint(1, 400)))

    def attack_frames(self) -> None:
        with self._client(wait=0.2) as client:
            for _ in range(50):
                number = self._random.choice((self._random.randint(0, 460), 11, 342, 350, 394))
                words = [self._random.choice((0, 1, 2, 5, 2**31, 2**32 - 1)) for _ in range(6)]
                payload = struct.pack(">6I", *words) + self._random.randbytes(20)
                client.send(message(number, payload, serial=self._random.randint(0, 9)))
            with contextlib.suppress(TimeoutError):
                while client.receive() is not None:
                    pass

    def attack_announcing(self) -> None:
        clients = [self._client(opened=self._random.random() < 0.5) for _ in range(8)]
        for client in clients:
            with contextlib.suppress(OSError):
                client.send(
                    struct.pack(">I", 8 * _MIB) + struct.pack(">IIiIII", PROGRAM, 1, 59, 0, 1, 0)
                )
                client.send(bytes(self._random.choice((1, 100_000, 4 * _MIB))))
        time.sleep(0.5)
        for client in clients:
            client.socket.close()

    def attack_flood(self) -> None:
        with self._client(wait=2.0) as client:
            for _ in range(17):
                client.send(message(9999, bytes(8 * _MIB - 28)))

    def attack_deaf(self) -> None:
        with self._client(wait=1.0) as client:
            for _ in range(2000):
                client.send(message(7))

    def attack_slow_domain(self) -> None:
        labels = "".join(f"<seclabel type='none' model='m{i}'/>" for i in range(9000))
        with self._client(wait=8.0) as client:
            client.call(11, pack(STRING, _DOMAIN.format("slow", labels, "")))

    def attack_many_devices(self) -> None:
        count = self._random.choice((10, 300, 3000, 20000))
        disks = "".join(
            f"<disk type='file'><source file='/{i}'/><target dev='vd{i}'/></disk>"
            for i in range(count)
        )
        with self._client(wait=8.0) as client:
            client.call(11, pack(STRING, _DOMAIN.format("many", "", disks)))

    def attack_large_domain(self) -> None:
        text = "<description>" + "x" * (4 * _MIB - 1000) + "</description>"
        with self._client(wait=8.0) as client:
            for number in range(5):
                client.call(11, pack(STRING, _DOMAIN.format(f"large{number}", text, "")))

    def attack_definitions(self) -> None:
        with self._client(wait=8.0) as client:
            for number in range(100):
                client.call(11, pack(STRING, _DOMAIN.format(f"d{number}", "", "")))

    def attack_pools(self) -> None:
        with self._client(wait=5.0) as client:
            for number in range(100):
                name = f"{number}" + "p" * self._random.choice((1, 900, 100_000))
                xml = (
                    f"<pool type='dir'><name>{name}</name><target><path>/dev</path></target></pool>"
                )
                with contextlib.suppress(CallError):
                    handle = client.call(76, pack(Record(STRING, UINT), (xml, 0)))
                    client.call(282, handle + struct.pack(">II", 1, 0))
            client.call(281, struct.pack(">II", 1, 0))

    def attack_questions(self) -> None:
        with self._client(wait=5.0) as client:
            for _ in range(30):
                long = "m" * self._random.choice((3, 3000, 300_000))
                names = [
                    self._random.choice((None, "x86_64", "q35", long, "/bin/sh")) for _ in range(4)
                ]
                arguments = (*names, self._random.choice((0, 1, 2, 4, 7)))
                with contextlib.suppress(CallError):
                    client.call(342, pack(Record(*[OPTIONAL_STRING] * 4, UINT), arguments))

    def attack_emulators(self) -> None:
        """Call emulators that are allowed and hang, over many connections at once."""
        clients = [self._client(wait=3.0) for _ in range(20)]
        names = [str(self._path.parent / EMULATORS / name) for name in _BAD_EMULATORS]
        question = Record(*[OPTIONAL_STRING] * 4, UINT)
        for client in clients:
            for serial in range(30):
                path = self._random.choice(names)
                payload = pack(question, (path, None, None, None, 0))
                client.send(message(342, payload, serial=serial + 5))
        time.sleep(3)
        for client in clients:
            client.socket.close()

    def attack_places(self) -> None:
        """Make pools of folders that are large, that hold pipes, or that the kernel makes up."""
        places = ("/proc", "/dev", "/proc/self/fd", "/dev/zero", str(self._path.parent / PIPES))
        with self._client(wait=10.0) as client:
            for number, place in enumerate(places):
                target = f"<target><path>{place}</path></target>"
                xml = f"<pool type='dir'><name>p{number}</name>{target}</pool>"
                with contextlib.suppress(CallError):
                    handle = client.call(76, pack(Record(STRING, UINT), (xml, 0)))
                    client.call(282, handle + struct.pack(">II", 1, 0))
                    client.call(87, handle)

    def attack_giants(self) -> None:
        """Define domains that are deep, wide, or grow when they are read."""
        count = self._random.choice((1000, 20_000, 300_000))
        entities = "".join(f'<!ENTITY b{i} "{f"&b{i - 1};" * 10}">' for i in range(1, 12))
        attributes = " ".join(f"a{i}=''" for i in range(count))
        giants = (
            _DOMAIN.format("deep", "<a>" * count + "</a>" * count, ""),
            _DOMAIN.format("wide", f"<cpu {attributes}/>", ""),
            f'<!DOCTYPE d [<!ENTITY b0 "b">{entities}]>'
            + _DOMAIN.format("grows", "<description>&b11;</description>", ""),
            _DOMAIN.format("sets", f"<vcpu cpuset='{'0-4095,^1,' * count}1'>1</vcpu>", ""),
        )
        with self._client(wait=8.0) as client:
            for xml in giants:
                with contextlib.suppress(CallError):
                    client.call(11, pack(STRING, xml[: 4 * _MIB - 200]))

    def attack_storm(self) -> None:
        for _ in range(200):
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(str(self._path))

    def attack_idle(self) -> None:
        clients = [self._client(opened=False) for _ in range(20)]
        time.sleep(0.2)
        for client in clients:
            client.socket.close()


# -- the innocent one ------------------------------------------------------------------------------


class Innocent:
    """A client that asks what clients ask, a few dozen times a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.latencies: dict[str, list[float]] = {}
        self.failures: list[str] = []

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with Client(self._path) as client:
            client.socket.settimeout(30)
            self._ask(client)  # what is asked first is made first
            self.latencies.clear()
            while time.monotonic() < until:
                self._ask(client)
                self._time("open", self._open)
                time.sleep(0.02)

    def _ask(self, client: Client) -> None:
        report = pack(Record(*[OPTIONAL_STRING] * 4, UINT), (None, None, None, "qemu", 0))
        self._time("hostname", client.hostname)
        self._time("report", lambda: client.call(342, report))
        self._time("list", lambda: client.call(273, struct.pack(">II", 1, 0)))
        self._time("define", lambda: self._define(client))

    def _define(self, client: Client) -> None:
        client.call(35, client.call(11, pack(STRING, _DOMAIN.format("small", "", ""))))

    def _open(self) -> None:
        with Client(self._path) as client:
            client.hostname()

    def _time(self, what: str, call: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            call()
        except (OSError, AssertionError, CallError) as error:
            self.failures.append(f"{what}: {error!r}"[:200])
        self.latencies.setdefault(what, []).append(time.monotonic() - began)


# -- both ------------------------------------------------------------------------------------------


def run(
    path: Path,
    server: subprocess.Popen[bytes],
    seconds: float,
    hostile: int = 8,
    only: str = "",
) -> Result:
    """Attack a server that listens at `path`, in all ways or in one only, and end it."""
    own = [sys.executable, __file__, "--path", str(path), "--seconds"]
    attack = [*own, str(seconds + 60), "--only", only, "--hostile"]
    bad = [
        subprocess.Popen([*attack, str(seed)], stdout=subprocess.DEVNULL) for seed in range(hostile)
    ]
    try:
        parts, result = _measure([*own, str(seconds), "--innocent"], server.pid, seconds)
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(30)
        end = time.monotonic() - began
    finally:
        for process in bad:
            process.kill()
            process.wait()
    memory = sum(size for _, size in parts)
    return Result(result["latencies"], result["failures"], memory, end, hostile, parts)


def _measure(
    command: list[str], pid: int, seconds: float
) -> tuple[tuple[tuple[str, int], ...], dict[str, Any]]:
    """Let the innocent run, and look at the server's memory meanwhile: what it was at most."""
    most: tuple[tuple[str, int], ...] = ()
    # a pipe would hold no more than a part of what comes
    with tempfile.TemporaryFile() as found:
        with subprocess.Popen(command, stdout=found) as innocent:
            until = time.monotonic() + seconds + 60
            while innocent.poll() is None and time.monotonic() < until:
                most = max(most, tuple(memory_parts(pid)), key=lambda p: sum(size for _, size in p))
                # a look holds up the process that is looked at
                time.sleep(1)
            innocent.kill()
        found.seek(0)
        return most, json.loads(found.read())


def descendants(pid: int) -> list[int]:
    """Give a process and all that it started."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def memory_of(pid: int) -> int:
    """Give the bytes of a process and its descendants; what they share counts once."""
    return sum(size for _, size in memory_parts(pid))


def memory_parts(pid: int) -> Iterator[tuple[str, int]]:
    """Give the bytes of a process and of each descendant, with what each one is."""
    nursery = 0
    for number, one in enumerate(descendants(pid)):
        with contextlib.suppress(OSError):
            parent = int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1])
            nursery = one if number == 1 else nursery
            other = "worker" if parent == nursery else "emulator"
            role = {0: "server", 1: "nursery"}.get(number, other)
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    yield role, int(line.split()[1]) * 1024


def furnish(folder: Path) -> tuple[str, ...]:
    """Make emulators and folders that do harm; give the options by which the server allows them."""
    emulators, pipes = folder / EMULATORS, folder / PIPES
    emulators.mkdir()
    pipes.mkdir()
    for name, text in _BAD_EMULATORS.items():
        (emulators / name).write_text(text)
        (emulators / name).chmod(0o755)
    for number in range(20):
        os.mkfifo(pipes / f"pipe{number}")
        (pipes / f"itself{number}").symlink_to(f"itself{number}")
    for number in range(20_000):
        (pipes / f"file{number}").touch()
    return ("--allow-emulator", f"{emulators}/*")


@contextlib.contextmanager
def serving_process(folder: Path, *options: str):  # type: ignore[no-untyped-def]
    """Run ``domcaps serve`` with a socket in a folder; gives the process and the path."""
    path = folder / "s"
    command = [sys.executable, "-m", "domcaps", "serve", "--socket", str(path), *options]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*command, "--log-level", "error"], stderr=log) as server,
    ):
        try:
            deadline = time.monotonic() + 30
            while not listens(path) and server.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            yield server, path
        finally:
            server.kill()


def _show(result: Result) -> bool:
    """Print what was measured, and last a line for each limit; tell whether all of them hold."""
    for name, times in sorted(result.latencies.items()):
        shown = "  ".join(f"{_at(times, part) * 1000:8.1f}" for part in (0.5, 0.99, 1))
        print(f"{name:10} {len(times):7} calls   median, 99th, largest (ms) {shown}")
    for role, size, count in _by_role(result.parts):
        print(f"{role:10} {count:7} processes when memory was largest: {size / 1e6:.0f} MB")
    print(*result.failures[:3], sep="\n", end="\n" if result.failures else "")
    kinds = {f"99th of {kind}": _at(times, 0.99) for kind, times in result.latencies.items()}
    kinds["99th of all"] = result.percentile(0.99)
    limits = [
        *((what, f"{found * 1000:.1f} ms", found < LATENCY) for what, found in kinds.items()),
        ("memory", f"{result.memory / 1e6:.0f} MB", result.memory < MEMORY),
        ("end after SIGTERM", f"{result.end:.1f} s", result.end < END_SECONDS),
        ("failed calls", str(len(result.failures)), not result.failures),
    ]
    for what, found, holds in limits:
        print(f"{'holds' if holds else 'EXCEEDED':10} {what}: {found}")
    return all(holds for _, _, holds in limits)


def _at(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _by_role(parts: tuple[tuple[str, int], ...]) -> Iterator[tuple[str, int, int]]:
    for role in dict.fromkeys(role for role, _ in parts):
        sizes = [size for one, size in parts if one == role]
        yield role, sum(sizes), len(sizes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--host", default="", help="a recording; this machine without one")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--hostile", type=int)
    parser.add_argument("--only", default="", help="one kind of attack, such as emulators")
    parser.add_argument("--innocent", action="store_true")
    options = parser.parse_args()
    if options.innocent:
        innocent = Innocent(options.path)
        innocent.run(options.seconds)
        print(json.dumps({"latencies": innocent.latencies, "failures": innocent.failures}))
        return 0
    if options.hostile is not None:
        os.nice(19)  # a client elsewhere would take no processor from the server
        Hostile(options.path, options.hostile).run(options.seconds, options.only)
        return 0
    host = ("--host", options.host) if options.host else ()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        allowed = furnish(folder)
        with serving_process(folder, *host, *allowed) as started:
            result = run(started[1], started[0], options.seconds, only=options.only)
            return 0 if _show(result) else 1


if __name__ == "__main__":
    sys.exit(main())
