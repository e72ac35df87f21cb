"""Is each extended row listed if and only if it is accepted? ``python extended_rows.py``.

Takes every machine type of every shipped recording, and of the transcripts in a folder, on their
own host and on a rich one, in the newest release of libvirt that takes the QEMU. The domains of all
rows are judged for all machine types at once (``tests/machine_table.py``). What is listed comes
from the XML document for the first machine type of each recording; for the others the rows of a
kind are evaluated once for the machine types of a recording that accept the same domains of this
kind. ``--again N`` validates the domains of N rows of each recording and type, chosen at random,
through the public interface as well. Prints each
disagreement, and counts by kind.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

sys.path.insert(0, str(Path(__file__).parents[1]))

import domcaps
from domcaps.extended.capabilities import NAMESPACE
from domcaps.extended.kinds import MACHINE, RowKind, kinds
from domcaps.extended.rows import Values, domains_of, evaluate, rows_of
from drift_uses import DIALECTS, Subject, shipped_subjects, transcript_subjects
from machine_table import MachineVerdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.language import World

Rows = set[tuple[tuple[str, str], ...]]
LIBVIRT = DIALECTS[0]
_ROWS = 1700
"""How many rows a target has, about."""


def listed(text: str) -> dict[str, Rows]:
    """Read the rows of a document."""
    found: dict[str, Rows] = {}
    for rows in etree.fromstring(text.encode()).iterfind(f"{{{NAMESPACE}}}rows"):
        names = rows.get("columns", "").split()
        found[rows.get("name", "")] = {
            tuple((name, row.get(name, "")) for name in names) for row in rows
        }
    return found


def disagreements(
    host: domcaps.Host, machine: str, virttype: str, counts: Counter[str]
) -> Iterator[str]:
    """Compare one document with the verdicts of `Host.validate`, row by row."""
    world = host.world(machine=machine, virttype=virttype, libvirt=LIBVIRT)
    found = host.extended_capabilities(machine=machine, virttype=virttype, libvirt=LIBVIRT)
    document = listed(found.xml)
    of_kind = {kind.name: kind for kind in kinds()}
    for name, section in found.sections.items():
        for row in section.rows:
            values = tuple((column, row.values[column]) for column in section.columns)
            says = values in document[name]
            domains = [row.domain] if says else domains_of(of_kind[name], values, world)
            accepted = any(host.validate(domain, LIBVIRT).accepted for domain in domains)
            counts[f"{name}: {'listed' if says else 'not listed'}"] += 1
            if says != accepted:
                yield f"{host.origin} {machine} {virttype} {name} {dict(values)}: {says}"


@dataclass
class RowTally:
    """What was compared."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: RowTally) -> None:
        """Take over what another process compared."""
        self.counts += other.counts
        self.wrong += other.wrong


@dataclass(frozen=True)
class RecordedMachines:
    """One recording with a virtualization type: its machine types have consecutive numbers.

    `libvirt` is the newest release that takes the recorded QEMU.
    """

    subject: Subject
    host: domcaps.Host
    libvirt: str
    first: int
    worlds: tuple[World, ...]


def recorded_machines(
    subjects: Iterable[Subject], virttype: str
) -> dict[str, list[RecordedMachines]]:
    """Give the recordings that have a virtualization type, by releases of libvirt."""
    found: defaultdict[str, list[RecordedMachines]] = defaultdict(list)
    numbers: Counter[str] = Counter()
    for subject in subjects:
        host = subject.host()
        path = host.emulators.paths()[0]
        facts = host.emulators.get(path)
        if virttype not in facts.virttypes:
            continue
        libvirt = _newest(host, path, subject.arch, virttype)
        names = [one.name for one in facts.machines(virttype)]
        worlds = tuple(
            host.world(path, subject.arch, name, virttype, libvirt).again() for name in names
        )
        found[libvirt].append(RecordedMachines(subject, host, libvirt, numbers[libvirt], worlds))
        numbers[libvirt] += len(worlds)
    return found


