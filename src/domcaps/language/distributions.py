"""The releases of libvirt that are known, and which of them distributions have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.changes.network import INTERFACE_PASST
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from domcaps.language.change import LibvirtChange

# the first and last minor number of each year
RELEASES = {
    6: range(10, 11),
    7: range(11),
    8: range(11),
    9: range(11),
    10: range(11),
    11: range(11),
    12: range(9),
}
"""The releases, by major number."""


class Distribution(NamedTuple):
    """A distribution's libvirt: its release, and what its patches add to it or take away."""

    release: tuple[int, int]
    added: tuple[LibvirtChange, ...] = ()
    removed: tuple[LibvirtChange, ...] = ()


DISTRIBUTIONS = {
    "debian11": Distribution((7, 0)),
    # built without passt, as that release can't confine it there
    "debian12": Distribution((9, 0), removed=(INTERFACE_PASST,)),
    "debian13": Distribution((11, 3)),
    "ubuntu22.04": Distribution((8, 0)),
    "ubuntu24.04": Distribution((10, 0)),
    "ubuntu25.04": Distribution((11, 0)),
    "ubuntu25.10": Distribution((11, 6)),
    "rhel8": Distribution((8, 0)),
    "rhel9.0": Distribution((8, 0)),
    "rhel9.1": Distribution((8, 5)),
    "rhel9.2": Distribution((9, 0)),
    "rhel9.3": Distribution((9, 5)),
    "rhel9.4": Distribution((10, 0)),
    "rhel9.5": Distribution((10, 5)),
    "rhel9.6": Distribution((10, 10)),
    "rhel10.0": Distribution((10, 10)),
}
"""Distributions by the name that ``--libvirt`` takes."""
