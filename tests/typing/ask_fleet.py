"""Add recordings to a store of hosts, and tell which of them accept some domains."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps
from domcaps.fleet.fleet import Fleet


def main(store: str, recordings: list[str], domains: list[Path]) -> None:
    fleet = Fleet.open(store)
    for name in recordings:
        recording = domcaps.Host.open(name).recording
        if recording is not None:  # None for this machine, which is no recording
            fleet.add(recording, name.rpartition(":")[2])
    for answer in fleet.ask((file.name, file.read_bytes()) for file in domains):
        print(f"{answer.domain}: {len(answer.accepted)} hosts accept it:", *answer.accepted)
        for reason in answer.reasons:
            print(f"  {reason.count} ({reason.alone} for this alone): {reason.message}")


if __name__ == "__main__":
    main(sys.argv[1], ["shipped:debian13-x86_64"], [Path(name) for name in sys.argv[2:]])