def _newest(host: domcaps.Host, path: str, arch: str, virttype: str) -> str:
    """Give the newest release that takes a QEMU."""
    for libvirt in DIALECTS:
        try:
            host.world(path, arch, None, virttype, libvirt)
        except domcaps.UnsupportedTargetError:
            continue
        return libvirt
    raise ValueError(f"no release takes {path} of {host.origin}")


class Comparison:
    """The rows of some recordings of one architecture, for one virtualization type."""

    def __init__(self, found: Sequence[RecordedMachines], again: int) -> None:
        self._places = found
        self._again = again
        worlds = [world for place in found for world in place.worlds]
        self._verdicts = MachineVerdicts(worlds)
        self._random = random.Random(1)  # noqa: S311 - chooses what is validated again
        self._bits: dict[tuple[str, ...], tuple[int, ...]] = {}
        self.tally = RowTally()

    def run(self) -> RowTally:
        """Compare all rows of all kinds."""
        for place in self._places:
            document = self._document(place)
            for kind in kinds():
                self._kind(place, kind, document[kind.name])
        return self.tally

    def _document(self, place: RecordedMachines) -> dict[str, Rows]:
        target = place.worlds[0].target
        named = target.emulator, target.arch, target.machine, target.virttype
        return listed(place.host.extended_capabilities(*named, place.libvirt).xml)

    def accepting(self, kind: RowKind, values: Values, world: World) -> tuple[int, ...]:
        """Give for each domain of a row the worlds that accept it, whatever machine it names."""
        plain = tuple((name, value) for name, value in values if name != MACHINE)
        key = kind.name, *itertools.chain.from_iterable(plain)
        if key not in self._bits:
            domains = domains_of(kind, values, world)
            self._bits[key] = tuple(self._verdicts.accepting(one.encode()) for one in domains)
        return self._bits[key]

    def _kind(self, place: RecordedMachines, kind: RowKind, document: Rows) -> None:
        rows = [*rows_of(kind, place.worlds[0])]
        bits = [self.accepting(kind, values, place.worlds[0]) for values in rows]
        names_machine = any(column.path == MACHINE for column in kind.columns)
        if names_machine:
            numbers = {w.target.machine: place.first + n for n, w in enumerate(place.worlds)}
            wanted = {
                v for v, b in zip(rows, bits, strict=True) if _in(b, numbers[dict(v)[MACHINE]])
            }
            self._compare(place, kind, rows, document, wanted, place.worlds)
            return
        groups: defaultdict[tuple[int, ...], list[World]] = defaultdict(list)
        for number, world in enumerate(place.worlds, place.first):
            flat = itertools.chain.from_iterable(bits)
            groups[tuple(one >> number & 1 for one in flat)].append(world)
        for group in groups.values():
            number = place.first + place.worlds.index(group[0])
            wanted = {v for v, b in zip(rows, bits, strict=True) if _in(b, number)}
            is_first = group[0] is place.worlds[0]
            found = document if is_first else _listed(place, kind, group[0])
            self._compare(place, kind, rows, found, wanted, group)

    def _compare(self, place: RecordedMachines, kind: RowKind, rows: Sequence[Values], found: Rows,
                 wanted: Rows, group: Sequence[World]) -> None:  # fmt: skip
        times = 1 if group is place.worlds else len(group)
        # machine types of a group accept the same domains, so that one stands for all
        self.tally.counts[f"{kind.name}: listed"] += times * len(wanted)
        self.tally.counts[f"{kind.name}: not listed"] += times * (len(rows) - len(wanted))
        self.tally.counts["evaluated"] += len(rows)
        about = f"{place.subject} {group[0].target.machine} {group[0].target.virttype} {kind.name}"
        for values in sorted(found ^ wanted):
            self.tally.wrong.append(f"{about} {dict(values)}: listed is {values in found}")
        self._validate_again(place, kind, rows, wanted, group)

    def _validate_again(self, place: RecordedMachines, kind: RowKind, rows: Sequence[Values],
                        wanted: Rows, group: Sequence[World]) -> None:  # fmt: skip
        """Validate some rows for some of the machine types, for themselves."""
        share = self._again * len(rows) * len(group) / (_ROWS * len(place.worlds))
        for _ in range(int(share) + (self._random.random() < share % 1)):
            values, world = self._random.choice(rows), self._random.choice(group)
            self.tally.counts["validated again"] += 1
            if _validated(place, kind, values, world) != (values in wanted):
                about = f"{place.subject} {world.target.machine} {world.target.virttype}"
                self.tally.wrong.append(f"{about} {kind.name} {dict(values)}: validate differs")


