"""Plant slips in the table's predicates, and see that `domcaps verify` finds them.

``python tools/plant_defects.py [--count 20] [--seed 1] [--cases DIR]``: slips are picked at random
from all that `mutate_table` can think of. Each is planted by itself. One that changes no report of
an emulator of this machine is passed over; with the others the real QEMU is started. A slip is
found when report and emulator disagree about what it changed. Should they not, as where QEMU is
told nothing, the recorded cases of DIR are asked, where it is given, and then the unit tests of the
report. The exit code is 1 where nobody noticed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "conformance"))

from corpus import capability_cases
from mutate_table import OF_REPORTS, Cases, UnitTests
from planting import Defect, defects, fresh

import domcaps
from domcaps.errors import DomcapsError
from domcaps.verify.engine import verify_target
from domcaps.verify.plan import MACHINE, Attempt, plan
from domcaps.verify.throwaway import throwaway_folder
from domcaps.verify.trying import QemuTrier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import World

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


def attempts(world: World) -> dict[str, Attempt]:
    return {attempt.path: attempt for attempt in plan(fresh(world))}


def changed(defect: Defect, world: World, sound: dict[str, Attempt]) -> list[Attempt]:
    """Give what is to be tried because a slip changed what is promised, the machine first."""
    restore = defect.plant()
    try:
        slipped = attempts(world)
    finally:
        restore()
    found = [
        attempt
        for path, attempt in slipped.items()
        if path not in sound or sound[path].promised != attempt.promised
    ]
    return [slipped[MACHINE], *found] if found else []


def disagreement(world: World, wanted: list[Attempt]) -> str:
    """Start the real QEMU, and tell what disagrees, "" where nothing does."""
    with throwaway_folder() as folder:
        result = asyncio.run(verify_target(world, wanted, QemuTrier(2, folder)))
    for tried in result.tried:
        if tried.disagreement and tried.path != MACHINE:
            target = world.target
            return f"{tried.disagreement} {tried.path} ({target.machine}, {target.virttype})"
    return ""


def by_others(defect: Defect, cases: Cases, tests: UnitTests) -> str:
    """Tell who else notices, "" where nobody does."""
    if cases.notice(defect):
        return "recorded cases"
    restore = defect.plant()
    try:
        return "unit tests" if tests.fail() else ""
    finally:
        restore()


def main() -> int:
    """Plant them one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=Path)
    options = parser.parse_args()
    slips = list(defects())
    random.Random(options.seed).shuffle(slips)  # noqa: S311 - nothing secret
    cases = Cases(capability_cases(options.cases) if options.cases else [])
    tests = UnitTests(OF_REPORTS)
    here = [(world, attempts(world)) for world in worlds()]
    planted = passed_over = by_verify = unnoticed = 0
    for defect in slips:
        if planted == options.count:
            break
        visible = [(w, wanted) for w, sound in here if (wanted := changed(defect, w, sound))]
        if not visible:
            passed_over += 1
            continue
        planted += 1
        seen = next(filter(None, (disagreement(w, wanted) for w, wanted in visible)), "")
        by_verify += bool(seen)
        if not seen:
            seen = by_others(defect, cases, tests)
        unnoticed += not seen
        print(f"{'found' if seen else 'MISSED'}: {defect.name[:100]} — {seen}", flush=True)
    print(
        f"{planted} planted: {by_verify} found by verify, "
        f"{planted - by_verify - unnoticed} by cases or tests, {unnoticed} by nobody; "
        f"{passed_over} change no report here and were passed over"
    )
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
