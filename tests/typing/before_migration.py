"""Tell what becomes of a domain that is to move to another host."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps


def may_move(source: domcaps.Host, target: domcaps.Host, xml: bytes) -> bool:
    found: domcaps.Comparison = domcaps.compare(source, target, domain=xml)
    for difference in found.differences:
        print(difference.sign, difference.path, *difference.because)
    if found.domain is None:
        return True
    for finding in found.domain.new:
        print(finding)
    return found.domain.after == "accepted"


def both(hosts: list[domcaps.Host]) -> domcaps.Chosen:
    common: domcaps.DomainCapabilities = domcaps.baseline(hosts)
    print(common.devices.disk.enums["bus"])
    return domcaps.choose_for(hosts, "web", memory=2 * 2**30, disks=["/srv/web.qcow2,size=20GiB"])


if __name__ == "__main__":
    before, after = domcaps.Host.open(sys.argv[1]), domcaps.Host.open(sys.argv[2])
    print(may_move(before, after, Path(sys.argv[3]).read_bytes()))
    for step in both([before, after]).steps:
        print(step.title, step.value, step.why)
