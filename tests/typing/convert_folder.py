"""Convert every domain in a folder to the machine type q35, and repair what a host refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps


def convert(host: domcaps.Host, file: Path, target: Path) -> bool:
    try:
        done = host.convert(file.read_bytes(), to="q35")
    except (domcaps.InputError, domcaps.RequestError) as error:
        print(f"{file}: {error}")
        return False
    for change in done.repair.changes:
        print(f"{file}:{change.place}: {change.what}")
    for notice in done.notices:
        print(f"{file}: visible in the guest: {notice.text}")
    for finding, advice in done.repair.left:
        print(f"{file}: left: {finding}", *advice, sep="\n  ")
    if done.accepted:
        (target / file.name).write_bytes(done.data)
    return done.accepted


if __name__ == "__main__":
    to_host = domcaps.Host.open(sys.argv[1])
    results = [
        convert(to_host, file, Path(sys.argv[3])) for file in Path(sys.argv[2]).glob("*.xml")
    ]
    sys.exit(not all(results))
