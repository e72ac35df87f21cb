"""The store of a fleet: recordings taken apart into content that hosts share.

Layout::

    content/ab/cdef…                     what was answered, compressed, by SHA-256
    hosts/NAME/MOMENT-DIGEST-RANDOM      a manifest: what the host was at that moment

Content is written before the manifest that names it, and every object appears whole or not at all.
So a host is seen as it was before or as it is now, even if a writer is killed in between; what a
killed writer left is collected by `collect_garbage`.
"""

from __future__ import annotations

import datetime
import re
import secrets
import urllib.parse
from collections import defaultdict
from os import PathLike
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.errors import FleetError
from domcaps.facts.deciding import HOST_ASIDE, NODE_DECIDES, deciding_host, masked_leaf
from domcaps.facts.emulators import nearest_of
from domcaps.facts.node import Node
from domcaps.facts.record import EmulatorRecord, Failure, HostRecord, ProbeSession, Recording
from domcaps.fleet.blobs import open_blobs
from domcaps.fleet.content import ContentByHash
from domcaps.fleet.manifest import (
    LARGEST,
    EmulatorEntry,
    Manifest,
    SessionEntry,
    decode,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from domcaps.fleet.blobs import Blobs

HOSTS = "hosts/"
_MANIFEST = re.compile(
    r"hosts/[A-Za-z0-9%._-]{1,255}/\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{1,64}-[0-9a-f]{1,32}", re.ASCII
)
LONGEST_NAME = 80
_MOST_HOSTS = 1_000_000

_HOST_TYPES = {f.name: f.type for f in msgspec.structs.fields(HostRecord)}
_NODE_TYPES = {f.name: f.type for f in msgspec.structs.fields(Node)}


class UnreadHost(msgspec.Struct, frozen=True):
    """A host of which nothing can be said.

    `key` is its newest manifest, `reason` says why that or content that it names can't be read.
    """

    host: str
    key: str
    reason: str


class FleetStore:
    """The hosts of a fleet, and what they were."""

    def __init__(self, place: str | Path | Blobs) -> None:
        self.place = str(place)
        self.blobs = open_blobs(place) if isinstance(place, str | PathLike) else place
        self.content = ContentByHash(self.blobs)
        self._troubles: dict[str, str] = {}

    # -- writing -------------------------------------------------------------------------------

    def add(self, recording: Recording, name: str) -> Manifest:
        """FleetStore what a host is now, by a name that people know it by.

        When it returns, the host is in the store. Of manifests that differ in nothing that decides
        an answer, the first and the last are kept.
        """
        _require_name(name)
        manifest = self._manifest(recording, name)
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        earlier = self.moments(name)
        self.blobs.put(
            f"{_folder(name)}/{moment}-{manifest.digest[:16]}-{secrets.token_hex(4)}",
            encode(manifest),
        )
        same = [key for key in earlier[-2:] if _digest(key) == manifest.digest[:16]]
        if len(same) == 2:
            self.blobs.delete(same[1])
        return manifest

    def _manifest(self, recording: Recording, name: str) -> Manifest:
        put = self.content.put_value
        host, node = recording.host, recording.node
        kept = deciding_host(host)
        facts = {n: put(value) for n, value in _set_fields(kept) if n not in HOST_ASIDE}
        aside = {n: put(getattr(host, n)) for n in HOST_ASIDE if getattr(host, n)}
        if host.helpers != kept.helpers:
            aside["helpers"] = put(host.helpers)
        decides = None
        if node is not None:
            fields = dict(_set_fields(node)) | {"cpuid": tuple(map(masked_leaf, node.cpuid))}
            decides = {n: put(value) for n, value in fields.items() if n in NODE_DECIDES}
            rest = {n: v for n, v in fields.items() if n not in {*NODE_DECIDES, "uuid"}}
            aside |= {f"node.{n}": put(value) for n, value in rest.items()}
        return Manifest(
            host=name,
            facts=facts,
            emulators=tuple(map(self._emulator, recording.emulators)),
            node=decides,
            aside=aside,
            uuid="" if node is None else node.uuid,
            made_at=recording.made_at,
            made_by=recording.made_by,
            comment=recording.comment,
            redacted=recording.redacted,
        )

    def _emulator(self, record: EmulatorRecord) -> EmulatorEntry:
        sessions = tuple(
            SessionEntry(
                session.accelerator,
                self.content.put_answers(session.answers),
                self.content.put_value(session.failure) if session.failure else "",
            )
            for session in record.sessions
        )
        return EmulatorEntry(record.path, sessions, record.inventory, record.size, record.mtime_ns)

    # -- reading -------------------------------------------------------------------------------

    def latest(self) -> dict[str, str]:
        """Give the key of the newest manifest of each host, by name.

        Raises `FleetError` where there is no store.
        """
        self.blobs.require(HOSTS)
        found: dict[str, str] = {}
        for number, one in enumerate(self.blobs.list(HOSTS)):
            if number > _MOST_HOSTS:
                raise FleetError(f"more than {_MOST_HOSTS} manifests", where=self.place)
            name = _name(one.key) if is_manifest(one.key) else ""
            if name and one.key > found.get(name, ""):
                found[name] = one.key
        return dict(sorted(found.items()))

    def hosts(self) -> dict[str, Manifest]:
        """Give the newest manifest of each host; raises `FleetError` where one can't be read."""
        return {name: self.manifest(key) for name, key in self.latest().items()}

    def read_hosts(self) -> tuple[dict[str, Manifest], tuple[UnreadHost, ...]]:
        """Give the newest manifest of each host, and the hosts that can't be read.

        These are hosts whose newest manifest is damaged, or content that decides answers. An older
        manifest does not stand in for it: the host may have changed. Content is read once, however
        many hosts share it.
        """
        return self.read_manifests(self.latest())

    def read_manifests(
        self, keys: Mapping[str, str]
    ) -> tuple[dict[str, Manifest], tuple[UnreadHost, ...]]:
        """Give manifests of hosts by the keys of these, and the hosts that can't be read."""
        found: dict[str, Manifest] = {}
        unread = []
        for name, key in keys.items():
            try:
                manifest = self.manifest(key)
            except FleetError as error:
                unread.append(UnreadHost(name, key, error.message))
                continue
            if trouble := self._trouble(manifest):
                unread.append(UnreadHost(name, key, trouble))
            else:
                found[name] = manifest
        return found, tuple(unread)

    def _trouble(self, manifest: Manifest) -> str:
        """Say which content that decides a host's answers can't be read; "" for none."""
        digest = manifest.digest
        if digest not in self._troubles:
            self._troubles[digest] = ""
            try:
                self.recording(manifest, aside=False)
            except FleetError as error:
                self._troubles[digest] = error.message
        return self._troubles[digest]

    def moments(self, name: str) -> list[str]:
        """Give the keys of a host's manifests, the oldest first."""
        listed = self.blobs.list(f"{_folder(name)}/")
        return sorted(found.key for found in listed if is_manifest(found.key))

    def manifest(self, key: str) -> Manifest:
        """Read a manifest; the key tells the host's name, whatever stands in it."""
        try:
            data = self.blobs.get(key)
        except KeyError as error:
            raise FleetError("there is no such manifest", where=key) from error
        if len(data) > LARGEST:
            raise FleetError("the manifest is too large", where=key)
        found = decode(data, key)
        return msgspec.structs.replace(found, host=_name(key) or found.host)

    def recording(self, manifest: Manifest, *, aside: bool = True) -> Recording:
        """Put a recording together again; CPUID's APIC ID alone is not what was added.

        Without `aside` it has only what decides answers.
        """
        return Recording(
            host=self.host_record(manifest, aside=aside),
            emulators=tuple(self.emulator(entry) for entry in manifest.emulators),
            node=self.node(manifest, aside=aside),
            made_by=manifest.made_by,
            made_at=manifest.made_at,
            comment=manifest.comment,
            redacted=manifest.redacted,
        )

    def host_record(self, manifest: Manifest, *, aside: bool = False) -> HostRecord:
        """Give the facts of a host; with `aside` also those that decide nothing."""
        names = manifest.facts | (manifest.aside if aside else {})
        try:
            return HostRecord(**self._fields(_HOST_TYPES, names))
        except TypeError as error:
            raise FleetError(f"the manifest lacks a fact: {error}") from error

    def node(self, manifest: Manifest, *, aside: bool = False) -> Node | None:
        """Give the host as hardware, None if it was not probed."""
        if manifest.node is None:
            return None
        names = dict(manifest.node)
        if aside:
            rest = ((n, h) for n, h in manifest.aside.items() if n.startswith("node."))
            names |= {n.removeprefix("node."): h for n, h in rest}
        fields = self._fields(_NODE_TYPES, names) | {"uuid": manifest.uuid if aside else ""}
        return Node(**fields)

    def _fields(self, types: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
        return {n: self.content.value(types[n], h) for n, h in names.items() if n in types}

    def emulator(self, entry: EmulatorEntry) -> EmulatorRecord:
        """Give the record of an emulator; its answers are shared between hosts."""
        sessions = tuple(
            ProbeSession(
                session.accelerator,
                tuple(a for name in session.lists for a in self.content.answers(name)),
                self.content.value(Failure, session.failure) if session.failure else None,
            )
            for session in entry.sessions
        )
        return EmulatorRecord(
            entry.path, sessions, entry.size, entry.mtime_ns, inventory=entry.inventory
        )

    def manifests(self) -> Iterator[tuple[str, Manifest]]:
        """Give all manifests, of all hosts and moments, with their keys."""
        by_host: defaultdict[str, list[str]] = defaultdict(list)
        for found in self.blobs.list(HOSTS):
            if is_manifest(found.key):
                by_host[_name(found.key)].append(found.key)
        for keys in by_host.values():
            for key in sorted(keys):
                yield key, self.manifest(key)


def no_such_host(name: str, known: Iterable[str]) -> FleetError:
    """Give the error for a host that is not in a store; the nearest names are in it."""
    remedy = nearest_of("it has", name, known) or "the store is empty: add recordings of hosts"
    return FleetError(f"the store has no host {name!r}", remedy=remedy)


def is_manifest(key: str) -> bool:
    """Tell whether a key is one that a manifest has: what else is there stops no question."""
    return _MANIFEST.fullmatch(key) is not None


def _set_fields(record: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Give the fields that differ from their defaults, and those that have none."""
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if field.required or value != field.default:
            yield field.name, value


def _require_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise FleetError(
            f"{name[:LONGEST_NAME]!r} is not a name for a host",
            remedy=f"a name has 1 to {LONGEST_NAME} printable characters",
        )


def _folder(name: str) -> str:
    quoted = urllib.parse.quote(name, safe="")
    return f"{HOSTS}{quoted.replace('.', '%2E') if not quoted.strip('.') else quoted}"


def _name(key: str) -> str:
    parts = key.split("/")
    name = parts[1] if len(parts) == 3 else ""
    name = urllib.parse.unquote(name) if "%" in name else name
    return name if 0 < len(name) <= LONGEST_NAME and name.isprintable() else ""


def _digest(key: str) -> str:
    return key.rpartition("/")[2].split("-")[1] if key.count("-") >= 2 else ""
