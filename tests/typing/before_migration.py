"""Tell whether a running domain can be migrated to another host, and what to change for it."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps


def show(found: domcaps.DomainDifference) -> None:
    print(f"{found.before} before, {found.after} after")
    for lack in found.lacking:
        print(f"missing: {lack}")
        if lack.explanation is not None:
            for change in lack.explanation.changes:
                print(f"  {change.effort}: {change.how or change.statement}")
    for finding in found.new:
        print(f"new: {finding}")
    for difference in found.changes:
        print(f"used by the domain: {difference}", *difference.because)
    if found.cpu is not None:  # both hosts have the target
        print(f"processor: {found.cpu}")


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
        found = domcaps.compare(source, target, xml, for_domain=True)
        if found.domain is None:  # only if no domain was given
            return 2
        show(found.domain)
        for difference in found.of_kind("value", "element", "figure"):
            print(f"the hosts differ: {difference}")
        if found.domain.can_migrate:
            print("the domain can be migrated")
            return 0
        for obstacle in found.domain.obstacles:
            print(f"cannot be migrated: {obstacle}")
        if target.validate(xml).accepted:
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
