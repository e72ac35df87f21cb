"""Count what is wrong with the domains in a folder, by code and severity."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import domcaps


def summarize(host: domcaps.Host, folder: Path) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for file in sorted(folder.rglob("*.xml")):
        result: domcaps.Validation = host.validate(file.read_bytes(), ignore=["unknown-attribute"])
        print(f"{file.name}: {result.verdict}")
        for finding in (*result.findings, *result.notices):
            counts[finding.code, finding.severity] += 1
            if finding.stage is domcaps.Stage.START:
                print(f"  {finding}")
            if finding.severity is domcaps.Severity.ERROR and finding.reason is not None:
                print(f"  {finding.reason}")
        if not result.accepted:
            fixed: domcaps.Repair = host.repair(file.read_bytes())
            print(fixed.diff)
    return counts


if __name__ == "__main__":
    for (code, severity), number in summarize(
        domcaps.Host.open(sys.argv[1]), Path(sys.argv[2])
    ).most_common():
        print(number, severity, code)
