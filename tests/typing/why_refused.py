"""Say for each error of a domain why the host refuses it, and what would help."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps


def main(name: str, file: Path) -> None:
    host = domcaps.Host.open(name)
    data = file.read_bytes()
    for finding in host.validate(data).errors:
        print(f"{file}:{finding}")
        if finding.accepted:
            print(f"  accepted: {', '.join(finding.accepted)}")
        if finding.why:  # a fact of the host or of the target decided
            print("  because:", *finding.why, sep="\n    ")
    try:
        uses = host.explain_domain(data).uses
    except domcaps.DomainError:  # not XML, or no target that this host has
        return
    for use in uses:
        if use.explanation.truth is domcaps.Truth.NO:
            print(f"{file}:{use.line}: {use.explanation.path} could be {', '.join(use.instead)}")
            for change in use.explanation.changes:
                print(f"  {change.effort}: {change.how or change.statement}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
