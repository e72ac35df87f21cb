"""Recorded emulators of Debian on plain hosts: no firmware, helper programs, libvirt or SPICE.

The recordings that belong to the package are of virtualization hosts, which have all of these.
Tests of what a host may lack use the ones here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import domcaps

if TYPE_CHECKING:
    from domcaps.hosts.host import Host

_FOLDER = Path(__file__).parent / "recordings"
PLAIN = frozenset(path.stem for path in _FOLDER.glob("*.domcaps"))
"""The names of the recordings."""


def plain(name: str) -> str:
    """Give the path of a recording, such as ``sid-x86_64``."""
    return str(_FOLDER / f"{name}.domcaps")


def open_plain(name: str) -> Host:
    """Open the recording of that name."""
    return domcaps.Host.load(plain(name))
