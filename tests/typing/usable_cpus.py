"""List the CPU models that a host can run, and why it can't run the others."""

from __future__ import annotations

import sys

import domcaps


def main(name: str) -> None:
    host = domcaps.Host.open(name)
    rows = host.domain_capabilities(machine="q35").cpu.custom.rows
    blockers = {dict(row.attributes)["model"]: row.rows for row in rows if row.name == "blockers"}
    for row in rows:
        if row.name != "model":
            continue
        if dict(row.attributes)["usable"] == "yes":
            print(row.text)
        else:
            features = [dict(one.attributes)["name"] for one in blockers.get(row.text, ())]
            print(f"# {row.text}: lacks {', '.join(features) or 'nothing that QEMU names'}")


if __name__ == "__main__":
    main(sys.argv[1])
