"""Where do `validate` and `try` agree? ``python tried.py FOLDER [--count N] [--only TEXT]``.

Every domain in FOLDER, and in folders below, is validated for this host and started with its real
QEMU. A refused one is started, too. Prints each domain on which both disagree, and ends with ``N of
M agree``; not counted are domains that have no command line, or name an emulator or a machine type
that this host does not have. The exit code is 0 only where at least ``--least`` percent agree.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import domcaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.verify.whole.trial import DomainTrial

_NO_TARGET = ("emulator-", "domain-type-", "os-type-", "domain-unreadable", "xml-")
"""What the codes begin with of domains that can't be started here at all."""


def trial_of(host: domcaps.LiveHost, data: bytes, libvirt: str) -> tuple[DomainTrial | None, str]:
    """Give the trial of a domain, or why there is none."""
    try:
        trial = host.try_domain(data, libvirt)
        if trial.accepted:
            return trial, ""
        errors = trial.validation.errors if trial.validation else ()
        if any(finding.code.startswith(_NO_TARGET) for finding in errors):
            return None, errors[0].code
        other = host.try_domain(data, libvirt, judge=False)
    except domcaps.DomcapsError as error:
        return None, type(error).__name__
    if other.verdict == "starts":
        print(f"  refused by validate, started: {errors[0].code}: {errors[0].message}")
    return other, "" if other.verdict == "refused" else "refused"


def disagreements(trial: DomainTrial) -> Iterator[str]:
    """Say what QEMU said of a domain that was accepted."""
    for said in trial.errors:
        yield f"  {said.path}:{said.line}: {said.text}"


def main() -> int:
    """Try as many as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=0, help="take so many, chosen at random")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--only", default="", help="files whose names hold this text")
    parser.add_argument("--libvirt", default="auto")
    parser.add_argument("--least", type=float, default=0.0, help="percentage to reach")
    options = parser.parse_args()
    host = domcaps.Host.local()
    paths = [p for p in sorted(options.folder.rglob("*.xml")) if options.only in p.name]
    if options.count:
        paths = random.Random(options.seed).sample(paths, min(options.count, len(paths)))  # noqa: S311
    counts: Counter[str] = Counter()
    for path in paths:
        trial, why = trial_of(host, path.read_bytes(), options.libvirt)
        if trial is None:
            counts[f"not started: {why}"] += 1
            continue
        if trial.verdict == "not tried":
            counts["not tried"] += 1
            print(f"{path.name}: not tried: {trial.reason}", flush=True)
            continue
        agrees = bool(trial.accepted) == (trial.verdict == "starts") if why == "" else False
        agrees = agrees or (trial.accepted is None and trial.verdict == "refused")
        kind = "refused by validate" if trial.accepted is None else "accepted by validate"
        counts[f"{kind}, {trial.verdict}"] += 1
        if not agrees:
            print(
                f"{path.name}: {kind}, {trial.verdict}", *disagreements(trial), sep="\n", flush=True
            )
    for kind, count in counts.most_common():
        print(f"{count:5} {kind}")
    agreed = counts["accepted by validate, starts"] + counts["refused by validate, refused"]
    tried = agreed + counts["accepted by validate, refused"] + counts["refused by validate, starts"]
    print(f"{agreed} of {tried} agree")
    return 0 if agreed * 100 >= options.least * tried else 1


if __name__ == "__main__":
    sys.exit(main())
