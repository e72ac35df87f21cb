"""Values that other processes computed, taken from the disk if their traces hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from domcaps.facts.launch import require_programs
from domcaps.fresh.disk import LOCK_SECONDS, stored_trace
from domcaps.fresh.package_identity import answer_name, is_as_loaded, own_identity
from domcaps.fresh.store import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.fresh.disk import DiskStore, StoredTrace
    from domcaps.fresh.fetch import Fetch

T = TypeVar("T")


def remembered(
    fetch: Fetch, parts: tuple[str, ...], kind: type[T], compute: Callable[[Fetch], T]
) -> T:
    """Give a value that is on the disk, or compute it and put it there.

    `parts` tell what the value is and all that it depends on besides the witnesses that `compute`
    looks at. Of several processes that want the same value at once, one computes it, unless this
    one is waited for by who has a lock. The first of the `parts` is the family of that lock.
    """
    disk = fetch.disk
    if disk is None or not own_identity():
        return compute(fetch)
    name = answer_name(*parts)
    found = _load(fetch, disk, name, kind)
    if found is not None:
        return found
    # another process may be asking, for as long as a minute: who may not ask need not wait for it
    require_programs()
    with disk.lock(name, LOCK_SECONDS if fetch.may_wait else 0, f"{parts[0]}."):
        found = _load(fetch, disk, name, kind)
        if found is None:
            found = _compute(fetch, disk, name, compute)
    return found


def _compute(fetch: Fetch, disk: DiskStore, name: str, compute: Callable[[Fetch], T]) -> T:
    attempt = fetch.attempt()
    value = compute(attempt)
    fetch.join(attempt)
    stored = _stored(attempt, value)
    if stored is not None and is_as_loaded():
        disk.save(name, stored)
    return value


def _stored(attempt: Fetch, value: object) -> StoredTrace | None:
    """Put a trace into the form of a file; None where it would not be proof enough."""
    if not attempt.is_lasting:
        return None
    sightings = [(part, version) for part, version in attempt.trace if isinstance(part, Sighting)]
    return stored_trace(sightings, value) if len(sightings) == len(attempt.trace) else None


def _load(fetch: Fetch, disk: DiskStore, name: str, kind: type[T]) -> T | None:
    stored = disk.load(name)
    if stored is None:
        return None
    attempt = fetch.attempt()
    for witness, seen, stamp in stored.depends:
        if not attempt.recall(witness, seen, stamp):
            return None
    try:
        value = msgspec.json.decode(stored.value, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    fetch.join(attempt)
    fetch.from_disk = True
    return value
