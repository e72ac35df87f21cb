"""The drift list: each place of the table where libvirt's report is not the whole truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import table, wide_drifts
from domcaps.language import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import Drift, Predicate, World
    from domcaps.language.change import LibvirtChange


class DriftEntry(msgspec.Struct, frozen=True):
    """One place, what libvirt's report says there, what is true, and how that was seen.

    `since` and `until` tell which releases say so; "" leaves that side open. `where` tells for
    which targets, "" where the rest says it; `instead` is what a user should do. `listed` tells
    that the report lists what does not work; otherwise it leaves out what works. Entries with one
    `title` are one difference.
    """

    path: str
    says: str
    but: str
    evidence: str
    since: str = ""
    until: str = ""
    where: str = ""
    title: str = ""
    instead: str = ""
    listed: bool = True


def drift_entries() -> tuple[DriftEntry, ...]:
    """Give the whole list: what is of many choices at once, then in the order of the table."""
    wide = tuple(_entry(one.path, None, None, one.drift) for one in wide_drifts())
    return wide + tuple(_entry(*found) for element in table() for found in element.drifts())


def _entry(
    path: str, since: LibvirtChange | None, until: LibvirtChange | None, drift: Drift
) -> DriftEntry:
    where = drift.targets or _described(drift.where)
    dates = (since.since if since else "", until.since if until else "")
    return DriftEntry(
        path, drift.says, drift.but, drift.evidence, *dates, where, drift.title, drift.instead,
        drift.listed,
    )  # fmt: skip


def _described(where: Predicate) -> str:
    return "" if where is ALWAYS else where.describe()


def known_drifts(world: World, *, listed: bool) -> frozenset[str]:
    """Give the paths that a report for that target gets wrong, as far as the list knows.

    With `listed` those that it lists though they can't be used, otherwise those that it leaves out
    though they can.
    """
    return frozenset(path for path, drift in _of(world) if drift.listed is listed)


def _of(world: World) -> Iterator[tuple[str, Drift]]:
    dialect = world.target.dialect
    for element in table():
        for path, since, until, drift in element.drifts():
            if dialect.has_between(since, until) and world.truth(drift.where):
                yield path, drift
