"""What a fleet's store does under many writers that are killed, and how much it needs.

::

    python benchmarks/fleet_store.py [--writers 200] [--recordings 1000] [--builds 50] [--s3 20]

1. So many processes add recordings to one store at once; each is killed (SIGKILL) at a random
   moment, while two readers look at the store all the time. Afterwards all that a writer was told
   is stored must be there, every content must have its hash, and no reader may have met a host
   that was there in part. What killed writers left is collected, and changes no host.
2. The same with fewer writers on a local S3 server (moto, started here), where obstore is
   installed. ``--s3 0`` leaves this out.
3. Recordings of made hosts with so many different QEMU builds: the store beside the sum of the
   files that ``domcaps record`` writes.

Exits with 1 where anything is lost, damaged or half visible.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from fleet_made import recordings

from domcaps.errors import DomcapsError
from domcaps.facts.recording import dumps
from domcaps.fleet.store import HOSTS, FleetStore
from domcaps.fleet.upkeep import check, collect_garbage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.record import Recording

replace = msgspec.structs.replace
FORK = multiprocessing.get_context("fork")
_ANSWERS = 80
"""Answers of the emulators that writers add: what is tested is the store, not compression."""


def small(recording: Recording) -> Recording:
    """Give a recording with the first answers of each emulator."""
    emulators = tuple(
        replace(one, sessions=tuple(
            replace(s, answers=s.answers[:_ANSWERS]) for s in one.sessions
        ))
        for one in recording.emulators
    )  # fmt: skip
    return replace(recording, emulators=emulators)


def write(place: str, number: int, recording: Recording, told: str) -> None:
    """Add a host again and again, each time with another fact, until this is killed."""
    store = FleetStore(place)
    line = os.open(told, os.O_WRONLY | os.O_APPEND)
    for count in range(1_000_000):
        host = replace(recording.host, hugepage_sizes_kib=(number, count))
        manifest = store.add(replace(recording, host=host), f"host-{number:03}")
        # one write of a short line is whole
        os.write(line, f"{manifest.host} {manifest.digest[:16]}\n".encode())


def read(place: str, faults: str) -> None:
    """Read hosts until this is killed, and write down each one that can't be read whole."""
    rng = random.Random(os.getpid())  # noqa: S311 - no secret
    line = os.open(faults, os.O_WRONLY | os.O_APPEND)
    while True:
        store = FleetStore(place)
        latest = store.latest()
        for name in rng.sample(sorted(latest), min(len(latest), 20)):
            try:
                store.recording(store.manifest(latest[name]))
            except DomcapsError as error:
                # of manifests that say the same the one between is taken away
                if latest[name] in store.moments(name):
                    os.write(line, f"{name}: {error}\n".encode())
        os.write(line, b"read\n")


def killed_writers(place: str, count: int, seconds: float, folder: Path) -> bool:
    """Kill so many writers at random moments; tell whether nothing was lost or half there."""
    told, faults = folder / "told", folder / "faults"
    for path in (told, faults):
        path.write_text("")
    some = [small(one) for _, one in recordings(12, seed=count)]
    writers = [
        FORK.Process(target=write, args=(place, number, some[number % len(some)], str(told)))
        for number in range(count)
    ]
    readers = [FORK.Process(target=read, args=(place, str(faults))) for _ in range(2)]
    start = time.monotonic()
    for process in (*writers, *readers):
        process.start()
    rng = random.Random(3)  # noqa: S311 - no secret
    # the first writer to be killed is one of those that write the first content of the store
    moments = sorted(rng.uniform(0.05, 1) * seconds for _ in writers)
    for moment, writer in zip(moments, rng.sample(writers, count), strict=True):
        time.sleep(max(0.0, start + moment - time.monotonic()))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
    for reader in readers:
        reader.kill()
        reader.join()
    return _nothing_lost(place, told.read_text().splitlines(), faults.read_text().splitlines())


def _nothing_lost(place: str, told: list[str], read_lines: list[str]) -> bool:
    store = FleetStore(place)
    kept: defaultdict[str, set[str]] = defaultdict(set)
    for name in store.latest():
        kept[name] = {key.rpartition("/")[2].split("-")[1] for key in store.moments(name)}
    lost = [line for line in told if line.split()[1] not in kept[line.split()[0]]]
    damaged = check(store)
    whole = {name: store.recording(one) for name, one in store.hosts().items()}
    left = sum(1 for _ in store.blobs.list(""))
    done = collect_garbage(store, grace=0)
    again = FleetStore(place)
    same = {name: again.recording(one) for name, one in again.hosts().items()} == whole
    half = [line for line in read_lines if line != "read"]
    looks = len(read_lines) - len(half)
    print(f"  {len(told)} recordings acknowledged, {len(lost)} lost; {len(whole)} hosts")
    print(f"  {looks} looks of readers, {len(half)} hosts half visible; {len(damaged)} damaged")
    print(f"  {done.contents} of {left} objects were left by killed writers and are collected")
    for line in [*lost[:3], *half[:3], *[f"{one.key}: {one.text}" for one in damaged[:3]]]:
        print(f"    {line}")
    return bool(told) and looks > 0 and not lost and not half and not damaged and same


@contextmanager
def s3_server() -> Iterator[str]:
    """Start a local S3 server with a bucket, and give the URL of a store in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
    }  # fmt: skip
    program = (
        "from moto.server import main; import sys;"
        f"sys.exit(main(['-H', '127.0.0.1', '-p', '{port}']))"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                made = urllib.request.Request(f"{url}/fleet", method="PUT")  # noqa: S310 - local
                urllib.request.urlopen(made, timeout=10).close()  # noqa: S310 - local
                break
            except OSError:
                time.sleep(0.1)
        yield "s3://fleet/store"
    finally:
        server.kill()
        server.wait()


def sizes(count: int, builds: int, folder: Path) -> None:
    """Compare a store with the files of its recordings."""
    store, of_files, names = FleetStore(folder / "sizes"), 0, set()
    for name, recording in recordings(count, builds=builds):
        of_files += len(dumps(recording))
        manifest = store.add(recording, name)
        names.update(one.sessions for one in manifest.emulators)
    found: defaultdict[str, list[int]] = defaultdict(list)
    for one in store.blobs.list(""):
        found["manifests" if one.key.startswith(HOSTS) else "contents"].append(one.size)
    of_store = sum(map(sum, found.values()))
    print(f"{count} recordings of {builds} builds: {of_files:,} bytes in files, {of_store:,} in "
          f"the store ({of_files / of_store:.1f} times less)")  # fmt: skip
    for kind, some in sorted(found.items()):
        print(f"  {len(some)} {kind}, {sum(some):,} bytes, {sum(some) // len(some):,} each")
    print(f"  {len(names)} different emulators (build and processor)")


def run(title: str, place: str, count: int, seconds: float, folder: Path) -> bool:
    """Run one test with its times."""
    start = time.monotonic()
    print(title)
    is_right = killed_writers(place, count, seconds, folder)
    print(f"  {'right' if is_right else 'WRONG'}, {time.monotonic() - start:.0f} s", flush=True)
    return is_right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--s3", type=int, default=20, help="writers to a local S3 server")
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--builds", type=int, default=50)
    options: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, results = Path(made), []
        if options.writers:
            results.append(run(f"{options.writers} writers to a folder", str(folder / "store"),
                               options.writers, options.seconds, folder))  # fmt: skip
        if options.s3:
            with s3_server() as place:
                results.append(run(f"{options.s3} writers to S3", place,
                                   options.s3, options.seconds, folder))  # fmt: skip
        if options.recordings:
            sizes(options.recordings, options.builds, folder)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
