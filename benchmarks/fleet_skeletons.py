"""Whether a domain costs more where domains have many different skeletons.

::

    python benchmarks/fleet_skeletons.py [--hosts 10] [--measured 2000] [100 300 1000 3000 10000]

For each number of skeletons a process of its own asks for domains of all of them in a random
order, three of each, and then for `--measured` more. Prints the CPU time of a domain of the first
and of the second kind, and the memory. Exits with 1 where the second differs by more than 1.5 times
between the numbers.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from typing import Any

from fleet_made import domains, recordings

from domcaps.fleet.fleet import Fleet

MOST, _MET = 1.5, 3


def measure(place: str, skeletons: int, measured: int, told: Any) -> None:
    """Measure one number of skeletons: milliseconds of CPU a domain."""
    engine = Fleet.open(place).engine()
    asked = list(domains(skeletons * _MET + measured, skeletons, whole=True))
    first, then = asked[: skeletons * _MET], asked[skeletons * _MET :]
    if skeletons > measured:
        more = domains(skeletons * (_MET + 1), skeletons, whole=True)
        every = list(more)[skeletons * _MET :]
        then = random.Random(7).sample(every, measured)  # noqa: S311 - no secret
    random.Random(8).shuffle(first)  # noqa: S311 - no secret
    times = []
    for some in (first, then):
        start = time.process_time()
        for name, data in some:
            engine.ask(name, data).accepting  # noqa: B018 - worked out when it is wanted
        times.append((time.process_time() - start) / len(some) * 1000)
    told.put((*times, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("skeletons", nargs="*", type=int, default=[100, 300, 1000, 3000, 10000])
    parser.add_argument("--hosts", type=int, default=10)
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
                target=measure, args=(place, skeletons, options.measured, told)
            )
            process.start()
            first, then, memory = told.get()
            process.join()
            found.append(then)
            print(f"{skeletons:6} skeletons: first {_MET} of each {first:6.2f} ms, then "
                  f"{then:6.2f} ms of CPU a domain, {memory} MB", flush=True)  # fmt: skip
    ratio = max(found) / min(found)
    print(f"the most is {ratio:.2f} times the least (at most {MOST})")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
