"""Mend the rejected domains of a folder of cases: ``python tests/conformance/repairs.py DIR``.

Prints each domain that is not mended, and counts. ``--exhaustive`` looks for a mending by fewer
edits among all edits of a value and all removals, of domains that are small enough; accepted
domains must be given back as they are.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import DomainCase, _domain_host, domain_cases

import domcaps
from domcaps.choose.edits import Edits
from domcaps.choose.text import Text

MOST_PAIRS = 20_000


@dataclass
class Outcome:
    """What came of one case."""

    name: str
    kind: str = ""
    text: str = ""
    seconds: float = 0.0
    edits: int = 0
    proven: bool = False
    fewer: str = ""
    searched: int = 0


@cache
def _hosts() -> dict[tuple[str, str], domcaps.Host]:
    return {}


def _host(case: DomainCase) -> domcaps.Host:
    key = (case.case["caps"], repr(case.case["extra"]))
    known = _hosts()
    if key not in known:
        known[key] = _domain_host(case)
    return known[key]


def mend(case: DomainCase, *, exhaustive: bool = False) -> Outcome:
    """Mend one."""
    outcome = Outcome(case.name)
    host = _host(case)
    new = bool(case.case["abi_update"])
    before = host.validate(case.xml, case.dialect, new=new)
    outcome.kind = "accepted" if before.accepted else "refused"
    begin = time.process_time()
    try:
        repaired = host.repair(case.xml, case.dialect, new=new)
    except domcaps.DomcapsError as error:
        outcome.kind, outcome.text = "no XML", str(error)
        return outcome
    outcome.seconds = time.process_time() - begin
    if before.accepted:
        unchanged = repaired.data == case.xml and not repaired.changes
        outcome.kind = "unchanged" if unchanged else "CHANGED"
        return outcome
    after = host.validate(repaired.data, case.dialect, new=new)
    outcome.kind = "mended" if repaired.accepted and after.accepted else "not mended"
    outcome.text = "; ".join(change.what for change in repaired.changes) or "; ".join(
        f"{f.code}: {f.message}" for f in before.errors
    )
    outcome.edits, outcome.proven = len(repaired.changes), repaired.proven
    if exhaustive and outcome.kind == "mended" and outcome.edits > 1:
        outcome.fewer, outcome.searched = _fewer(host, case, outcome.edits - 1, new=new)
    return outcome


def _fewer(host: domcaps.Host, case: DomainCase, most: int, *, new: bool) -> tuple[str, int]:
    """Look for a mending by fewer edits; give it, and by how many edits was looked."""
    emulator = host.world().emulator
    machines = [m.alias for m in emulator.machines("qemu") if m.alias], emulator.virttypes
    singles = [edit.apply() for edit in Edits(Text(case.xml), *machines).all()]
    for data in singles:
        if host.validate(data, case.dialect, new=new).accepted:
            return data.decode(errors="replace"), 1
    if most < 2 or len(singles) ** 2 > MOST_PAIRS:
        return "", 1
    for data in singles:
        try:
            seconds = Edits(Text(data), *machines).all()
        except domcaps.DomcapsError:
            continue
        for edit in itertools.islice(seconds, MOST_PAIRS):
            if host.validate(edit.apply(), case.dialect, new=new).accepted:
                return data.decode(errors="replace"), 2
    return "", 2


def _mend_exhaustively(case: DomainCase) -> Outcome:
    return mend(case, exhaustive=True)


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="print every mending")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    cases = [c for c in domain_cases(options.folder) if not c.exotic]
    with ProcessPoolExecutor(options.jobs) as pool:
        job = _mend_exhaustively if options.exhaustive else mend
        outcomes = list(pool.map(job, cases, chunksize=10))
    kinds: dict[str, int] = {}
    for outcome in outcomes:
        kinds[outcome.kind] = kinds.get(outcome.kind, 0) + 1
        if outcome.kind in {"CHANGED", "not mended", "no XML"} or outcome.fewer:
            print(f"{outcome.kind} {outcome.name}: {outcome.text} {outcome.fewer}")
        elif options.verbose and outcome.edits:
            print(f"{outcome.edits} {outcome.name}: {outcome.text}")
    mended = [outcome for outcome in outcomes if outcome.kind == "mended"]
    several = [outcome for outcome in mended if outcome.edits > 1]
    unproven = sum(not outcome.proven for outcome in mended)
    times = sorted(o.seconds for o in outcomes if o.kind in {"mended", "not mended"})
    print(f"{len(cases)} domains: {', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))}")
    print(f"{len(several)} needed several edits; {unproven} are not proven to be the fewest")
    if options.exhaustive:
        fewer = sum(bool(outcome.fewer) for outcome in several)
        print(f"of {len(several)} with several edits, {fewer} can be mended by fewer")
    if times:
        late = times[len(times) * 9 // 10]
        print(
            f"CPU time of a repair: median {1000 * times[len(times) // 2]:.0f} ms, 90 % below "
            f"{1000 * late:.0f} ms, longest {1000 * times[-1]:.0f} ms"
        )
    refused = len(mended) + kinds.get("not mended", 0)
    print(f"{len(mended)} of {refused} mended")
    return 1 if kinds.get("CHANGED") or len(mended) * 10 < refused * 9 else 0


if __name__ == "__main__":
    sys.exit(main())
