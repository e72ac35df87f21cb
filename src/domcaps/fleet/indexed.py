"""All verdicts of a fleet with an index: what it tells is not asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from domcaps.fleet.answers import joined_answer
from domcaps.fleet.collection import rarely_collected
from domcaps.fleet.columns import FactColumns, KeptColumns, changes_since
from domcaps.fleet.hosts import FleetHosts, bits
from domcaps.fleet.index import FleetMoment, name_of_domain
from domcaps.fleet.recall import Recall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domcaps.fleet.answers import DomainAnswer
    from domcaps.fleet.index import VerdictIndex
    from domcaps.fleet.sending import Result
    from domcaps.fleet.store import FleetStore, UnreadHost

    NamedDomain = tuple[str, bytes]
    Run = Callable[[tuple[tuple[str, str], ...], list[NamedDomain]], Iterator[list[Result]]]
    """Asks hosts, by the keys of their manifests, for the verdicts on domains."""

_MOST_CHANGED = 20
"""One host in so many may have changed for what was kept of all to be used."""


class FleetNow(NamedTuple):
    """The hosts of a fleet that can be read: the keys of their manifests, and their digests."""

    keys: tuple[tuple[str, str], ...]
    digests: tuple[str, ...]
    unread: tuple[UnreadHost, ...]

    @property
    def moment(self) -> FleetMoment:
        """Give the hosts as an index names them."""
        return FleetMoment(tuple(name for name, _ in self.keys), self.digests)


def fleet_now(store: FleetStore, index: VerdictIndex, latest: dict[str, str]) -> FleetNow:
    """Read the hosts of a store, of which those that an index knows need not be read."""
    known = index.digests()
    new = {name: key for name, key in latest.items() if key not in known}
    manifests, unread = store.read_manifests(new)
    hosts = FleetHosts(store, manifests.values())
    added = {new[name]: digest for name, digest in zip(hosts.names, hosts.digests, strict=True)}
    index.keep_digests(added)
    known |= added
    keys = tuple((name, key) for name, key in latest.items() if key in known)
    return FleetNow(keys, tuple(known[key] for _, key in keys), unread)


class _Left(NamedTuple):
    """A domain of which not all is known, with what is."""

    digest: bytes
    answer: DomainAnswer | None
    domain: NamedDomain


class IndexedAsk:
    """One question to a fleet: what the index tells, then what has to be asked, which is kept."""

    def __init__(
        self, store: FleetStore, index: VerdictIndex, now: FleetNow, libvirt: str, run: Run
    ) -> None:
        self._store, self._index, self._now = store, index, now
        self._libvirt, self._run = libvirt, run
        moment = index.moment()
        self._is_as_kept = moment == now.moment
        if moment is None or not self._is_near(moment):
            self._is_as_kept = True
            index.keep_moment(now.moment)
            moment = now.moment
        columns = self._columns(moment)
        self._name = columns.name
        self._recall = Recall(index, columns)

    def _is_near(self, moment: FleetMoment) -> bool:
        now = self._now.moment
        if moment.names != now.names:
            return False
        changed = sum(a != b for a, b in zip(moment.digests, now.digests, strict=True))
        return changed * _MOST_CHANGED <= max(len(now.names), _MOST_CHANGED)

    def _columns(self, moment: FleetMoment) -> KeptColumns:
        changes = changes_since(moment, self._now.digests)
        new = self._facts(changes.new) if changes.new else None
        return KeptColumns(self._index, moment, changes, new, self._every)

    def _every(self) -> FactColumns:
        return self._facts(range(len(self._now.keys)))

    def _facts(self, numbers: Sequence[int]) -> FactColumns:
        manifests = [self._store.manifest(self._now.keys[number][1]) for number in numbers]
        return FactColumns(self._index, FleetHosts(self._store, manifests), self._libvirt)

    def results(self, domains: list[NamedDomain]) -> Iterator[Result]:
        """Give the verdicts of all hosts."""
        names = [name_of_domain(data) for _, data in domains]
        with rarely_collected():
            plans = self._index.plans(names)
            self._recall.prepare(plans.values())
        left: dict[int, list[_Left]] = {}
        for digest, domain in zip(names, domains, strict=True):
            answer, unknown = self._recall.answer(domain[0], digest, plans.get(digest, []))
            if answer is not None and not unknown:
                yield answer, None
            else:
                left.setdefault(unknown, []).append(_Left(digest, answer, domain))
        for unknown, some in left.items():
            yield from self._asked(unknown, some)

    def _asked(self, unknown: int, some: list[_Left]) -> Iterator[Result]:
        """Ask some hosts only, keep what is found, and put it together with what was known."""
        numbers = list(bits(unknown))
        keys = tuple(self._now.keys[number] for number in numbers)
        # two files may have one name
        known = {str(number): one for number, one in enumerate(some)}
        is_of_all = len(numbers) == len(self._now.keys)
        is_whole = self._is_as_kept and is_of_all
        asked = [(name, one.domain[1]) for name, one in known.items()]
        for results in self._run(keys, asked):
            kept = [(known[answer.name].digest, plan) for answer, plan in results if plan]
            self._index.keep(kept, self._name if is_whole else None)
            for answer, _ in results:
                before, name = known[answer.name].answer, known[answer.name].domain[0]
                if is_of_all and before is None:
                    yield answer.named(name), None
                else:
                    yield joined_answer(name, before, answer, numbers), None


def scope_of(version: str, libvirt: str, *, new: bool) -> str:
    """Name all that the plans of an index depend on besides domain and hosts."""
    return msgspec.json.encode([version, libvirt, new]).decode()
