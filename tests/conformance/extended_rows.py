"""Is each extended row listed if and only if it is accepted? ``python extended_rows.py [--all]``.

For shipped recordings and machine types, the rows of the XML document are compared with verdicts:
of each row the domains that use its values are validated again, through the public interface. The
values are read from the document, not taken from what made it. Prints each disagreement, and counts
by kind. ``--all`` takes every machine type, otherwise ``--machines`` of each recording.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from lxml import etree

import domcaps
from domcaps.extended.capabilities import NAMESPACE
from domcaps.extended.kinds import kinds
from domcaps.extended.rows import domains_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Listed = dict[str, set[tuple[tuple[str, str], ...]]]


def listed(text: str) -> Listed:
    """Read the rows of a document."""
    found: Listed = {}
    for rows in etree.fromstring(text.encode()).iterfind(f"{{{NAMESPACE}}}rows"):
        names = rows.get("columns", "").split()
        found[rows.get("name", "")] = {
            tuple((name, row.get(name, "")) for name in names) for row in rows
        }
    return found


def disagreements(
    host: domcaps.Host, machine: str, virttype: str, counts: Counter[str]
) -> Iterator[str]:
    """Compare one document with verdicts."""
    world = host.world(machine=machine, virttype=virttype, libvirt="12.8")
    found = host.extended_capabilities(machine=machine, virttype=virttype, libvirt="12.8")
    document = listed(found.xml)
    of_kind = {kind.name: kind for kind in kinds()}
    for name, section in found.sections.items():
        for row in section.rows:
            values = tuple((column, row.values[column]) for column in section.columns)
            says = values in document[name]
            domains = [row.domain] if says else domains_of(of_kind[name], values, world)
            accepted = any(host.validate(domain, "12.8").accepted for domain in domains)
            counts[f"{name}: {'listed' if says else 'not listed'}"] += 1
            if says != accepted:
                yield f"{host.origin} {machine} {virttype} {name} {dict(values)}: {says}"


def machines_of(host: domcaps.Host, virttype: str, most: int | None) -> list[str]:
    """Choose machine types, those with an alias first."""
    known = host.emulators.get(host.emulators.paths()[0]).machines(virttype)
    names = sorted(known, key=lambda one: not one.alias)
    return [one.name for one in names[:most]]


def main() -> int:
    """Compare what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every machine type")
    parser.add_argument("--machines", type=int, default=1, help="how many, without --all")
    parser.add_argument("--only", default="", help="recordings with this in their name")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong = targets = 0
    for name in (one for one in domcaps.shipped_names() if options.only in one):
        host = domcaps.Host.open(f"shipped:{name}")
        for virttype in host.emulators.get(host.emulators.paths()[0]).virttypes:
            for machine in machines_of(host, virttype, None if options.all else options.machines):
                targets += 1
                for one in disagreements(host, machine, virttype, counts):
                    wrong += 1
                    print(one)
        print(f"{name}: {sum(counts.values())} rows so far, {wrong} disagree", flush=True)
    for kind, count in sorted(counts.items()):
        print(f"{count:8} {kind}")
    print(f"{sum(counts.values())} rows of {targets} targets, {wrong} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
