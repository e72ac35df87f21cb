"""Choose a domain that every one of some hosts accepts."""

from __future__ import annotations

import sys

import domcaps


def main(names: list[str]) -> None:
    hosts = [domcaps.Host.open(name) for name in names]
    common: domcaps.DomainCapabilities = domcaps.baseline(hosts, machine="q35", libvirt="9.0")
    print("disk buses of all hosts:", *common.devices.disk.enums["bus"])
    chosen = domcaps.choose_for(hosts, "web", memory=2 * 2**30, disks=["/srv/web.qcow2,size=20GiB"])
    for step in chosen.steps:
        print(f"{step.title}: {step.value or 'left out'} ({step.why})")
    print(chosen.xml)


if __name__ == "__main__":
    main(sys.argv[1:])
