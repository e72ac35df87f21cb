"""Read the report of a host as data: what it offers, and which of that does not work."""

from __future__ import annotations

import json
import sys
from typing import Any

import domcaps


def main(name: str) -> None:
    host = domcaps.Host.open(name)
    caps = host.domain_capabilities(machine="q35", libvirt="12.8")
    report: dict[str, Any] = json.loads(caps.json)
    print(report["machine"], report["libvirt"], report["devices"]["video"]["enums"]["modelType"])
    for element, view in caps.devices.items():
        for enum, values in view.enums.items():
            print(f"{element}.{enum}: {', '.join(values)}")
    for promise in host.audit(caps.xml, "12.8").promises:
        if promise.listed:
            print(f"does not work: {promise.path}: {promise.but}")


if __name__ == "__main__":
    main(sys.argv[1])
