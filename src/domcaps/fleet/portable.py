"""Traces and plans as bytes that any process of this release reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.facts.question import QmpCommand
from domcaps.fleet.hosts import Resolution, WantedTarget
from domcaps.fleet.tracking.proxies import Items
from domcaps.fleet.units import UnitFinding, UnitOutcome, UnitTrace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.partitions import Partition, Sets

_PLAIN = frozenset({bool, int, str, type(None)})
_QMP = "\0QMP"
"""Marks a question to QEMU among the mappings that stand in keys."""


class Unportable(Exception):  # noqa: N818 - says that something is not kept
    """A check read something with an argument that has no form in bytes."""


class PlacedTraces(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a result: where its check stands, and the numbers of elements by handle."""

    order: int
    numbers: tuple[tuple[int, int], ...] | None


def kept_traces(partition: Partition, known: dict[int, bytes]) -> tuple[bytes, ...] | None:
    """Give traces as bytes, None where they have no such form; `known` has them by identity."""
    try:
        return tuple(_trace(trace, known) for trace in partition.traces)
    except Unportable:
        return None


def _trace(trace: UnitTrace, known: dict[int, bytes]) -> bytes:
    found = known.get(id(trace))
    if found is None:
        reads = [(_thin(key), _thin(value)) for key, value in trace.reads]
        found = known[id(trace)] = msgspec.msgpack.encode((reads, trace.outcome))
    return found


def trace_from(data: bytes) -> UnitTrace:
    """Read a trace."""
    reads, outcome = msgspec.msgpack.decode(data)
    pairs = tuple((_thick(key), _thick(value)) for key, value in reads)
    return UnitTrace(pairs, _outcome(outcome))


def outcome_from(data: bytes) -> UnitOutcome:
    """Read an outcome."""
    return _outcome(msgspec.msgpack.decode(data))


def wanted_from(data: bytes) -> WantedTarget:
    """Read what a domain names of its target."""
    return WantedTarget(*msgspec.msgpack.decode(data))


def kept_hosts(hosts: int) -> bytes:
    """Give a set of hosts as bytes."""
    return hosts.to_bytes((hosts.bit_length() + 7) // 8, "little")


def hosts_from(data: bytes) -> int:
    """Read a set of hosts."""
    return int.from_bytes(data, "little")


def kept_sets(sets: Sets) -> bytes:
    """Give what a check found by hosts as bytes."""
    return msgspec.msgpack.encode(
        [(kept_hosts(hosts), msgspec.msgpack.encode(outcome)) for hosts, outcome in sets]
    )


_sets = msgspec.msgpack.Decoder(tuple[tuple[bytes, bytes], ...])


def sets_from(data: bytes) -> Sets:
    """Read what a check found by hosts."""
    return tuple((hosts_from(hosts), outcome_from(found)) for hosts, found in _sets.decode(data))


def kept_resolutions(resolutions: Iterable[tuple[Resolution, int]]) -> bytes:
    """Give what came of a target, by hosts, as bytes."""
    return msgspec.msgpack.encode([(one, kept_hosts(hosts)) for one, hosts in resolutions])


_resolutions = msgspec.msgpack.Decoder(tuple[tuple[Resolution, bytes], ...])


def resolutions_from(data: bytes) -> dict[Resolution, int]:
    """Read what came of a target, by hosts."""
    return {one: hosts_from(hosts) for one, hosts in _resolutions.decode(data)}


def kept_places(places: list[tuple[int, tuple[tuple[int, int], ...] | None]]) -> bytes:
    """Give the places of results as bytes."""
    return msgspec.msgpack.encode(places)


_places = msgspec.msgpack.Decoder(tuple[PlacedTraces, ...])


def places_from(data: bytes) -> tuple[PlacedTraces, ...]:
    """Read the places of results."""
    return _places.decode(data)


def _outcome(found: Any) -> UnitOutcome:
    findings, unknown = found
    return UnitOutcome(
        tuple(UnitFinding(*(_thick(value) for value in one)) for one in findings), tuple(unknown)
    )


def _thin(value: Any) -> Any:
    """Give a key or an answer in plain values."""
    if type(value) in _PLAIN:
        return value
    if type(value) is Items:
        return {name: _thin(inner) for name, inner in value}
    if type(value) is tuple:
        return [_thin(inner) for inner in value]
    if type(value) is QmpCommand:
        return {_QMP: [value.command, value.arguments]}
    raise Unportable(type(value).__name__)


def _thick(value: Any) -> Any:
    if isinstance(value, dict):
        if _QMP in value:
            return QmpCommand(*value[_QMP])
        return Items((name, _thick(inner)) for name, inner in value.items())
    return tuple(map(_thick, value)) if isinstance(value, list | tuple) else value
