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
    which targets, "" where the rest says it.
    """

    path: str
    says: str
    but: str
    evidence: str
    since: str = ""
    until: str = ""
    where: str = ""


def drift_entries() -> tuple[DriftEntry, ...]:
    """Give the whole list: what is of many choices at once, then in the order of the table."""
    wide = tuple(_entry(one.path, None, None, one.drift) for one in wide_drifts())
    return wide + tuple(_entry(*found) for element in table() for found in element.drifts())


def _entry(
    path: str, since: LibvirtChange | None, until: LibvirtChange | None, drift: Drift
) -> DriftEntry:
    where = _described(drift.where)
    dates = (since.since if since else "", until.since if until else "")
    return DriftEntry(path, drift.says, drift.but, drift.evidence, *dates, where)


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


def to_markdown(entries: tuple[DriftEntry, ...]) -> str:
    """Write the list as a document."""
    lines = [
        "# Drift",
        "",
        "Where libvirt's report is not the whole truth. The default report prints what libvirt",
        "prints; these are the places where an application should know better. Generated from the",
        "table: `domcaps drift --format markdown`. What `domcaps verify` found by starting",
        "machines is counted in [truth.md](truth.md).",
    ]
    for entry in entries:
        lines += ["", f"## `{entry.path}`", "", f"*{_releases(entry)}.*", ""]
        lines += [f"- **Where:** {entry.where}."] if entry.where else []
        lines += [f"- **Reported:** {entry.says}.", f"- **But:** {entry.but}."]
        lines += [f"- **Evidence:** {entry.evidence}."]
    return "\n".join(lines) + "\n"


def _releases(entry: DriftEntry) -> str:
    if entry.since and entry.until:
        return f"libvirt {entry.since} and later, before {entry.until}"
    if entry.until:
        return f"libvirt before {entry.until}"
    return f"libvirt {entry.since} and later" if entry.since else "Every known libvirt"
