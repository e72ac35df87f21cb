"""A store with something beside it, for hosts as they would be: the store stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.fleet.store import FleetStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fleet.blobs import BlobEntry, Blobs


class Overlay:
    """What is written stays in memory; all else is read from the store below."""

    def __init__(self, below: Blobs) -> None:
        self._below = below
        self._written: dict[str, bytes] = {}

    def get(self, key: str) -> bytes:
        """Give what was written, or what is below."""
        return self._written[key] if key in self._written else self._below.get(key)

    def put(self, key: str, data: bytes) -> None:
        """Write into memory."""
        self._written[key] = data

    def has(self, key: str, *, younger: float = float("inf")) -> bool:
        """Tell whether it can be read; nothing here grows old."""
        del younger
        return key in self._written or self._below.has(key)

    def list(self, prefix: str) -> Iterator[BlobEntry]:
        """List what is below."""
        return self._below.list(prefix)

    def delete(self, key: str) -> None:
        """Forget what was written."""
        self._written.pop(key, None)

    def require(self, prefix: str) -> None:
        """Ask what is below."""
        self._below.require(prefix)


def overlaid(store: FleetStore) -> FleetStore:
    """Give a store that can be written to without a trace."""
    return FleetStore(Overlay(store.blobs))
