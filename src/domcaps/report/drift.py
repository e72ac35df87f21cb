"""The drift list: each place of the table where libvirt's report is not the whole truth."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import table, wide_drifts
from domcaps.language import ALWAYS, Element, Enum
from domcaps.validate.catalogue.rules import parts
from domcaps.validate.checks import FAILS_AT_START, field_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import Drift, Predicate, World
    from domcaps.language.change import LibvirtChange


class DriftEntry(msgspec.Struct, frozen=True):
    """One place, what libvirt's report says there, what is true, and how that was seen.

    `since` and `until` tell which releases say so; "" leaves that side open. `where` tells for
    which targets, "" where the rest says it; `instead` is what a user should do. `listed` tells
    that the report lists what does not work; otherwise it leaves out what works. Entries with one
    `title` are one difference. `code` is that of the finding of ``validate``, "" where there is
    none.
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
    code: str = ""


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
        drift.listed, drift.found_by or (_code_at_start(path) if drift.certain else ""),
    )  # fmt: skip


def _code_at_start(path: str) -> str:
    """Give the code of what fails at start, of the field that has the values of an enum."""
    enum = path.partition("=")[0]
    return _codes_at_start().get(enum, "")


@functools.cache
def _codes_at_start() -> dict[str, str]:
    known = {
        id(check.declared.at_start): f"{check.code}-{FAILS_AT_START}"
        for part in parts()
        for check in field_checks(part)
        if check.declared.at_start is not None
    }
    found: dict[str, str] = {}
    for element in table():
        for name, enum in enums_of(element):
            if id(enum) in known:
                found.setdefault(name, known[id(enum)])
    return found


def enums_of(element: Element, above: str = "") -> Iterator[tuple[str, Enum]]:
    """Give every enum of an element with its path, such as ``hologram.modelType``."""
    path = f"{above}{element.name}"
    for one in element.content:
        if isinstance(one, Enum):
            yield f"{path}.{one.name}", one
        elif isinstance(one, Element):
            yield from enums_of(one, f"{path}.")


def _described(where: Predicate) -> str:
    return "" if where is ALWAYS else where.describe()


def known_drifts(world: World, *, listed: bool) -> frozenset[str]:
    """Give the paths that a report for that target gets wrong, as far as the list knows.

    With `listed` those that it lists though they can't be used, otherwise those that it leaves out
    though they can.
    """
    return frozenset(path for path, drift in drifts_of(world) if drift.listed is listed)


def drifts_of(world: World) -> Iterator[tuple[str, Drift]]:
    """Give the entries of the list that are true of a target, each with its path."""
    dialect = world.target.dialect
    for element in table():
        for path, since, until, drift in element.drifts():
            if dialect.has_between(since, until) and world.truth(drift.where):
                yield path, drift