def _in(bits: Iterable[int], number: int) -> bool:
    return any(one >> number & 1 for one in bits)


def _listed(place: RecordedMachines, kind: RowKind, world: World) -> Rows:
    """Evaluate the rows of one kind for a machine type."""
    opener = partial(place.host.known_world, libvirt=place.libvirt)
    (section,) = evaluate(world, opener, (kind,))
    return {tuple(row.values.items()) for row in section.rows if row.accepted}


def _validated(place: RecordedMachines, kind: RowKind, values: Values, world: World) -> bool:
    domains = domains_of(kind, values, world)
    return any(place.host.validate(domain, place.libvirt).accepted for domain in domains)


def compare(subjects: Sequence[Subject], virttype: str, again: int) -> tuple[int, RowTally]:
    """Compare the rows of recordings of one architecture; gives the machine types as well."""
    tally, machines = RowTally(), 0
    for libvirt, found in recorded_machines(subjects, virttype).items():
        tally.add(Comparison(found, again).run())
        number = sum(len(place.worlds) for place in found)
        tally.counts[f"machine types, libvirt {libvirt}"] += number
        machines += number
    return machines, tally


def main() -> int:
    """Compare what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(__file__).parents[3] / "shared" / "conformance" / "replies"
    parser.add_argument("--transcripts", type=Path, default=shared, help="folder of transcripts")
    parser.add_argument("--only", default="", help="recordings with this in their name")
    parser.add_argument("--again", type=int, default=20, help="rows to validate once more")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    options = parser.parse_args()
    if not options.transcripts.is_dir():
        print(f"no transcripts in {options.transcripts}: shipped recordings only", file=sys.stderr)
    by_arch: defaultdict[str, list[Subject]] = defaultdict(list)
    for one in (*shipped_subjects(), *transcript_subjects(options.transcripts)):
        if options.only in str(one):
            by_arch[one.arch].append(one)
    total, targets, start = RowTally(), 0, time.monotonic()
    tasks = [*itertools.product(sorted(by_arch), ("qemu", "kvm", "hvf"))]
    with ProcessPoolExecutor(options.jobs, max_tasks_per_child=1) as pool:
        done = {task: pool.submit(compare, by_arch[task[0]], task[1], options.again)
                for task in tasks}  # fmt: skip
        for (arch, virttype), result in done.items():
            machines, tally = result.result()
            targets += machines
            total.add(tally)
            print(f"{arch} {virttype}: {machines} machine types, {len(tally.wrong)} disagree, "
                  f"{time.monotonic() - start:.0f} s", flush=True)  # fmt: skip
            for text in tally.wrong[:20]:
                print(f"  {text}", flush=True)
    show(total, targets)
    return 1 if total.wrong else 0


def show(total: RowTally, targets: int) -> None:
    """Print what came of it."""
    rows = sum(n for name, n in total.counts.items() if name.endswith("listed"))
    for name, count in sorted(total.counts.items()):
        print(f"{count:9} {name}")
    print(f"{rows} rows of {targets} targets, {len(total.wrong)} disagreements")


if __name__ == "__main__":
    sys.exit(main())
