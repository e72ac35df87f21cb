"""Hosts whose recordings come with the package."""

from __future__ import annotations

from domcaps.facts.shipped import SUFFIX, load_shipped, shipped_name, shipped_names
from domcaps.hosts.host import Host

__all__ = ["SUFFIX", "load_shipped", "open_shipped", "shipped_names"]


def open_shipped(name: str = "", *, arch: str = "") -> Host:
    """Open a shipped recording by its name, or the newest one for an architecture.

    Raises `UnsupportedTargetError` where there is none.
    """
    found = shipped_name(name, arch=arch)
    return Host.from_recording(load_shipped(found), origin=f"shipped:{found}")
