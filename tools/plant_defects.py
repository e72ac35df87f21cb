"""Plant slips in the table's predicates, and see that `domcaps verify` finds them.

``python tools/plant_defects.py [--count 20] [--seed 1] [--cases DIR]``: slips are picked at random
from all that `mutate_table` can think of. Each is planted by itself. One that changes no report of
an emulator of this machine is passed over; with the others the real QEMU is started. A slip is
found when report and emulator disagree about what it changed. Should they not, the recorded cases
of DIR are asked, where it is given. The exit code is 1 where nobody noticed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from typing import TYPE_CHECKING

import mutate_table
from corpus import capability_cases, case_world

import domcaps
from domcaps.elements import table
from domcaps.errors import DomcapsError
from domcaps.language import Element, World, parse_dialect
from domcaps.report import document
from domcaps.report.answer import evaluate
from domcaps.verify import plan as planning
from domcaps.verify.engine import verify_target
from domcaps.verify.trying import QemuTrier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.verify.plan import Attempt

MACHINES = {
    "x86_64": ("pc", "q35", "microvm"),
    "aarch64": ("virt",),
    "arm": ("virt",),
    "ppc64": ("pseries",),
    "s390x": ("s390-ccw-virtio",),
    "riscv64": ("virt",),
    "loongarch64": ("virt",),
}


def worlds() -> Iterator[World]:
    """Give the targets of this machine."""
    host = domcaps.Host.local()
    for arch, machines in MACHINES.items():
        for machine in machines:
            for virttype in ("kvm", "qemu"):
                try:
                    path = host.emulators.find(f"qemu-system-{arch}")
                    yield host.world(path or None, machine=machine, virttype=virttype)
                except DomcapsError:
                    continue


@contextmanager
def planted(before: Element, after: Element) -> Iterator[None]:
    """Have the table say something else."""
    elements = tuple(after if element is before else element for element in table())
    document.table = planning.table = lambda: elements  # type: ignore[assignment, attr-defined]
    try:
        yield
    finally:
        document.table = planning.table = table  # type: ignore[attr-defined]


def attempts(world: World) -> dict[str, Attempt]:
    return {attempt.path: attempt for attempt in planning.plan(mutate_table.fresh(world))}


def changed(before: Element, after: Element, world: World) -> list[Attempt]:
    """Give what is to be tried because a slip changed what is promised, the machine first."""
    sound = attempts(world)
    with planted(before, after):
        slipped = attempts(world)
    found = [
        attempt
        for path, attempt in slipped.items()
        if path not in sound or sound[path].promised != attempt.promised
    ]
    return [slipped[planning.MACHINE], *found] if found else []


def disagreement(world: World, wanted: list[Attempt]) -> str:
    """Start the real QEMU, and tell what disagrees, "" where nothing does."""
    result = asyncio.run(verify_target(world, wanted, QemuTrier(2)))
    for tried in result.tried:
        if tried.disagreement and tried.path != planning.MACHINE:
            target = world.target
            return f"{tried.disagreement} {tried.path} ({target.machine}, {target.virttype})"
    return ""


def found_by_cases(before: Element, after: Element, cases: list[World]) -> bool:
    """Tell whether a case comes out differently, also by what shares the slip in older dialects."""
    fresh = mutate_table.fresh
    twins = [
        (twin, replace(twin, content=after.content))
        for twin in table()
        if twin is not before and twin.name == before.name and twin.content == before.content
    ]
    return any(
        evaluate(one, fresh(w)) != evaluate(other, fresh(w))
        for one, other in [(before, after), *twins]
        for w in cases
    )


def main() -> int:
    """Plant them one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=Path)
    options = parser.parse_args()
    mutate_table.DIALECT = parse_dialect("12.8")
    slips = [(e, name, m) for e in table() for name, m in mutate_table.mutants(e)]
    random.Random(options.seed).shuffle(slips)  # noqa: S311 - nothing secret
    cases = []
    if options.cases:
        cases = [case_world(case) for case in capability_cases(options.cases)]
    here = list(worlds())
    planted_so_far = passed_over = by_verify = unnoticed = 0
    for element, name, mutant in slips:
        if planted_so_far == options.count:
            break
        visible = [(w, wanted) for w in here if (wanted := changed(element, mutant, w))]
        if not visible:
            passed_over += 1
            continue
        planted_so_far += 1
        seen = next(filter(None, (disagreement(w, wanted) for w, wanted in visible)), "")
        by_verify += bool(seen)
        if not seen and found_by_cases(element, mutant, cases):
            seen = "recorded cases"
        unnoticed += not seen
        print(f"{'found' if seen else 'MISSED'}: {name[:100]} — {seen}", flush=True)
    print(
        f"{planted_so_far} planted: {by_verify} found by verify, "
        f"{planted_so_far - by_verify - unnoticed} by recorded cases, {unnoticed} by nobody; "
        f"{passed_over} change no report here and were passed over"
    )
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
