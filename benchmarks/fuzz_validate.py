"""Domains changed at random, validated for some minutes: nothing may break, hang or grow.

::

    python benchmarks/fuzz_validate.py --minutes 10 [--seed 1] [FOLDER]

Domains of FOLDER are changed where one is given, samples of the table's rules otherwise. Reports
exceptions, rules that failed, documents that took longer than a second, and the memory it took;
exits with 1 where there were any of them. With ``--write DIR --count N`` it only writes changed
domains, to be put to a libvirt (see tests/conformance/live_domains.py).
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.check import BROKEN
from mutations import Mutator
from sample_hosts import RELEASES, sample_host

ARCHITECTURES = ("x86_64", "aarch64", "ppc64", "s390x", "riscv64", "loongarch64")
DIALECTS = ("12.8", "11.3")
SLOW = 1.0
MOST_MEMORY_MB = 500


def samples() -> list[bytes]:
    """Give the samples of all rules as domains."""
    both = [s for of in rules().values() for rule in of for s in (rule.bad, rule.good) if s]
    return [domain_of(sample).encode() for sample in both]


def main() -> int:
    """Fuzz, or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, metavar="DIR")
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    given = samples()
    if options.folder:
        given = [path.read_bytes() for path in sorted(options.folder.glob("*.xml"))]
    mutator = Mutator(given, random.Random(options.seed))  # noqa: S311 - no secret
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        for number in range(options.count):
            changes = mutator.random.choice((1, 1, 1, 2))
            (options.write / f"m{number:06}.xml").write_bytes(mutator.document(changes))
        return 0
    return fuzz(mutator, options.minutes * 60, len(given))


def fuzz(mutator: Mutator, seconds: float, given: int) -> int:
    """Validate until the time is over; report."""
    hosts = [host for arch in ARCHITECTURES for r in RELEASES if (host := sample_host(arch, r))]
    seen: Counter[str] = Counter()
    codes: set[str] = set()
    longest = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutator.bytes() if mutator.random.random() < 0.1 else mutator.document(3)
        host = mutator.random.choice(hosts)
        begin = time.perf_counter()
        try:
            result = host.validate(data, mutator.random.choice(DIALECTS))
        except Exception:  # noqa: BLE001 - that is what is looked for
            seen["exceptions"] += 1
            keep(data, traceback.format_exc())
            continue
        took = time.perf_counter() - begin
        longest = max(longest, took)
        seen["documents"] += 1
        seen["accepted"] += result.accepted
        codes |= {finding.code for finding in result.findings}
        failed = [text for text in result.unknown if BROKEN in text]
        if failed:
            seen["failed rules"] += 1
            keep(data, "\n".join(failed))
        if took > SLOW:
            seen["slow"] += 1
            keep(data, f"{took:.1f} s")
    return report(seen, codes, longest, given)


_KEPT: set[str] = set()


def keep(data: bytes, why: str) -> None:
    """Show what went wrong, once for each kind."""
    kind = why.strip().splitlines()[-1][:200]
    if kind not in _KEPT:
        _KEPT.add(kind)
        path = Path(f"fuzz-{len(_KEPT)}.xml")
        path.write_bytes(data)
        print(f"{path}: {why.strip()[-800:]}", flush=True)


def report(seen: Counter[str], codes: set[str], longest: float, given: int) -> int:
    """Say how it went."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{seen['documents']} documents made of {given}, {seen['accepted']} accepted, "
        f"{len(codes)} kinds of findings"
    )
    print(
        f"{seen['exceptions']} exceptions, {seen['failed rules']} with a failed rule, "
        f"{seen['slow']} slower than {SLOW:g} s (longest {longest:.2f} s), {memory} MB"
    )
    bad = seen["exceptions"] + seen["failed rules"] + seen["slow"] + (memory > MOST_MEMORY_MB)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
