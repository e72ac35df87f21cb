"""Compare report and validator on every recorded emulator: ``python no_drift.py [--all]``.

What ``tests/properties/test_no_drift.py`` does with some machine types of each emulator, this does
with more: with ``--all`` for every machine type in every dialect. Prints each disagreement with one
target, what the drift list excused, and how many values and enums were compared; exits with 0 only
where no disagreement was found.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from drift_uses import (
    DIALECTS,
    USES,
    Tally,
    compare_subject,
    enums,
    shipped_subjects,
    transcript_subjects,
)


def main() -> int:
    """Compare what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(__file__).parents[3] / "shared" / "conformance" / "replies"
    parser.add_argument("--transcripts", type=Path, default=shared, help="folder of transcripts")
    parser.add_argument("--all", action="store_true", help="every machine type")
    parser.add_argument("--machines", type=int, default=4, help="how many, without --all")
    parser.add_argument("--dialects", nargs="+", default=DIALECTS)
    parser.add_argument("--only", default="", help="emulators with this in their name")
    parser.add_argument("--jobs", type=int, default=None, help="processes at once")
    options = parser.parse_args()
    if not options.transcripts.is_dir():
        print(f"no transcripts in {options.transcripts}: shipped recordings only", file=sys.stderr)
    chosen = [
        one
        for one in (*shipped_subjects(), *transcript_subjects(options.transcripts))
        if options.only in str(one)
    ]
    most = None if options.all else options.machines
    total = Tally()
    with ProcessPoolExecutor(options.jobs) as pool:
        tallies = pool.map(compare_subject, chosen, repeat(most), repeat(tuple(options.dialects)))
        for subject, tally in zip(chosen, tallies, strict=True):
            print(f"{subject}: {tally.compared} compared, {sum(tally.wrong.values())} disagree",
                  flush=True)  # fmt: skip
            total.add(tally)
    show(total)
    return 1 if total.wrong else 0


def show(total: Tally) -> None:
    """Print what came of it."""
    for text, times in total.wrong.most_common():
        print(f"DRIFT {text} ({times} times; {total.example[text]})")
    for text, times in total.excused.most_common():
        print(f"known drift: {text} ({times} times)")
    both = total.seen_both_ways()
    print(
        f"{total.compared} comparisons of {len(USES)} values in {len(total.enums_seen())} of "
        f"{len(enums())} enums; {len(both)} values seen listed and not listed; "
        f"{sum(total.excused.values())} known drifts, {sum(total.wrong.values())} disagreements"
    )


if __name__ == "__main__":
    sys.exit(main())
