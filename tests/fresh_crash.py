"""Processes that are killed while they write the cache, and what is found there afterwards.

``python tests/fresh_crash.py COUNT`` kills many; a test kills some.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from domcaps.fresh.disk import DiskStore, StoredTrace
from domcaps.fresh.witness import EnvironmentVariable

NAME = "0123456789abcdef" * 2
SIZE = 300_000


def trace(number: int) -> StoredTrace:
    """Give something to store that tells whether all of it is there."""
    return StoredTrace(
        ((EnvironmentVariable(f"V{number}"), str(number), None),),
        msgspec.json.encode([number] * (SIZE // len(str(number)) // 2)),
    )


def is_whole(stored: StoredTrace) -> bool:
    """Tell whether something read back is one of those that were stored."""
    values = msgspec.json.decode(stored.value, type=list[int])
    ((witness, seen, stamp),) = stored.depends
    number = values[0]
    return (
        len(set(values)) == 1
        and len(values) == SIZE // len(str(number)) // 2
        and (witness, seen, stamp) == (EnvironmentVariable(f"V{number}"), str(number), None)
    )


def write_for_ever(folder: Path) -> None:
    """Store one thing after another."""
    store, number = DiskStore(folder, limit=4 * SIZE), os.getpid()
    while True:
        number += 1
        with store.lock(NAME):
            store.save(NAME, trace(number))


def kill_many(folder: Path, count: int, writers: int = 2) -> Counter[str]:
    """Kill processes at random moments while they write; check what the next one finds."""
    rng, found = random.Random(count), Counter[str]()  # noqa: S311
    store = DiskStore(folder, limit=4 * SIZE)
    for _ in range(count):
        children = [_fork(folder) for _ in range(writers)]
        time.sleep(rng.uniform(0.0005, 0.01))
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
        stored = store.load(NAME)
        if stored is not None and not is_whole(stored):
            raise AssertionError("half of a value was read")
        found["whole" if stored else "nothing"] += 1
        # nobody is left who could hold it
        with store.lock(NAME, patience=1) as is_held:
            if not is_held:
                raise AssertionError("a dead process holds the lock")
    return found


def _fork(folder: Path) -> int:
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(folder)
        finally:
            os._exit(1)
    return child


def main(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = kill_many(Path(folder) / "cache", count)
        parts = len(list((Path(folder) / "cache").glob("*.part")))
    print(f"{2 * count} processes killed in {count} rounds: {dict(found)}, {parts} parts left")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
