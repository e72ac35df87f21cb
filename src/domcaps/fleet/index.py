"""An index of verdicts in SQLite: for each domain, what its verdicts follow from.

Kept are no verdicts but *plans*: which reads of a host lead to which findings. So an index holds
for any hosts. For the hosts of one moment, a `FleetMoment`, it is also kept on which of them each
check found what: of hosts that did not change nothing has to be looked up. Only what no plan says
is asked again, of the hosts concerned alone.

Plans, their partitions and traces are named by content and written before what names them, in one
transaction: a reader finds a whole index, whenever the writer is killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from domcaps.destination import judged_path
from domcaps.errors import FleetError
from domcaps.fleet.portable import kept_hosts, kept_resolutions, kept_sets, trace_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from domcaps.fleet.sending import KeptPlan, SentAnswer, SentPartition, SentTable, SentUnit
    from domcaps.fleet.units import UnitTrace

_TABLES = """
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, name BLOB UNIQUE, body BLOB);
CREATE TABLE IF NOT EXISTS plans (
    id INTEGER PRIMARY KEY, name BLOB UNIQUE, wanted INTEGER, everywhere INTEGER,
    refused INTEGER, partitions INTEGER, places INTEGER);
CREATE TABLE IF NOT EXISTS domains (
    scope BLOB, name BLOB, plan INTEGER, moment BLOB,
    PRIMARY KEY (scope, name, plan)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS own (
    scope BLOB, name BLOB, plan INTEGER, body BLOB, PRIMARY KEY (scope, name, plan)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifests (name TEXT PRIMARY KEY, digest TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moments (
    scope BLOB PRIMARY KEY, id BLOB, names BLOB, digests BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS targets (
    moment BLOB, wanted INTEGER, body BLOB, PRIMARY KEY (moment, wanted)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found (
    moment BLOB, wanted INTEGER, partition INTEGER, refusing BLOB, body BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS of_moment ON found (moment, wanted, partition);
"""
_NAMES = ("contents", "plans", "domains", "own", "manifests", "moments", "targets", "found")
_FORMAT = 2
"""Format of the tables: an index of another one is forgotten, it can be computed again."""

_AT_ONCE = 500
_MOST_WRITTEN = 200_000
_MOST_PLANS = 16
"""Plans of one domain: one for the hosts of each time that it was asked of others."""


class PlanOfDomain(NamedTuple):
    """A plan by the numbers of its contents, with the traces that only this domain has.

    `moment` names the hosts on all of which the checks of these find nothing; "" stands for none,
    and None for a domain without such traces.
    """

    plan: int
    moment: bytes | None
    wanted: int
    everywhere: int
    is_refused: bool
    partitions: int
    places: int


class FleetMoment(NamedTuple):
    """The hosts of a fleet as they were once: their names, and the digests of their facts."""

    names: tuple[str, ...]
    digests: tuple[str, ...]


def name_of_domain(data: bytes) -> bytes:
    """Name a domain by its content."""
    return hashlib.sha256(data).digest()


class VerdictIndex:
    """The index in one file; `scope` names all that plans depend on besides domain and hosts."""

    def __init__(self, path: Path | str, scope: str) -> None:
        self._scope = name_of_domain(scope.encode())
        self._written: dict[bytes | tuple[bytes, ...], int] = {}
        self._bodies: dict[int, bytes] = {}
        self._found: set[tuple[bytes, int, int]] = set()
        try:
            # SQLite follows links, and makes further files beside
            self._base = sqlite3.connect(judged_path(path), timeout=60, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._make_tables()
        except sqlite3.Error as error:
            raise FleetError(f"{path} is no index of verdicts: {error}") from error

    def _make_tables(self) -> None:
        """Make the tables; those of another format are made anew."""
        if self._is_made():
            return
        with self._transaction():
            # another process may have made them meanwhile
            if self._is_made():
                return
            for table in _NAMES:
                self._base.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                self._base.execute(statement)
            self._base.execute(f"PRAGMA user_version = {_FORMAT}")

    def _is_made(self) -> bool:
        ((version,),) = self._base.execute("PRAGMA user_version")
        return bool(version == _FORMAT)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all that is written within, or nothing."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            self._base.rollback()
            self._written.clear()
            self._found.clear()
            raise

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    # -- hosts ---------------------------------------------------------------------------------

    def digests(self) -> dict[str, str]:
        """Give the digests of manifests that were read, by their keys."""
        return dict(self._base.execute("SELECT name, digest FROM manifests"))

    def keep_digests(self, found: Mapping[str, str]) -> None:
        """Keep digests of manifests, which never change."""
        if not found:
            return
        insert = "INSERT OR REPLACE INTO manifests VALUES (?, ?)"
        with self._transaction():
            self._base.executemany(insert, found.items())

    def moment(self) -> FleetMoment | None:
        """Give the hosts of which it is kept what was found on which."""
        query = "SELECT names, digests FROM moments WHERE scope = ?"
        row = self._base.execute(query, (self._scope,)).fetchone()
        if row is None:
            return None
        return FleetMoment(*(tuple(msgspec.msgpack.decode(part)) for part in row))

    def keep_moment(self, moment: FleetMoment) -> None:
        """Keep from now on what is found on these hosts, and forget that of others."""
        name = self.name_of_moment(moment)
        row = self._scope, name, _packed(moment.names), _packed(moment.digests)
        with self._transaction():
            for table in ("targets", "found"):
                # what another index scope keeps of other hosts stays
                self._base.execute(
                    f"DELETE FROM {table} WHERE moment IN "  # noqa: S608
                    "(SELECT id FROM moments WHERE scope = ? AND id != ?)",
                    (self._scope, name),
                )
            self._base.execute("INSERT OR REPLACE INTO moments VALUES (?, ?, ?, ?)", row)

    def name_of_moment(self, moment: FleetMoment) -> bytes:
        """Name a moment in this index, by its content."""
        return name_of_domain(self._scope + name_of_domain(_packed(moment)))

    def targets(self, moment: bytes) -> dict[int, bytes]:
        """Give what came of targets on the hosts of a moment."""
        query = "SELECT wanted, body FROM targets WHERE moment = ?"
        return dict(self._base.execute(query, (moment,)))

    def refusing(self, moment: bytes) -> dict[int, dict[int, bytes]]:
        """Give the hosts on which partitions refuse, by target and partition."""
        query = "SELECT wanted, partition, refusing FROM found WHERE moment = ?"
        found: dict[int, dict[int, bytes]] = {}
        for wanted, partition, hosts in self._base.execute(query, (moment,)):
            found.setdefault(wanted, {})[partition] = hosts
        return found

    def sets(self, moment: bytes, wanted: int, partition: int) -> bytes:
        """Give what is found on the hosts of a moment."""
        query = "SELECT body FROM found WHERE moment = ? AND wanted = ? AND partition = ?"
        ((body,),) = self._base.execute(query, (moment, wanted, partition))
        found: bytes = body
        return found

    # -- domains -------------------------------------------------------------------------------

    def plans(self, domains: Iterable[bytes]) -> dict[bytes, list[PlanOfDomain]]:
        """Give what is known of domains, by their names: of each its plans, the oldest first."""
        query = (
            "SELECT domains.name, plan, moment, wanted, everywhere, refused, partitions, places "
            "FROM domains CROSS JOIN plans ON plan = id WHERE scope = ? AND domains.name"
        )
        found: dict[bytes, list[PlanOfDomain]] = {}
        # in the order of the table
        for name, *row in self._among(query, sorted(domains), self._scope):
            plan = PlanOfDomain._make(row)
            known = found.get(name)
            if known is None:
                found[name] = [plan]
            else:
                known.append(plan)
                known.sort(key=_age)
        return found

    def own(self, domain: bytes, plan: int) -> tuple[tuple[UnitTrace, ...], ...]:
        """Give the traces that only a domain has, by their checks."""
        query = "SELECT body FROM own WHERE scope = ? AND name = ? AND plan = ?"
        row = self._base.execute(query, (self._scope, domain, plan)).fetchone()
        checks = msgspec.msgpack.decode(row[0]) if row else ()
        return tuple(tuple(map(trace_from, traces)) for traces in checks)

    def read_contents(self, numbers: Iterable[int]) -> None:
        """Read contents that are wanted later, all at once."""
        query = "SELECT id, body FROM contents WHERE id"
        new = set(numbers) - self._bodies.keys()
        self._bodies.update(self._among(query, sorted(new)))

    def _among(self, query: str, values: Iterable[Any], *fixed: Any) -> Iterator[Any]:
        """Give the rows in which the last column that a query names has one of the values."""
        left = iter(values)
        while some := list(itertools.islice(left, _AT_ONCE)):
            marks = ",".join("?" * len(some))
            yield from self._base.execute(f"{query} IN ({marks})", (*fixed, *some))

    def content(self, number: int) -> bytes:
        """Read a content."""
        known = self._bodies.get(number)
        if known is None:
            query = "SELECT body FROM contents WHERE id = ?"
            ((known,),) = self._base.execute(query, (number,))
            self._bodies[number] = known
        return known

    def numbers(self, content: int) -> list[int]:
        """Give the numbers that a content names: partitions of a plan, traces of a partition."""
        found: list[int] = msgspec.msgpack.decode(self.content(content))
        return found

    def keep(self, found: Iterable[tuple[bytes, KeptPlan]], moment: bytes | None = None) -> None:
        """Keep the plans of domains: all of them or, if this is killed, none.

        With the name of a moment it is kept, too, what was found on its hosts: they are those that
        were asked.
        """
        known = _OfUnit(self, moment)
        with self._transaction():
            for domain, plan in found:
                self._keep(domain, plan, known)

    def _keep(self, domain: bytes, plan: KeptPlan, known: _OfUnit) -> None:
        unit, answer = plan
        wanted = known.wanted(unit, answer.table)
        partitions = known.partitions(unit, answer)
        refused = answer.everywhere.refuses
        row = (
            wanted, self.number_of(_packed(answer.everywhere)), refused,
            self.number_of(_packed(partitions)), self.number_of(answer.places),
        )  # fmt: skip
        own = None if not answer.own else known.moment or b""
        self._name(domain, self._plan(row), own, answer.own)

    def _plan(self, row: tuple[int, ...]) -> int:
        name = name_of_domain(_packed(row))
        number = self._written.get(name)
        if number is None:
            columns = "name, wanted, everywhere, refused, partitions, places"
            number = self._written[name] = self._number("plans", columns, (name, *row))
        return number

    def _number(self, table: str, columns: str, row: tuple[Any, ...]) -> int:
        """Give the number of a row by its name, the first column; write the row if it is new."""
        marks = ", ".join("?" * len(row))
        insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        done = self._base.execute(insert, row)
        if done.rowcount and done.lastrowid is not None:
            return done.lastrowid
        query = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608
        ((number,),) = self._base.execute(query, row[:1])
        return int(number)

    def _name(
        self, domain: bytes, plan: int, moment: bytes | None, own: tuple[tuple[bytes, ...], ...]
    ) -> None:
        query = "SELECT count(*) FROM domains WHERE scope = ? AND name = ?"
        ((count,),) = self._base.execute(query, (self._scope, domain))
        insert = "INSERT OR REPLACE INTO domains VALUES (?, ?, ?, ?)"
        self._base.execute(insert, (self._scope, domain, plan, moment))
        if own:
            insert = "INSERT OR REPLACE INTO own VALUES (?, ?, ?, ?)"
            self._base.execute(insert, (self._scope, domain, plan, _packed(own)))
        if count >= _MOST_PLANS:
            for table in ("own", "domains"):
                self._base.execute(
                    f"DELETE FROM {table} WHERE scope = ?1 AND name = ?2 AND plan NOT IN "  # noqa: S608
                    "(SELECT plan FROM domains WHERE scope = ?1 AND name = ?2 "
                    "ORDER BY plan DESC LIMIT ?3)",
                    (self._scope, domain, _MOST_PLANS),
                )

    def keep_target(self, moment: bytes, wanted: int, sent: SentTable) -> None:
        """Keep what came of a target on the hosts of a moment."""
        insert = "INSERT OR IGNORE INTO targets VALUES (?, ?, ?)"
        self._base.execute(insert, (moment, wanted, kept_resolutions(sent.resolutions)))

    def keep_sets(self, key: tuple[bytes, int, int], partition: SentPartition) -> None:
        """Keep what a partition says of the hosts of a moment."""
        if key in self._found:
            return
        self._found.add(key)
        refusing = 0
        for hosts, outcome in partition.sets:
            refusing |= hosts if outcome.refuses else 0
        self._base.execute(
            "INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?, ?)",
            (*key, kept_hosts(refusing), kept_sets(partition.sets)),
        )

    def number_of_partition(self, traces: tuple[bytes, ...]) -> int:
        """Give the number of a partition by its traces, written where it is new."""
        number = self._written.get(traces)
        if number is None:
            number = self.number_of(_packed([self.number_of(trace) for trace in traces]))
            self._written[traces] = number
        return number

    def number_of(self, body: bytes) -> int:
        """Give the number of a content, written where it is new."""
        number = self._written.get(body)
        if number is None:
            if len(self._written) >= _MOST_WRITTEN:
                self._written.clear()
            name = name_of_domain(body)
            number = self._written[body] = self._number("contents", "name, body", (name, body))
        return number


class _OfUnit:
    """The numbers that contents of a unit have in the index: each is looked up once."""

    def __init__(self, index: VerdictIndex, moment: bytes | None) -> None:
        self._index, self.moment = index, moment
        self._unit: SentUnit | None = None
        self._wanted: dict[int, int] = {}
        self._numbers: dict[int, int] = {}

    def wanted(self, unit: SentUnit, table: int) -> int:
        """Give the number of a target."""
        if unit is not self._unit:
            self._unit, self._wanted, self._numbers = unit, {}, {}
        number = self._wanted.get(table)
        if number is None:
            sent = unit.tables[table]
            number = self._wanted[table] = self._index.number_of(_packed(sent.wanted))
            if self.moment is not None:
                self._index.keep_target(self.moment, number, sent)
        return number

    def partitions(self, unit: SentUnit, answer: SentAnswer) -> list[int]:
        """Give the numbers of an answer's partitions."""
        known, wanted = self._numbers, self._wanted[answer.table]
        return [
            known[number] if number in known else self._partition(unit, number, wanted)
            for number in answer.partitions or ()
        ]

    def _partition(self, unit: SentUnit, place: int, wanted: int) -> int:
        sent = unit.partitions[place]
        number = self._numbers[place] = self._index.number_of_partition(sent.traces or ())
        if self.moment is not None:
            self._index.keep_sets((self.moment, wanted, number), sent)
        return number


def _age(plan: PlanOfDomain) -> int:
    return plan.plan


def _packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)
