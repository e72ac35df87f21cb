"""How fast a server answers, beside a real libvirtd; and what a load of clients leaves behind.

``python benchmarks/serve.py [--host FILE] [--libvirtd SOCKET] [--clients N] [--requests N]``

Starts ``domcaps serve`` for this machine, or for a recording, and asks it for domain capabilities:
first one client, for the latency; then many at once, for the rate. With ``--libvirtd`` the same is
asked of a libvirtd in the same run; then domcaps has to be the faster one. Exits with 1 where a
request failed, where memory or descriptors grew, or where it was slower.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = 0x20008086
OPEN = struct.pack(">II", 1, 14) + b"qemu:///system\0\0" + struct.pack(">I", 0)
# no emulator, no architecture, a machine type, no virtualization type, no flags
QUESTION = struct.pack(">IIII", 0, 0, 1, 3) + b"q35\0" + struct.pack(">II", 0, 0)
GROWTH_KB = 16_384


class Client:
    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(120)
        self.serial = 0
        self.call(66)
        self.call(1, OPEN)

    def call(self, procedure: int, payload: bytes = b"") -> int:
        """Call, and give the size of the reply."""
        self.serial += 1
        head = struct.pack(">IIIiIII", 28 + len(payload), PROGRAM, 1, procedure, 0, self.serial, 0)
        self.socket.sendall(head + payload)
        (length,) = struct.unpack(">I", self._exactly(4))
        reply = self._exactly(length - 4)
        *_, serial, status = struct.unpack(">IIiIII", reply[:24])
        if serial != self.serial or status:
            raise SystemExit(f"procedure {procedure} failed: {reply[24:300]!r}")
        return len(reply) - 24

    def _exactly(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            count = self.socket.recv_into(view)
            if not count:
                raise SystemExit("the server hung up")
            view = view[count:]
        return bytes(data)


def latency(paths: list[str], rounds: int = 10, runs: int = 50) -> list[tuple[float, float, int]]:
    """Give for each server the median of its best round and of all, in milliseconds, and a size.

    They are asked in turn, so that whatever else the machine does meets all of them.
    """
    clients = [Client(path) for path in paths]
    sizes = [client.call(342, QUESTION) for client in clients]
    times: list[list[list[float]]] = [[] for _ in clients]
    for _ in range(rounds):
        for client, told in zip(clients, times, strict=True):
            told.append([_timed(client) for _ in range(runs)])
    return [
        (
            min(map(statistics.median, told)),
            statistics.median(time for some in told for time in some),
            size,
        )
        for told, size in zip(times, sizes, strict=True)
    ]


def _timed(client: Client) -> float:
    start = time.perf_counter()
    client.call(342, QUESTION)
    return (time.perf_counter() - start) * 1000


def crowd(path: str, clients: int, requests: int) -> None:
    """Be so many clients, who ask in turn."""
    connected = [Client(path) for _ in range(clients)]
    for number in range(requests):
        # what most clients ask most is small: one in ten asks for the whole report
        client = connected[number % clients]
        client.call(342, QUESTION) if number % 10 == 0 else client.call(110)


def load(path: str, clients: int, requests: int, processes: int = 4) -> float:
    """Give requests per second."""
    each = [(path, clients // processes, requests // processes)] * processes
    start = time.perf_counter()
    running = [multiprocessing.Process(target=crowd, args=share) for share in each]
    for process in running:
        process.start()
    for process in running:
        process.join()
    if any(process.exitcode for process in running):
        raise SystemExit("a client failed")
    return requests / (time.perf_counter() - start)


def state(pid: int) -> tuple[int, int]:
    """Give the memory of a process in KB, and its open descriptors."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    return memory, len(list(Path(f"/proc/{pid}/fd").iterdir()))


def measure(name: str, path: str, clients: int, requests: int) -> float:
    rate = load(path, clients, requests)
    print(f"{name}: {clients} clients, {requests} requests: {rate:.0f} per second")
    return rate


def compare(ours: str, theirs: str) -> list[str]:
    """Tell the latencies of both, and what is not met."""
    found = latency([ours, theirs])
    for name, (best, median, size) in zip(("domcaps", "libvirtd"), found, strict=True):
        print(f"{name}: {size / 1000:.0f} KB, best round {best:.2f} ms, median {median:.2f} ms")
    rates = [measure(n, p, 20, 10_000) for n, p in (("domcaps", ours), ("libvirtd", theirs))]
    failures = ["libvirtd answers sooner"] if found[0][0] > found[1][0] else []
    return failures + (["libvirtd answers more"] if rates[0] < rates[1] else [])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", help="a recording; this machine by default")
    parser.add_argument("--libvirtd", help="the socket of a libvirtd to compare with")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--requests", type=int, default=100_000)
    wanted = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "s")
        command = [sys.executable, "-m", "domcaps", "serve", "--socket", path]
        command += ["--host", wanted.host] if wanted.host else []
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            while not Path(path).exists():
                if server.poll() is not None:
                    raise SystemExit("domcaps serve did not start")
                time.sleep(0.05)
            load(path, 200, 2000)
            before = state(server.pid)
            measure("domcaps", path, wanted.clients, wanted.requests)
            time.sleep(1)
            after = state(server.pid)
            print(
                f"domcaps: {before[0]} KB, {before[1]} descriptors before; "
                f"{after[0]} KB, {after[1]} descriptors after"
            )
            if after[0] - before[0] > GROWTH_KB or after[1] > before[1]:
                failures.append("it grew")
            if wanted.libvirtd:
                failures += compare(path, wanted.libvirtd)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
    for failure in failures:
        print(f"not met: {failure}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
