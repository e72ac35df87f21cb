"""Repair slips of the pen in accepted domains: ``python tests/conformance/slips.py FOLDER``.

Every accepted domain gets one realistic mistake of each kind that it has room for; those that make
it refused are repaired. Counts how many become the original again, or differ where the mistake
was made only. The seed is printed; ``--seed`` repeats a run.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from corpus import DomainCase, domain_cases
from repairs import _host

import domcaps
from slip_maker import is_back, slips

_GOAL = 95


def try_case(job: tuple[DomainCase, int]) -> list[tuple[str, bool, str]]:
    """Make slips of one domain and repair them; gives kind, success and what was done of each."""
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
            repaired = host.repair(slip.data, case.dialect, new=new)
        except domcaps.DomcapsError as error:
            found.append((slip.kind, False, f"{case.name}: {error}"))
            continue
        good = repaired.accepted and is_back(case.xml, slip, repaired.data)
        done = "; ".join(change.what for change in repaired.changes)
        left = "; ".join(finding.message for finding in repaired.findings)
        found.append((slip.kind, good, f"{case.name}: {slip.path}: {done} | {left[:200]}"))
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
    kinds, good = Counter(kind for kind, _, _ in tried), Counter(k for k, back, _ in tried if back)
    for kind, back, text in tried:
        if not back:
            print(f"NOT BACK {kind}: {text}")
    for kind, number in sorted(kinds.items()):
        print(f"{kind}: {good[kind]} of {number}")
    whole = sum(good.values())
    print(f"{whole} of {len(tried)} repaired back ({100 * whole / max(len(tried), 1):.1f} %)")
    return 0 if whole * 100 >= len(tried) * _GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
