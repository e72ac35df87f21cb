"""Run a folder of recorded cases: ``python tests/conformance/run.py DIR [--only domaincaps]``.

Prints each failing case with the first line that differs, ends with ``N passed, N failed`` and
exits with 0 only where all passed.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import CapabilityCase, capability_cases

import domcaps


def judge(case: CapabilityCase) -> str:
    """Give "" where the case passes, otherwise the first difference."""
    try:
        actual = case.actual()
    except domcaps.DomcapsError as error:
        return f"no answer: {error}"
    if actual == case.expected:
        return ""
    lines = zip_longest(case.expected.splitlines(), actual.splitlines(), fillvalue="(end)")
    for number, (expected, got) in enumerate(lines, start=1):
        if expected != got:
            return f"line {number}: expected {expected.strip()!r}, got {got.strip()!r}"
    return "only the white space at the end differs"


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=["domaincaps", "domains"])
    parser.add_argument("--jobs", type=int, default=None, help="processes at once")
    options = parser.parse_args()
    if options.only == "domains":
        print("domain cases: does not work yet, nothing was run", file=sys.stderr)
        return 2
    cases = capability_cases(options.folder)
    with ProcessPoolExecutor(options.jobs) as pool:
        verdicts = list(pool.map(judge, cases))
    failed = 0
    for case, verdict in zip(cases, verdicts, strict=True):
        if verdict:
            failed += 1
            print(f"FAILED {case.name}: {verdict}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
