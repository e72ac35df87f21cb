"""How long all verdicts of a fleet take, and whether they are true.

::

    python benchmarks/fleet.py [--hosts 10000] [--domains 100000] [--skeletons 1000] [--pairs 20000]

`fleet_made.py` describes hosts and domains. Prints the time of all verdicts with their reasons, of
a second run after one host changed, of `fleet accepts` for a new domain, and how many pairs of a
random sample differ from `Host.validate` on the full recording. Exits with 1 where a limit is not
met or a verdict differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from fleet_made import domains, recordings

from domcaps.fleet.ask import UnitCounts, ask
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.roles import judged_document
from domcaps.fleet.verdict import Placed

if TYPE_CHECKING:
    from domcaps.fleet.answers import DomainAnswer

_PER_HOST, _PER_DOMAIN = 20, 10
"""Pairs that have a host and a domain in common, in the random sample."""

MOST_SECONDS, MOST_AGAIN, MOST_ACCEPTS, MOST_MB = 120.0, 2.0, 0.5, 2048


def told(found: Any) -> tuple[Any, ...]:
    """Give all that is said of a finding, but for its column: a host's own path may be longer."""
    return (
        found.code, found.message, found.severity, found.stage, found.path, found.line,
        found.accepted, found.as_if,
    )  # fmt: skip


def differing(
    fleet: Fleet, asked: dict[str, bytes], answers: dict[str, DomainAnswer], count: int
) -> tuple[int, int]:
    """Count pairs of which the verdict is not that of the host alone, of `count` pairs.

    Hosts are drawn at random, and for each of them `_PER_HOST` of the domains that were drawn: it
    takes long to open a host, and to put the verdicts of all hosts together. Gives the number of
    hosts, too.
    """
    rng = random.Random(1)  # noqa: S311 - no secret
    wrong, names = 0, sorted(answers)
    hosts = max(1, min(len(fleet.hosts.names), count // _PER_HOST))
    for number in rng.sample(range(len(fleet.hosts.names)), hosts):
        own, host = fleet.hosts.own_paths[number], fleet.host(fleet.hosts.names[number])
        for name in rng.choices(names, k=count // hosts):
            alone = host.validate(judged_document(asked[name], own, "x86_64"))
            found = Placed(asked[name]).findings(answers[name].of(number), own)
            wrong += sorted(map(str, map(told, found))) != sorted(
                map(str, map(told, (*alone.findings, *alone.notices)))
            )
    return wrong, hosts


def cpu_seconds() -> float:
    """Give the CPU time of this process and of those that ended; waits for workers to end."""
    for _ in range(100):
        if not multiprocessing.active_children():
            break
        time.sleep(0.1)
    return sum(os.times()[:4])


def second_run(place: str, asked: dict[str, bytes], index: Path) -> float:
    """Have one host get what another one has, ask again, and undo the change."""
    store = Fleet.open(place).store
    name, other, *_ = store.latest()
    before = store.recording(store.manifest(store.latest()[name]))
    like = store.recording(store.manifest(store.latest()[other]))
    store.add(msgspec.structs.replace(like, made_at="2027-1"), name)
    start = time.perf_counter()
    for answer in ask(place, asked.items(), index=index):
        assert answer.accepting is not None
    seconds = time.perf_counter() - start
    store.add(msgspec.structs.replace(before, made_at="2027-2"), name)
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--domains", type=int, default=100_000)
    parser.add_argument("--skeletons", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--store", help="a folder that is kept, and used again")
    options = parser.parse_args()
    place = options.store or tempfile.mkdtemp()
    fleet = Fleet.open(place)
    start = time.perf_counter()
    if not Path(place, "hosts").exists():
        for name, recording in recordings(options.hosts):
            fleet.store.add(recording, name)
    print(f"store of {options.hosts} hosts             {time.perf_counter() - start:8.1f} s")
    asked = dict(domains(options.domains, options.skeletons))
    rng = random.Random(2)  # noqa: S311 - no secret
    drawn = max(1, options.pairs // _PER_DOMAIN)
    sample = set(rng.sample(sorted(asked), min(len(asked), drawn)))
    kept: dict[str, DomainAnswer] = {}
    pairs = accepted = reasons = 0
    start, counts, work = time.perf_counter(), UnitCounts(), cpu_seconds()
    index = Path(tempfile.mkdtemp(), "index")
    answers = ask(place, asked.items(), counts=counts, index=index)
    for done, answer in enumerate(answers, 1):
        pairs += len(fleet.hosts.names)
        accepted += answer.accepting.bit_count()
        reasons += len(answer.reasons)
        if done % 5000 == 0:
            print(f"  {done} domains, {time.perf_counter() - start:.0f} s", flush=True)
        if answer.name in sample:
            kept[answer.name] = answer
    seconds = time.perf_counter() - start
    each, work = seconds / options.domains * 1000, cpu_seconds() - work
    print(f"{pairs} verdicts            {seconds:8.1f} s   (at most {MOST_SECONDS} s)")
    print(f"{each:.2f} ms a domain, {accepted / pairs:.0%} accepted, {reasons} reasons")
    print(f"{work / options.domains * 1000:.2f} ms of CPU a domain, in all processes, at load "
          f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    again = second_run(place, asked, index)
    print(f"again, after one host changed   {again:8.1f} s   (at most {MOST_AGAIN} s)")
    ((name, data),) = domains(1, 1, seed=99)
    fleet.accepts(data, name=name)
    start = time.perf_counter()
    fleet.accepts(data.replace(b"bochs", b"vga").replace(b"guest-0", b"new"), name=name)
    accepts = time.perf_counter() - start
    print(f"accepts, of a new domain        {accepts:8.3f} s   (at most {MOST_ACCEPTS} s)")
    wrong, sampled = differing(fleet, asked, kept, options.pairs)
    most = max(resource.getrusage(who).ru_maxrss // 1024
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip
    print(f"{options.pairs} pairs compared on {sampled} hosts, {wrong} differ")
    print(f"at most {most} MB in one process")
    slow = again > MOST_AGAIN
    return int(
        wrong > 0 or slow or seconds > MOST_SECONDS or accepts > MOST_ACCEPTS or most > MOST_MB
    )


if __name__ == "__main__":
    sys.exit(main())
