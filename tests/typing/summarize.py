"""Count what is wrong with the domains in a folder, by code and severity."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps


def summarize(host: domcaps.Host, folder: Path) -> domcaps.Summary:
    results: dict[Path, domcaps.Validation] = host.validate_folder(folder)
    for file, result in results.items():
        print(f"{file}: {result.verdict}")
        for finding in result.findings:
            print(f"  {finding}")
    return domcaps.summarize(results.values())


def main(name: str, folder: Path) -> int:
    try:
        found = summarize(domcaps.Host.open(name), folder)
    except domcaps.DomcapsError as error:  # no such recording, or no such folder
        print(error, file=sys.stderr)
        return 2
    print(f"{found.accepted} accepted, {found.refused} refused")
    for count in found.codes:
        if count.severity is not domcaps.Severity.NOTICE:
            print(f"{count.findings} {count.severity.value} {count.code}")
    for sentence in found.unknown:
        print(f"not checked: {sentence}")
    return 1 if found.refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
