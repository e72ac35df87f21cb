"""An index of verdicts in SQLite: for each domain, what its verdicts follow from.

Kept are no verdicts but *plans*: which reads of a host lead to which findings. So an index holds
for any hosts. Where a host changed, what is known is looked up by what is read of it now; only
what no plan says is asked again, of these hosts alone.

Plans, their partitions and traces are named by content and written before what names them, in one
transaction: a reader finds a whole index, whenever the writer is killed.
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from domcaps.destination import checked
from domcaps.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from domcaps.fleet.portable import KeptPlan

_TABLES = """
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, name BLOB UNIQUE, body BLOB);
CREATE TABLE IF NOT EXISTS plans (
    id INTEGER PRIMARY KEY, name BLOB UNIQUE, wanted INTEGER, everywhere INTEGER,
    refused INTEGER, partitions INTEGER, places INTEGER);
CREATE TABLE IF NOT EXISTS domains (
    scope BLOB, name BLOB, plan INTEGER, PRIMARY KEY (scope, name, plan)) WITHOUT ROWID;
"""
_AT_ONCE = 500
_MOST_WRITTEN = 200_000
_MOST_PLANS = 16
"""Plans of one domain: one for the hosts of each time that it was asked of others."""


class PlanRow(NamedTuple):
    """A plan by the numbers of its contents."""

    wanted: int
    everywhere: int
    is_refused: bool
    partitions: int
    places: int


def name_of_domain(data: bytes) -> bytes:
    """Name a domain by its content."""
    return hashlib.sha256(data).digest()


class VerdictIndex:
    """The index in one file; `scope` names all that plans depend on besides domain and hosts."""

    def __init__(self, path: Path | str, scope: str) -> None:
        self._scope = name_of_domain(scope.encode())
        self._written: dict[bytes | tuple[bytes, ...], int] = {}
        self._bodies: dict[int, bytes] = {}
        try:
            # SQLite follows links, and makes further files beside
            self._base = sqlite3.connect(checked(path), timeout=60, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_TABLES)
        except sqlite3.Error as error:
            raise FleetError(f"{path} is no index of verdicts: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def plans(self, domains: Iterable[bytes]) -> dict[bytes, list[PlanRow]]:
        """Give what is known of domains, by their names."""
        found: dict[bytes, list[PlanRow]] = {}
        left = iter(domains)
        while some := list(itertools.islice(left, _AT_ONCE)):
            marks = ",".join("?" * len(some))
            rows = self._base.execute(
                "SELECT d.name, wanted, everywhere, refused, partitions, places "  # noqa: S608
                "FROM domains d JOIN plans p ON p.id = plan "
                f"WHERE scope = ? AND d.name IN ({marks})",
                (self._scope, *some),
            )
            for name, *row in rows:
                found.setdefault(name, []).append(PlanRow(*row))
        return found

    def content(self, number: int) -> bytes:
        """Read a content."""
        known = self._bodies.get(number)
        if known is None:
            query = "SELECT body FROM contents WHERE id = ?"
            ((known,),) = self._base.execute(query, (number,))
            self._bodies[number] = known
        return known

    def traces(self, partitions: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Give the partitions of a plan: their numbers, each with those of its traces."""
        for number in msgspec.msgpack.decode(self.content(partitions)):
            yield number, tuple(msgspec.msgpack.decode(self.content(number)))

    def keep(self, found: Iterable[tuple[bytes, KeptPlan]]) -> None:
        """Keep the plans of domains: all of them or, if this is killed, none."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            for domain, plan in found:
                self._keep(domain, plan)
        except BaseException:
            self._base.execute("ROLLBACK")
            self._written.clear()
            raise
        self._base.execute("COMMIT")

    def _keep(self, domain: bytes, plan: KeptPlan) -> None:
        partitions = [self._partition(traces) for traces in plan.partitions]
        row = (
            self._number(plan.wanted), self._number(plan.everywhere), plan.is_refused,
            self._number(_packed(partitions)), self._number(plan.places),
        )  # fmt: skip
        name = name_of_domain(_packed(row))
        self._base.execute(
            "INSERT OR IGNORE INTO plans (name, wanted, everywhere, refused, partitions, places) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (name, *row),
        )
        ((number,),) = self._base.execute("SELECT id FROM plans WHERE name = ?", (name,))
        self._base.execute(
            "INSERT OR IGNORE INTO domains VALUES (?, ?, ?)", (self._scope, domain, number)
        )
        self._base.execute(
            "DELETE FROM domains WHERE scope = ?1 AND name = ?2 AND plan NOT IN (SELECT plan FROM "
            "domains WHERE scope = ?1 AND name = ?2 ORDER BY plan DESC LIMIT ?3)",
            (self._scope, domain, _MOST_PLANS),
        )

    def _partition(self, traces: tuple[bytes, ...]) -> int:
        number = self._written.get(traces)
        if number is None:
            number = self._number(_packed([self._number(trace) for trace in traces]))
            self._written[traces] = number
        return number

    def _number(self, body: bytes) -> int:
        """Give the number of a content, written where it is new."""
        number = self._written.get(body)
        if number is None:
            if len(self._written) >= _MOST_WRITTEN:
                self._written.clear()
            name = name_of_domain(body)
            self._base.execute(
                "INSERT OR IGNORE INTO contents (name, body) VALUES (?, ?)", (name, body)
            )
            ((number,),) = self._base.execute("SELECT id FROM contents WHERE name = ?", (name,))
            self._written[body] = number
        return number


def _packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)
