"""Feature files of Node Feature Discovery: lines ``name=value`` that become labels of a node.

Its limits are those that its documentation names: a file of at most 64 KiB, names and values of at
most 63 characters. A label that the file has no more is removed by NFD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.errors import FleetError
from domcaps.fleet.export.labels import labels_of
from domcaps.text import one_line

if TYPE_CHECKING:
    from domcaps.fleet.features import HostFeatures

LARGEST = 64 << 10
FIRST_LINE = "# written by domcaps: features of this node; changes are overwritten"


def feature_file(host: HostFeatures) -> str:
    """Give the file of a host; raises `FleetError` for one that NFD would not read."""
    lines = [FIRST_LINE]
    lines += [
        one_line(f"# {guest.arch} {group.name}: {' '.join(group.machines)}")
        for guest in host.guests
        for group in guest.groups
    ]
    lines += [f"{name}={value}" for name, value in labels_of(host).items()]
    text = "\n".join([*lines, ""])
    if len(text.encode()) > LARGEST:
        raise FleetError(f"the feature file has more than {LARGEST >> 10} KiB", where=host.class_id)
    return text
