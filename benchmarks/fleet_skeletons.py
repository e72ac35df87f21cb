"""Whether a domain costs more where domains have many different skeletons.

::

    python benchmarks/fleet_skeletons.py [--hosts 10] [--met 8] [--measured 2000]
                                         [100 300 1000 3000 10000]

For each number of skeletons a process of its own asks for domains of all of them in a random
order, `--met` of each, and then for one more of each. Domains that are measured have thus been met
equally often, whatever the number is. At most `--measured` are measured; few skeletons are asked
about again with other ones and an engine that knows nothing, until there are as many. Prints the
CPU time of a domain of the first and of the second kind, and the memory. Exits with 1 where the
second differs by more than 1.5 times between the numbers.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from typing import Any, NamedTuple

from fleet_made import domains, recordings

from domcaps.fleet.fleet import Fleet

MOST, _MOST_TURNS = 1.5, 10


class Measured(NamedTuple):
    """Milliseconds of CPU a domain, of the first ones and of those after; memory in MB."""

    first: float
    then: float
    memory: int


def measure(place: str, skeletons: int, met: int, measured: int, told: Any) -> None:
    """Measure one number of skeletons."""
    times: list[list[float]] = [[], []]
    for turn in range(max(1, min(measured // skeletons, _MOST_TURNS))):
        engine = Fleet.open(place).engine()
        asked = list(domains(skeletons * (met + 1), skeletons, seed=turn, whole=True))
        draw = random.Random(turn)  # noqa: S311 - no secret
        first, then = asked[: skeletons * met], asked[skeletons * met :]
        draw.shuffle(first)
        for some, found in zip((first, draw.sample(then, min(len(then), measured))), times,
                               strict=True):  # fmt: skip
            start = time.process_time()
            for name, data in some:
                engine.ask(name, data).accepting  # noqa: B018 - worked out when it is wanted
            found.append((time.process_time() - start) / len(some) * 1000)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    told.put(Measured(*map(statistics.mean, times), memory))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("skeletons", nargs="*", type=int, default=[100, 300, 1000, 3000, 10000])
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--met", type=int, default=8)
    parser.add_argument("--measured", type=int, default=2000)
    options = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as place:
        fleet = Fleet.open(place)
        for name, recording in recordings(options.hosts):
            fleet.store.add(recording, name)
        context = multiprocessing.get_context("spawn")
        for skeletons in options.skeletons:
            told: Any = context.Queue()
            process = context.Process(
                target=measure,
                args=(place, skeletons, options.met, options.measured, told),
            )
            process.start()
            first, then, memory = told.get()
            process.join()
            found.append(then)
            print(f"{skeletons:6} skeletons: first {options.met} of each {first:6.2f} ms, then "
                  f"{then:6.2f} ms of CPU a domain, {memory} MB", flush=True)  # fmt: skip
    ratio = max(found) / min(found)
    print(f"the most is {ratio:.2f} times the least (at most {MOST})")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
