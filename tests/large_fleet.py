"""A fleet of many hosts in few classes: names by hand, facts from made recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.fleet.fleet import Fleet
from domcaps.fleet.manifest import encode
from fleet_hosts import fleet

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.fleet.manifest import Manifest

MOMENT = "20261101T000000.000000Z"


def large_fleet(place: Path, hosts: int, classes: int) -> Fleet:
    """Make a store with so many hosts of so many classes."""
    made = Fleet.open(place)
    # some of those that are made are equal
    found: dict[str, Manifest] = {}
    for number, recording in enumerate(fleet(3 * classes, seed=7).values()):
        manifest = made.store._manifest(recording, f"n{number}")
        found.setdefault(manifest.digest, manifest)
        if len(found) == classes:
            break
    assert len(found) == classes
    manifests = list(found.values())
    for number in range(hosts):
        name = f"node-{number:05}"
        manifest = msgspec.structs.replace(manifests[number % classes], host=name)
        key = f"hosts/{name}/{MOMENT}-{manifest.digest[:16]}-{number:08x}"
        path = place / key
        path.parent.mkdir(parents=True)
        path.write_bytes(encode(manifest))
    return Fleet.open(place)
