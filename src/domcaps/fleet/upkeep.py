"""Keeping a store small and whole: collecting what no manifest names, and checking every hash."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import FleetError
from domcaps.fleet.blobs import UNFINISHED
from domcaps.fleet.content import GRACE, PREFIX, key_of, unpacked
from domcaps.fleet.store import HOSTS, is_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.fleet.store import FleetStore


class Collected(msgspec.Struct, frozen=True):
    """What a collection of garbage removed, and what is left."""

    manifests: int
    contents: int
    freed: int
    left: int


class Trouble(msgspec.Struct, frozen=True):
    """Something in a store that can't be used: its key, and why."""

    key: str
    text: str


def collect_garbage(store: FleetStore, *, keep: int = 0, grace: float = GRACE) -> Collected:
    """Remove content that no manifest names, and what killed writers did not write to its end.

    `keep` is the number of manifests to keep of each host, the newest first; 0 keeps all. Content
    that is younger than `grace` seconds stays: a writer may be about to name it. Raises
    `FleetError` where a manifest can't be read, since nothing tells then what it names.
    """
    store.blobs.require(HOSTS)
    old = list(_outdated(store, keep)) if keep > 0 else []
    for key in old:
        store.blobs.delete(key)
    # what exists is listed before what is named is read: what comes in between is not touched
    existing = list(store.blobs.list(PREFIX))
    named = _named(store)
    unnamed = [one for one in existing if one.key not in named and one.age >= grace]
    unnamed += [one for one in store.blobs.list(UNFINISHED) if one.age >= grace]
    for one in unnamed:
        store.blobs.delete(one.key)
    freed = sum(one.size for one in unnamed)
    gone = {one.key for one in unnamed}
    left = sum(one.size for one in existing if one.key not in gone)
    return Collected(len(old), len(unnamed), freed, left)


def _outdated(store: FleetStore, keep: int) -> Iterator[str]:
    by_host: defaultdict[str, list[str]] = defaultdict(list)
    for found in store.blobs.list(HOSTS):
        if is_manifest(found.key):
            by_host[found.key.rpartition("/")[0]].append(found.key)
    for keys in by_host.values():
        yield from sorted(keys)[:-keep]


def _named(store: FleetStore) -> set[str]:
    """Give the keys of all content that a manifest names, directly or through a list."""
    lists: set[str] = set()
    others: set[str] = set()
    for _, manifest in store.manifests():
        for emulator in manifest.emulators:
            for session in emulator.sessions:
                lists.update(session.lists)
        others |= manifest.hashes()
    for name in lists:
        others.update(store.content.named_by_list(name))
    return {key_of(name) for name in others}


def check(store: FleetStore) -> list[Trouble]:
    """Verify every content against its hash, and that all that is named is there."""
    store.blobs.require(HOSTS)
    found: list[Trouble] = []
    existing = set()
    for one in store.blobs.list(PREFIX):
        existing.add(one.key)
        name = one.key.removeprefix(PREFIX).replace("/", "")
        try:
            unpacked(store.blobs.get(one.key), name)
        except (FleetError, KeyError) as error:
            found.append(Trouble(one.key, str(error)))
    found += _manifest_troubles(store, existing)
    return found


def _manifest_troubles(store: FleetStore, existing: set[str]) -> Iterator[Trouble]:
    damaged: set[str] = set()
    for one in store.blobs.list(HOSTS):
        try:
            manifest = store.manifest(one.key)
        except FleetError as error:
            yield Trouble(one.key, str(error))
            continue
        missing = {h for h in manifest.hashes() if key_of(h) not in existing}
        for emulator in manifest.emulators:
            for session in emulator.sessions:
                for name in set(session.lists) - missing - damaged:
                    try:
                        rows = set(store.content.named_by_list(name))
                    except FleetError as error:
                        damaged.add(name)
                        yield Trouble(one.key, str(error))
                        continue
                    missing |= {h for h in rows if key_of(h) not in existing}
        for name in sorted(missing):
            yield Trouble(one.key, f"the content {name[:12]}… that it names is missing")
