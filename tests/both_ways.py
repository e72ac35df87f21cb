"""Mutated domains, judged with and without memory: the verdicts must be the same.

::

    python tests/both_ways.py [FOLDER] --count 10000 [--seed 1]

Domains of FOLDER are mutated where one is given, samples of the table's rules otherwise. Each is
judged once by all checks, then several times with what the domains before left to check: the first
looks learn from it, the last goes by what was learned. Prints each domain whose verdicts differ,
ends with ``N the same, N differ``, and exits with 1 where any differ.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from mutations import Mutator
from sample_hosts import RELEASES, sample_host
from without_memo import validate_by_skeletons, validate_without_memo

if TYPE_CHECKING:
    from collections.abc import Iterator

    import domcaps

DIALECTS = ("12.8", "11.3", "9.0", "7.0")
LOOKS = 3
"""Two looks learn from a domain: one of its shapes, one of its skeleton."""
_ARCHITECTURES = ("x86_64", "aarch64", "ppc64", "s390x", "riscv64", "loongarch64")
_OFTEN = 10


def samples() -> list[bytes]:
    """Give the samples of all rules as domains."""
    both = [s for of in rules().values() for rule in of for s in (rule.bad, rule.good) if s]
    return [domain_of(sample).encode() for sample in both]


def differing(documents: list[bytes], count: int, seed: int) -> Iterator[tuple[bytes, str]]:
    """Give mutated domains whose verdicts differ, with what differs."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    mutator = Mutator(documents, rng)
    hosts = [host for a in _ARCHITECTURES for r in RELEASES if (host := sample_host(a, r))]
    for number in range(count):
        data = mutator.document(rng.choice((1, 1, 2, 3)))
        usual = number % _OFTEN or len(hosts) == 1
        host = hosts[0] if usual else rng.choice(hosts)
        difference = _difference(host, data, rng.choice(DIALECTS), new=rng.random() < 0.9)
        if difference:
            yield data, difference


def _difference(host: domcaps.Host, data: bytes, dialect: str, *, new: bool) -> str:
    plain = validate_without_memo(host, data, dialect, new=new)
    for look in range(LOOKS):
        learned = validate_by_skeletons(host, data, dialect, new=new)
        if learned != plain:
            return f"look {look + 1}: {learned} {learned.unknown}, not {plain} {plain.unknown}"
    for look in range(2):
        if host.validate(data, dialect, new=new) != plain:
            return f"the kept verdict, look {look + 1}"
    return ""


def main() -> int:
    """Compare as many domains as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    given = samples()
    if options.folder:
        given = [path.read_bytes() for path in sorted(options.folder.rglob("*.xml"))]
    wrong = 0
    for data, difference in differing(given, options.count, options.seed):
        wrong += 1
        print(f"DIFFERS {difference}\n{data.decode(errors='replace')}", flush=True)
    print(f"{options.count - wrong} the same, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
