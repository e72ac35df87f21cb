"""Many clients of the HTTP service at once: errors, wrong answers, latency and growth of memory.

    python benchmarks/http_clients.py --clients 200 --seconds 60

Starts the service on a small store, computes every answer with the command line first, and has each
client ask one question after another over one connection. Exit code 1 if an answer failed or is not
the command line's, or if the processes grew by more than --growth MB after the first quarter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.fleet.fleet import Fleet
from fleet_hosts import fleet
from ssh_server import free_port

DOMAIN = """<domain type='qemu'><name>a</name><memory>1048576</memory>
<os><type arch='x86_64' machine='{}'>hvm</type></os>
<devices><video><model type='{}'/></video></devices></domain>"""
Asked = list[tuple[bytes, object]]
"""Requests with the answers that are expected."""

MACHINES, VIDEOS = ("q35", "pc", "pc-q35-10.0", "none-such"), ("vga", "qxl", "virtio", "bochs")


def told(*words: str) -> object:
    """Give what the command line answers."""
    done = CliRunner().invoke(command, [*words, "--format", "json"])
    return json.loads(done.stdout)


def questions(folder: Path) -> Asked:
    """Give requests with the answers that are expected."""
    store = str(folder / "store")
    paths = {
        "/v1/classes": ["classes", store],
        "/v1/drift": ["drift", store],
        "/v1/hosts/host-1/history": ["history", store, "host-1"],
    }
    found = [(request("GET", path), told(*words)) for path, words in paths.items()]
    for number, (machine, video) in enumerate((m, v) for m in MACHINES for v in VIDEOS):
        path = folder / f"{number}.xml"
        path.write_text(DOMAIN.format(machine, video))
        data = path.read_bytes()
        asked = request("POST", f"/v1/accepts?name={path}", data)
        found.append((asked, told("accepts", store, str(path))))
    return found


def request(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Counts:
    def __init__(self) -> None:
        self.answers, self.errors, self.wrong = 0, 0, 0
        self.seconds: list[float] = []


async def client(port: int, asked: Asked, until: float, counts: Counts) -> None:
    rng = random.Random(id(asked) ^ counts.answers)  # noqa: S311 - a benchmark
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        data, expected = rng.choice(asked)
        started = time.monotonic()
        writer.write(data)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length"))  # fmt: skip
            body = await reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            counts.errors += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        counts.seconds.append(time.monotonic() - started)
        counts.answers += 1
        counts.errors += not head.startswith(b"HTTP/1.1 200")
        counts.wrong += json.loads(body) != expected
    writer.close()


def resident(pid: int) -> float:
    """Give the megabytes of a process and its children."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if pid in {int(place.name), parent}:
                total += int((place / "statm").read_text().split()[1]) * 4096
        except (OSError, IndexError, ValueError):
            continue
    return total / 1e6


async def measure(port: int, pid: int, asked: Asked, given: argparse.Namespace) -> int:
    counts = Counts()
    until = time.monotonic() + given.seconds
    tasks = [asyncio.create_task(client(port, asked, until, counts)) for _ in range(given.clients)]
    await asyncio.sleep(given.seconds / 4)
    early = resident(pid)
    await asyncio.gather(*tasks)
    late = resident(pid)
    ranked = sorted(counts.seconds)
    middle, slow = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
    print(
        f"{given.clients} clients, {given.seconds:g} s: {counts.answers} answers, "
        f"{counts.errors} errors, {counts.wrong} not the command line's; median "
        f"{middle * 1000:.0f} ms, 99 % {slow * 1000:.0f} ms; "
        f"{early:.0f} MB after a quarter, {late:.0f} MB at the end"
    )
    return int(bool(counts.errors or counts.wrong) or late - early > given.growth)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--growth", type=float, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = Fleet.open(folder / "store")
        for host, recording in fleet(given.hosts, seed=4).items():
            made.add(recording, host)
        asked = questions(folder)
        port = free_port()
        words = ["serve", "--http", f"127.0.0.1:{port}", "--store", str(folder / "store")]
        process = subprocess.Popen(
            [sys.executable, "-m", "domcaps", *words], stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            process.stderr.readline()
            warmed = argparse.Namespace(clients=1, seconds=5.0, growth=1e9)
            asyncio.run(measure(port, process.pid, asked, warmed))
            return asyncio.run(measure(port, process.pid, asked, given))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
