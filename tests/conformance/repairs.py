"""Repair the rejected domains of a folder of cases: ``python tests/conformance/repairs.py DIR``.

Prints each domain that is not repaired and each repair that takes something away, and counts.
Accepted domains must be given back as they are.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import DomainCase, _domain_host, domain_cases

import domcaps


@dataclass
class Outcome:
    """What came of one case."""

    name: str
    kind: str = ""
    text: str = ""
    seconds: float = 0.0
    edits: int = 0
    proven: bool = False
    removed: str = ""
    devices: tuple[tuple[str, str, str], ...] = ()
    """Devices that were taken away: each with the code and the words of its finding."""


@cache
def _hosts() -> dict[tuple[str, str], domcaps.Host]:
    return {}


def _host(case: DomainCase) -> domcaps.Host:
    key = (case.case["caps"], repr(case.case["extra"]))
    known = _hosts()
    if key not in known:
        known[key] = _domain_host(case)
    return known[key]


def repair_case(case: DomainCase) -> Outcome:
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
    outcome.kind = "repaired" if repaired.accepted and after.accepted else "not repaired"
    outcome.text = "; ".join(change.what for change in repaired.changes) or "; ".join(
        f"{f.code}: {f.message}" for f in before.errors
    )
    outcome.edits, outcome.proven = len(repaired.changes), repaired.proven
    outcome.removed = ", ".join(change.removes for change in repaired.removals)
    outcome.devices = tuple(
        (change.removes, change.code, change.reason)
        for change in repaired.removals
        if _is_device(change.path, change.removes)
    )
    return outcome


def _is_device(path: str, removes: str) -> bool:
    """Tell whether a whole device went, and not a part or a setting of one."""
    above, _, last = path.partition("/@")[0].rpartition("/")
    return above == "/domain/devices" and removes.startswith(f"<{last.partition('[')[0]}")


def main() -> int:
    """Run the cases that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true", help="print every repair")
    parser.add_argument(
        "--table", action="store_true", help="print the devices that were taken away as a table"
    )
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    cases = [c for c in domain_cases(options.folder) if not c.exotic]
    with ProcessPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(repair_case, cases, chunksize=10))
    kinds: dict[str, int] = {}
    for outcome in outcomes:
        kinds[outcome.kind] = kinds.get(outcome.kind, 0) + 1
        if outcome.kind in {"CHANGED", "not repaired", "no XML"}:
            print(f"{outcome.kind} {outcome.name}: {outcome.text}")
        elif outcome.removed:
            print(f"removes {outcome.removed} {outcome.name}: {outcome.text}")
        elif options.verbose and outcome.edits:
            print(f"{outcome.edits} {outcome.name}: {outcome.text}")
    repaired = [outcome for outcome in outcomes if outcome.kind == "repaired"]
    several = [outcome for outcome in repaired if outcome.edits > 1]
    unproven = sum(not outcome.proven for outcome in repaired)
    times = sorted(o.seconds for o in outcomes if o.kind in {"repaired", "not repaired"})
    print(f"{len(cases)} domains: {', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))}")
    removing = sum(bool(outcome.removed) for outcome in repaired)
    print(
        f"{len(several)} needed several edits; {removing} take something away; "
        f"{unproven} searches were given up"
    )
    if times:
        late = times[len(times) * 9 // 10]
        print(
            f"CPU time of a repair: median {1000 * times[len(times) // 2]:.0f} ms, 90 % below "
            f"{1000 * late:.0f} ms, longest {1000 * times[-1]:.0f} ms"
        )
    without = [outcome for outcome in repaired if outcome.devices]
    if options.table:
        print("| domain | device | what the finding says |\n|---|---|---|")
    for outcome in without if options.table else ():
        for device, code, reason in outcome.devices:
            print(f"| {outcome.name} | {device} | {reason} `{code}` |")
    print(f"{len(without)} of {len(repaired)} repairs take a device away")
    refused = len(repaired) + kinds.get("not repaired", 0)
    print(f"{len(repaired)} of {refused} repaired")
    return 1 if kinds.get("CHANGED") or len(repaired) * 10 < refused * 9 else 0


if __name__ == "__main__":
    sys.exit(main())
