"""Why an answer is up to date: what it rests on, when that was checked, and what it costs."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.fresh.store import Sighting, closure, witnesses

if TYPE_CHECKING:
    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.store import Entry


class CheckedInput(msgspec.Struct, frozen=True):
    """A witness: of what kind, where, when it was checked and what a check takes."""

    kind: str
    place: str
    checked_at: str
    check_us: float


class Fact(msgspec.Struct, frozen=True):
    """A value that was read from witnesses, when that was, and how long it took.

    `not_kept` says why it is computed again in each call; it is empty where that is not so.
    """

    name: str
    computed_at: str
    compute_ms: float
    from_disk: bool
    inputs: tuple[CheckedInput, ...]
    not_kept: tuple[str, ...] = ()

    @property
    def check_us(self) -> float:
        """Microseconds for checking all of its inputs."""
        return sum(found.check_us for found in self.inputs)

    @property
    def checked_at(self) -> str:
        """When the one that was checked the longest time ago was."""
        return min((found.checked_at for found in self.inputs), default="")


class Provenance(msgspec.Struct, frozen=True):
    """What an answer rests on. `check_us` is for checking each input once."""

    answer: str
    inputs: int
    check_us: float
    facts: tuple[Fact, ...]


def provenance(entry: Entry[Any], host_view: HostView) -> Provenance:
    """Tell what an answer rests on, whose entry was brought up to date."""
    costs = {id(sighting): _cost(sighting, host_view) for sighting in witnesses(entry)}
    facts = tuple(_fact(part, costs) for part in closure(entry) if _sightings(part) or part.doubts)
    return Provenance(entry.key.text, len(costs), round(sum(costs.values()), 1), facts)


def _fact(entry: Entry[Any], costs: dict[int, float]) -> Fact:
    inputs = tuple(
        CheckedInput(
            kind=type(sighting.witness).__name__,
            place=sighting.witness.place,
            checked_at=_moment(entry.checked_at),
            check_us=costs[id(sighting)],
        )
        for sighting in _sightings(entry)
    )
    return Fact(
        name=entry.key.text,
        computed_at=_moment(entry.made_at),
        compute_ms=round(entry.seconds * 1e3, 2),
        from_disk=entry.from_disk,
        inputs=inputs,
        not_kept=tuple(doubt.text for doubt in entry.doubts),
    )


def _sightings(entry: Entry[Any]) -> list[Sighting]:
    return [part for part, _ in entry.trace or () if isinstance(part, Sighting)]


def _cost(sighting: Sighting, host_view: HostView) -> float:
    began = time.perf_counter()
    sighting.is_same(host_view)
    return round((time.perf_counter() - began) * 1e6, 1)


def _moment(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds")
