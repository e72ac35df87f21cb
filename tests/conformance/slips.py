"""Repair slips of the pen in accepted domains: ``python tests/conformance/slips.py FOLDER``.

Every accepted domain gets one realistic mistake of each kind that it has room for; those that make
it refused are repaired. Counts how many become the original again, or differ where the mistake
was made only. A number of CPUs that no machine type has is to be left to its owner. The seed is
printed; ``--seed`` repeats a run.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from corpus import DomainCase, domain_cases
from repairs import _host

import domcaps
from slip_maker import is_back, is_left, slips

_GOAL = 95


def try_case(job: tuple[DomainCase, int]) -> list[tuple[str, bool, str, float]]:
    """Make slips of one domain and repair them.

    Gives kind, success, what was done and the seconds of CPU time of each.
    """
    case, seed = job
    host, new = _host(case), bool(case.case["abi_update"])
    if not host.validate(case.xml, case.dialect, new=new).accepted:
        return []
    found = []
    chance = random.Random(seed)  # noqa: S311 - mistakes, not secrets
    for slip in slips(case.xml, chance):
        try:
            if host.validate(slip.data, case.dialect, new=new).accepted:
                continue
            begin = time.process_time()
            repaired = host.repair(slip.data, case.dialect, new=new)
            seconds = time.process_time() - begin
        except domcaps.DomcapsError as error:
            found.append((slip.kind, False, f"{case.name}: {error}", 0.0))
            continue
        back = repaired.accepted and is_back(case.xml, slip, repaired.data)
        good = back or is_left(slip, repaired.data)
        done = "; ".join(change.what for change in repaired.changes)
        left = "; ".join(finding.message for finding in repaired.findings)
        text = f"{case.name}: {slip.path}: {done} | {left[:200]}"
        found.append((slip.kind, good, text, seconds))
    return found


def main() -> int:
    """Run as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--count", type=int, default=300, help="slips to repair, 0 for all")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)  # noqa: S311 - mistakes, not secrets
    cases = [case for case in domain_cases(options.folder) if not case.exotic]
    chance.shuffle(cases)
    if options.count:
        cases = cases[: options.count]
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [(case, chance.randrange(10**9)) for case in cases]
        tried = [one for some in pool.map(try_case, jobs, chunksize=5) for one in some]
    tried = tried[: options.count or None]
    kinds = Counter(kind for kind, *_ in tried)
    good = Counter(kind for kind, back, *_ in tried if back)
    for kind, back, text, _ in tried:
        if not back:
            print(f"NOT BACK {kind}: {text}")
    for kind, number in sorted(kinds.items()):
        print(f"{kind}: {good[kind]} of {number}")
    times = sorted(seconds for *_, seconds in tried)
    longest, median = (1000 * times[at] if times else 0 for at in (-1, len(times) // 2))
    print(f"CPU time of a repair: median {median:.0f} ms, longest {longest:.0f} ms")
    whole = sum(good.values())
    print(f"{whole} of {len(tried)} repaired back ({100 * whole / max(len(tried), 1):.1f} %)")
    return 0 if whole * 100 >= len(tried) * _GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
