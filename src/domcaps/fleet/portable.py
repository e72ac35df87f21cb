"""Traces and plans as bytes that any process of this release reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.fleet.hosts import WantedTarget
from domcaps.fleet.tracking.proxies import Items
from domcaps.fleet.units import UnitFinding, UnitOutcome, UnitTrace

if TYPE_CHECKING:
    from domcaps.fleet.answering import VerdictPlan

_PLAIN = frozenset({bool, int, str, type(None)})


class Unportable(Exception):  # noqa: N818 - says that something is not kept
    """A check read something with an argument that has no form in bytes."""


class PlacedTraces(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a result: where its check stands, and the numbers of elements by handle."""

    order: int
    numbers: tuple[tuple[int, int], ...] | None


class KeptPlan(msgspec.Struct, frozen=True, array_like=True):
    """A plan as it is kept; `traces` has for each result its traces, by number in `of`."""

    wanted: bytes
    everywhere: bytes
    is_refused: bool
    places: bytes
    partitions: tuple[tuple[bytes, ...], ...]


def kept_plan(plan: VerdictPlan, known: dict[int, bytes]) -> KeptPlan | None:
    """Give a plan as bytes, None where it has no such form; `known` has traces by identity."""
    try:
        partitions = tuple(
            tuple(_trace(trace, known) for trace in partition.traces)
            for partition, _, _ in plan.results
        )
    except Unportable:
        return None
    places = [PlacedTraces(order, numbers) for _, order, numbers in plan.results]
    refused = any(found.severity == "error" for found in plan.everywhere.found)
    return KeptPlan(
        msgspec.msgpack.encode(plan.wanted),
        msgspec.msgpack.encode(plan.everywhere),
        refused,
        msgspec.msgpack.encode(places),
        partitions,
    )


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
    raise Unportable(type(value).__name__)


def _thick(value: Any) -> Any:
    if isinstance(value, dict):
        return Items((name, _thick(inner)) for name, inner in value.items())
    return tuple(map(_thick, value)) if isinstance(value, list | tuple) else value
