"""Hosts beside each other: classes of equal hosts, who differs from the rest, and since when."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.errors import UnansweredError
from domcaps.facts.record import HostRecord
from domcaps.fleet.changed_files import changed_files
from domcaps.fleet.manifest import encode, sha256
from domcaps.fleet.store import no_such_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.host import HostFacts
    from domcaps.fleet.fleet import Fleet
    from domcaps.fleet.hosts import FleetHosts
    from domcaps.fleet.manifest import Manifest
    from domcaps.fleet.store import FleetStore

_SHOWN = 200


class HostClass(msgspec.Struct, frozen=True):
    """Hosts that nothing tells apart which decides an answer; `id` is the same in every store."""

    id: str
    hosts: tuple[str, ...]
    qemu: tuple[str, ...]
    cpu: str = ""


class Differs(msgspec.Struct, frozen=True):
    """A fact in which a host differs from most of the fleet, with how many have what is usual."""

    host: str
    fact: str
    value: str
    usual: str
    hosts: int


class ManifestChange(msgspec.Struct, frozen=True):
    """What changed on a host between two of its manifests; the truths are those of a choice.

    `files` are lines such as ``removed /usr/share/qemu/firmware/60-edk2.json``.
    """

    since: str
    facts: tuple[str, ...]
    before: str = ""
    after: str = ""
    files: tuple[str, ...] = ()


def classes(fleet: Fleet) -> list[HostClass]:
    """Group hosts by all that decides answers, the largest class first."""
    hosts = fleet.hosts
    by_digest: defaultdict[str, list[int]] = defaultdict(list)
    for number, digest in enumerate(hosts.digests):
        by_digest[digest].append(number)
    ranked = sorted(by_digest.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_class(hosts, digest, numbers) for digest, numbers in ranked]


def _class(hosts: FleetHosts, digest: str, numbers: list[int]) -> HostClass:
    facts = hosts.facts(numbers[0])
    versions = []
    for path in facts.emulators.paths():
        emulator = facts.emulators.get(path)
        versions.append(f"{emulator.arch} {emulator.version_text}")
    names = tuple(hosts.names[n] for n in numbers)
    return HostClass(digest[:16], names, tuple(versions), _processor(facts.host))


def _processor(host: HostFacts) -> str:
    try:
        return host.cpu.model or host.cpu.name
    except UnansweredError:
        return "unknown"


def drift(fleet: Fleet) -> Iterator[Differs]:
    """Give each fact in which a host differs from most others."""
    manifests = fleet.hosts.manifests
    values = [_values(manifest) for manifest in manifests]
    for name in sorted({name for found in values for name in found}):
        counted = Counter(found.get(name, "") for found in values)
        usual, number = counted.most_common(1)[0]
        if number == len(manifests) or number * 2 <= len(manifests):
            continue
        for manifest, found in zip(manifests, values, strict=True):
            value = found.get(name, "")
            if value != usual:
                here, most = (_shown(fleet.store, name, one) for one in (value, usual))
                yield Differs(manifest.host, name, here, most, number)


def _values(manifest: Manifest) -> dict[str, str]:
    """Give what decides answers by names that people know."""
    node = {f"processor.{name}": value for name, value in (manifest.node or {}).items()}
    emulators = {
        entry.path: sha256(encode([entry.inventory, entry.sessions]))
        for entry in manifest.emulators
    }
    return dict(manifest.facts) | node | emulators


def _shown(store: FleetStore, name: str, content: str) -> str:
    if not content:
        return "(none)"
    if name not in HostRecord.__struct_fields__:
        return content[:12]
    text = msgspec.json.encode(store.content.value(Any, content)).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def history(fleet: Fleet, host: str, choice: str = "") -> list[ManifestChange]:
    """Tell when a host changed, and in what; with a choice, when that came to hold or ceased to.

    A choice is a path as `Host.explain` takes it: ``video.modelType=qxl``. It is looked for by
    bisection between moments at which it differs, so that few of many manifests are evaluated.
    Raises `FleetError` for a host that the store does not have, `RequestError` for a path that the
    table does not have.
    """
    keys = fleet.store.moments(host)
    if not keys:
        raise no_such_host(host, fleet.store.latest())
    moments = [(key, fleet.store.manifest(key)) for key in keys]
    distinct = [
        moment
        for number, moment in enumerate(moments)
        if not number or moment[1].digest != moments[number - 1][1].digest
    ]
    if not choice:
        earlier = [None, *(found for _, found in distinct)]
        return [
            _change(fleet.store, key, before, found)
            for before, (key, found) in zip(earlier, distinct, strict=False)
        ]
    return list(_bisected(fleet, distinct, choice))


def _change(
    store: FleetStore, key: str, before: Manifest | None, after: Manifest
) -> ManifestChange:
    files = () if before is None else changed_files(store, before, after)
    return ManifestChange(_moment(key), _changed(before, after), files=files)


def _bisected(
    fleet: Fleet, moments: list[tuple[str, Manifest]], choice: str
) -> Iterator[ManifestChange]:
    known: dict[int, str] = {}

    def truth(number: int) -> str:
        if number not in known:
            known[number] = truth_of(fleet, moments[number][1], choice)
        return known[number]

    def between(first: int, last: int) -> Iterator[int]:
        """Give the numbers of moments at which it is not what it was before."""
        if truth(first) == truth(last):
            return
        if last - first == 1:
            yield last
            return
        middle = (first + last) // 2
        yield from between(first, middle)
        yield from between(middle, last)

    for number in between(0, len(moments) - 1):
        key, manifest = moments[number]
        changed = _changed(moments[number - 1][1], manifest)
        named = changed_files(fleet.store, moments[number - 1][1], manifest)
        yield ManifestChange(_moment(key), changed, truth(number - 1), truth(number), named)


def truth_of(fleet: Fleet, manifest: Manifest, choice: str) -> str:
    """Tell whether a choice holds on a host of then, or why that is unknown.

    Raises `RequestError` for a path that the table does not have.
    """
    from domcaps.errors import DomcapsError, RequestError, UnsupportedTargetError
    from domcaps.report.explain import is_path

    try:
        found = fleet.host_of(manifest).explain(choice)
    except DomcapsError as error:
        of_target = not isinstance(error, RequestError) or isinstance(error, UnsupportedTargetError)
        if of_target or is_path(choice):
            return str(error)
        raise
    return ", ".join(sorted({one.reason.truth.name.lower() for one in found}))


def _moment(key: str) -> str:
    return key.rpartition("/")[2].split("-")[0]


def _changed(before: Manifest | None, after: Manifest) -> tuple[str, ...]:
    if before is None:
        return ("first recorded",)
    old, new = _values(before), _values(after)
    return tuple(sorted(n for n in old.keys() | new.keys() if old.get(n) != new.get(n)))
