"""All verdicts of a fleet, by pure units of work that any executor can run.

A unit is named by content: the version of domcaps, the store, the manifests of the hosts and the
hashes of its domains. Who runs it a second time gets the same. So a unit whose worker was killed is
asked again, and nothing is lost but its time. With an index (`index.py`) results are kept as they
arrive, by domain and by what was read of hosts: when a host changes, what is known still holds.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
from hashlib import sha1
from typing import TYPE_CHECKING

import msgspec

from domcaps._version import DEFAULT_DIALECT, __version__
from domcaps.checked import checked
from domcaps.errors import FleetError
from domcaps.fleet.collection import rarely_collected
from domcaps.fleet.engine import Engine
from domcaps.fleet.executors import UnitCounts as UnitCounts
from domcaps.fleet.executors import run_units
from domcaps.fleet.hosts import FleetHosts
from domcaps.fleet.manifest import encode, sha256
from domcaps.fleet.sending import Receiver, Sender
from domcaps.fleet.store import FleetStore, no_such_host
from domcaps.language.dialect import check_dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    from domcaps.fleet.answers import DomainAnswer
    from domcaps.fleet.sending import Result, SentUnit

LEAST = 100
"""Verdicts that a unit has at least: fewer would cost more to send than to compute."""

_DOMAINS = 200
"""Default number of domains in a unit."""


class FleetQuestion(msgspec.Struct, frozen=True):
    """What is asked of all hosts of a fleet; `place` is where their store is."""

    place: str
    keys: tuple[tuple[str, str], ...]
    libvirt: str = DEFAULT_DIALECT
    new: bool = True
    planned: bool = False


def name_of(question: FleetQuestion, domains: Iterable[tuple[str, bytes]]) -> str:
    """Name a unit by its content."""
    hashes = [sha256(data) for _, data in domains]
    return sha256(encode([__version__, question, hashes]))


def run_unit(
    question: FleetQuestion,
    domains: tuple[tuple[str, bytes], ...],
    attempt: int = 0,  # noqa: ARG001 - tells executors that a unit which failed is to be done
) -> SentUnit:
    """Give the verdicts of one unit: a pure function, in any process that reaches the store.

    With each verdict is what it follows from, where the question says that this is to be kept.
    """
    with rarely_collected():
        sender = Sender(_engine(question), planned=question.planned)
        for name, data in domains:
            sender.ask(name, data)
        return sender.unit


_ENGINES: dict[FleetQuestion, Engine] = {}


def _engine(question: FleetQuestion) -> Engine:
    """Give the engine of this process: it keeps hosts by hash and what it learned of documents."""
    if question not in _ENGINES:
        _ENGINES.clear()
        store = FleetStore(question.place)
        manifests = [store.manifest(key) for _, key in question.keys]
        _ENGINES[question] = Engine(
            FleetHosts(store, manifests), question.libvirt, new=question.new
        )
    return _ENGINES[question]


@checked
def ask(
    store: FleetStore | Path | str,
    domains: Iterable[tuple[str, bytes]],
    executor: Executor | None = None,
    *,
    hosts: Iterable[str] | None = None,
    libvirt: str = DEFAULT_DIALECT,
    new: bool = True,
    size: int = 0,
    counts: UnitCounts | None = None,
    keep: Callable[[DomainAnswer], None] | None = None,
    index: Path | str | None = None,
) -> Iterator[DomainAnswer]:
    """Give the verdicts of all hosts on domains, as they become known.

    `domains` are pairs of a name and a document. `executor` may be any that has `submit` and
    `shutdown` (`dask.distributed`'s ``client.get_executor()``, Parsl's); by default processes of
    this machine, or none where there is little to do. `hosts` limits the fleet to some names.
    `keep` is called with each answer once, as soon as it is there. `index` is a file, made where
    there is none: what was found is kept there, and only what it does not tell is asked.
    """
    check_dialect(libvirt)
    fleet = store if isinstance(store, FleetStore) else FleetStore(store)
    done = counts or UnitCounts()
    how = executor, done, size
    answers: Iterator[Result]
    if index is None:
        if hosts is None:
            hosts, done.unread = fleet.read_hosts()
        question = question_of(fleet, hosts, libvirt, new=new)
        answers = itertools.chain.from_iterable(_results(question, domains, *how))
    else:
        question = FleetQuestion(fleet.place, (), libvirt, new, planned=True)
        answers = _indexed(fleet, question, hosts, list(domains), index, how)
    for answer, _ in answers:
        if keep is not None:
            keep(answer)
        yield answer


def _results(
    question: FleetQuestion,
    domains: Iterable[tuple[str, bytes]],
    executor: Executor | None,
    counts: UnitCounts,
    size: int,
) -> Iterator[list[Result]]:
    units = list(_units(sorted(domains, key=_structure), len(question.keys), size))
    counts.units += len(units)
    receiver = Receiver()
    for unit in run_units(functools.partial(run_unit, question), units, executor, counts):
        yield list(receiver.results(unit))


def _indexed(
    store: FleetStore,
    question: FleetQuestion,
    hosts: Iterable[str] | None,
    domains: list[tuple[str, bytes]],
    path: Path | str,
    how: tuple[Executor | None, UnitCounts, int],
) -> Iterator[Result]:
    # where nothing is kept, SQLite is not loaded
    from domcaps.fleet.index import VerdictIndex
    from domcaps.fleet.indexed import IndexedAsk, fleet_now, scope_of

    def run(
        keys: tuple[tuple[str, str], ...], some: list[tuple[str, bytes]]
    ) -> Iterator[list[Result]]:
        return _results(msgspec.structs.replace(question, keys=keys), some, *how)

    scope = scope_of(__version__, question.libvirt, new=question.new)
    latest = store.latest()
    chosen = latest if hosts is None else _chosen(latest, hosts)
    with contextlib.closing(VerdictIndex(path, scope)) as index:
        now = fleet_now(store, index, dict(chosen))
        _, counts, _ = how
        if hosts is None:
            counts.unread = now.unread
        elif now.unread:
            raise FleetError(now.unread[0].reason, where=now.unread[0].key)
        yield from IndexedAsk(store, index, now, question.libvirt, run).results(domains)


def _structure(domain: tuple[str, bytes]) -> bytes:
    """Give something that domains of the same elements and attributes share.

    These are asked in one unit, so that each process learns of other ones.
    """
    data = domain[1]
    # most documents have one kind of quotes: what stands between these is cut out quickly
    pieces = data.split(b"'")
    is_simple = b'"' not in data and len(pieces) % 2 == 1
    outside = b"'".join(pieces[::2]) if is_simple else _VALUES.sub(b"", data)
    return sha1(_TEXTS.sub(b">", outside), usedforsecurity=False).digest()


_VALUES = re.compile(rb"""'[^'<]*'|"[^"<]*\"""")
_TEXTS = re.compile(rb">[^<]+")


def question_of(
    store: FleetStore, hosts: Iterable[str] | None, libvirt: str, *, new: bool = True
) -> FleetQuestion:
    """Name the newest manifests of hosts; raises `FleetError` for a host that is not there."""
    latest = store.latest()
    chosen = latest if hosts is None else _chosen(latest, hosts)
    return FleetQuestion(store.place, tuple(chosen.items()), libvirt, new)


def _chosen(latest: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        if name not in latest:
            raise no_such_host(name, latest)
        found[name] = latest[name]
    return found


def _units(
    domains: Iterable[tuple[str, bytes]], hosts: int, size: int
) -> Iterator[tuple[tuple[str, bytes], ...]]:
    """Cut domains into units of enough verdicts, and not too many domains."""
    least = -(-LEAST // max(hosts, 1))
    most = max(size or _DOMAINS, least)
    unit: list[tuple[str, bytes]] = []
    for domain in domains:
        unit.append(domain)
        if len(unit) >= most:
            yield tuple(unit)
            unit = []
    if unit:
        yield tuple(unit)
