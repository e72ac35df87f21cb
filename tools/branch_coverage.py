"""Tell how many branches of some packages the tests reach: ``branch_coverage.py FILE LEAST NAME…``.

FILE is a report of coverage.py in JSON, NAME a package of domcaps. Lists the branches that are not
reached, by file, and fails where a package reaches fewer than LEAST per cent. coverage.py itself
knows one threshold for all together, of lines and branches mixed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path, PurePath
from typing import Any


def measure(files: dict[str, Any], package: str) -> tuple[int, int, list[str]]:
    """Give the branches that were reached, all there are, and a line for each file that lacks."""
    reached = there = 0
    lacking = []
    for path, found in sorted(files.items()):
        if PurePath(path).parent.parts[-2:] != ("domcaps", package):
            continue
        summary = found["summary"]
        reached += summary["covered_branches"]
        there += summary["num_branches"]
        if found["missing_branches"]:
            missing = ", ".join(f"{begin}→{end}" for begin, end in found["missing_branches"])
            lacking.append(f"  {PurePath(path).name}: {missing}")
    return reached, there, lacking


def main() -> int:
    """Print what was measured."""
    report, least, *packages = sys.argv[1:]
    files = json.loads(Path(report).read_text())["files"]
    enough = True
    for package in packages:
        reached, there, lacking = measure(files, package)
        share = 100 * reached / there if there else 0.0
        print(f"{package}: {reached} of {there} branches, {share:.1f} %", *lacking, sep="\n")
        enough = enough and share >= float(least)
    if not enough:
        print(f"fewer than {least} % of the branches are reached", file=sys.stderr)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
