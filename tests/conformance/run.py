"""Run a folder of recorded cases: ``python tests/conformance/run.py DIR [--only domaincaps]``.

Prints each failing case with the first line that differs, or the verdict and what was found, ends
with ``N passed, N failed`` and exits with 0 only where all passed.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import CapabilityCase, DomainCase, capability_cases, domain_cases

import domcaps


def judge(case: CapabilityCase) -> str:
    """Give "" where the case passes, otherwise the first difference."""
    try:
        wanted, actual = case.expected, case.actual()
    except Exception as error:  # noqa: BLE001 - a case that breaks must not end the others
        return f"no answer: {_told(error)}"
    if actual == wanted:
        return ""
    lines = zip_longest(wanted.splitlines(), actual.splitlines(), fillvalue="(end)")
    for number, (expected, got) in enumerate(lines, start=1):
        if expected != got:
            return f"line {number}: expected {expected.strip()!r}, got {got.strip()!r}"
    return "only the white space at the end differs"


def judge_domain(case: DomainCase) -> str:
    """Give "" where the verdict is the expected one, otherwise what came instead."""
    try:
        verdict, errors = case.verdict()
    except Exception as error:  # noqa: BLE001 - a case that breaks must not end the others
        return f"no verdict: {_told(error)}"
    if verdict == case.expected:
        return ""
    stage = f" ({case.stage})" if case.stage else ""
    found = "; ".join(errors[:3]) or "nothing found"
    return f"expected {case.expected}{stage}, got {verdict}: {found}"


def _told(error: Exception) -> str:
    known = isinstance(error, domcaps.DomcapsError)
    return str(error) if known else f"{type(error).__name__}: {error}"


def _parts(folder: Path, only: str | None) -> set[str]:
    """Name the kinds of cases to run; raises `FileNotFoundError` where there is none of them."""
    wanted = [only] if only else ["domaincaps", "domains"]
    manifests = {part: folder / part / "manifest.json" for part in wanted}
    found = {part for part, manifest in manifests.items() if manifest.is_file()}
    if not found:
        raise FileNotFoundError(f"no cases there: {' and '.join(map(str, manifests.values()))}")
    return found


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=["domaincaps", "domains"])
    parser.add_argument("--jobs", type=int, default=None, help="processes at once")
    parser.add_argument("--exotic", action="store_true", help="run the exotic domain cases as well")
    options = parser.parse_args()
    try:
        parts = _parts(options.folder, options.only)
    except FileNotFoundError as error:
        parser.error(str(error))
    passed = failed = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        if "domaincaps" in parts:
            reports = capability_cases(options.folder)
            verdicts = list(pool.map(judge, reports))
            failed += show([case.name for case in reports], verdicts)
            passed += len(reports)
        if "domains" in parts:
            domains = domain_cases(options.folder)
            chosen = [case for case in domains if options.exotic or not case.exotic]
            chosen = [case for case in chosen if case.case["xml"] is not None]
            verdicts = list(pool.map(judge_domain, chosen, chunksize=20))
            failed += show([case.name for case in chosen], verdicts)
            passed += len(chosen)
            if len(chosen) < len(domains):
                print(f"{len(domains) - len(chosen)} exotic domain cases were not run")
    print(f"{passed - failed} passed, {failed} failed")
    return 1 if failed else 0


def show(names: list[str], verdicts: list[str]) -> int:
    """Print the failures, and count them."""
    failures = [(name, verdict) for name, verdict in zip(names, verdicts, strict=True) if verdict]
    for name, verdict in failures:
        print(f"FAILED {name}: {verdict}")
    return len(failures)


if __name__ == "__main__":
    sys.exit(main())
