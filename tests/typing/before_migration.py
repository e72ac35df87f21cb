"""Tell what becomes of a domain that is to be migrated, and what to change for it."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps

LONG: tuple[domcaps.DifferenceKind, ...] = ("machine type", "machine alias", "CPU model")


def compare(source: domcaps.Host, target: domcaps.Host, xml: bytes) -> domcaps.Comparison:
    found = domcaps.compare(source, target, xml, for_domain=True)
    for difference in found.differences:
        if difference.kind not in LONG:
            print(difference, *difference.because)
    return found


def is_accepted(found: domcaps.DomainDifference) -> bool:
    print(f"{found.before} before, {found.after} after")
    for change in found.changes:
        print(f"used by the domain: {change}")
    for finding in found.gone:
        print(f"no longer found: {finding}")
    for finding in found.new:
        print(f"new: {finding}")
    return found.after == "accepted"


def convert(target: domcaps.Host, xml: bytes) -> bool:
    done: domcaps.Conversion = target.convert(xml)
    for edit in done.repair.changes:
        print(f"line {edit.place}: {edit.what}")
    for notice in done.notices:
        print(f"visible in the guest: {notice.text}")
    for finding, advice in done.repair.left:
        print(f"left: {finding}", *advice, sep="\n  ")
    return done.accepted


def main(before: str, after: str, file: str) -> int:
    try:
        source, target = domcaps.Host.open(before), domcaps.Host.open(after)
        xml = Path(file).read_bytes()
        found = compare(source, target, xml)
        if found.domain is None:  # only if no domain was given
            return 2
        if is_accepted(found.domain):
            if found.targets:
                print("the domain can be migrated")
                return 0
            # such as the version of the machine type that an alias stands for on the first host
            print("the domain can be started there, but not migrated while it runs")
        elif convert(target, xml):
            print("the converted domain can be started there")
        else:
            print("the domain cannot be started there")
    except (domcaps.DomcapsError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
