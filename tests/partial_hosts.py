"""Partial recordings for tests: what `domcaps serve` tells of a recording, asked as a libvirt."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.record import NumaCell
from domcaps.hosts.host import Host
from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost
from domcaps.serve.recorder import record_libvirt
from fleet_hosts import shipped

if TYPE_CHECKING:
    from domcaps.facts.record import Recording


def complete(name: str = "debian12-x86_64") -> Recording:
    """Give a recording with what a server makes up for a host that has none of it."""
    found = shipped(name)
    host = msgspec.structs.replace(
        found.host, numa=(NumaCell(0, 64 << 20, (0,)),), hugepage_sizes_kib=(2048, 1 << 20)
    )
    return msgspec.structs.replace(found, host=host)


def partial_of(recording: Recording) -> Recording:
    """Ask a server of the recording as one asks a libvirt."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host.from_recording(recording, "served")
        with serving(FixedHost(host, "test"), Path(folder) / "s") as uri:
            return record_libvirt(uri)
