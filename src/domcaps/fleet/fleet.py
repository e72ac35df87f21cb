"""The fleet for Python: a store, and what is asked of the hosts in it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.arguments import document
from domcaps.checked import checked
from domcaps.errors import FleetError
from domcaps.facts.open_files import methods_say_open_files
from domcaps.facts.recording import load
from domcaps.fleet.engine import Engine
from domcaps.fleet.hosts import FleetHosts, bits
from domcaps.fleet.store import FleetStore
from domcaps.fleet.upkeep import check, collect_garbage
from domcaps.fleet.verdict import Placed
from domcaps.hosts.host import Host
from domcaps.language.finding import Finding, Severity
from domcaps.validate.check import MAX_FINDINGS, STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from domcaps.facts.record import Recording
    from domcaps.fleet.answers import DomainAnswer, HostSet
    from domcaps.fleet.manifest import Manifest
    from domcaps.fleet.store import UnreadHost
    from domcaps.fleet.upkeep import Collected, Trouble


class PairVerdict(msgspec.Struct, frozen=True):
    """The answer for one pair: a domain is accepted on a host where there are no errors."""

    host: str
    domain: str
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Tell whether the host would define and start the domain."""
        return not self.errors


class CountedReason(msgspec.Struct, frozen=True):
    """Why hosts refuse a domain; `alone` counts those that have no other reason."""

    count: int
    alone: int
    code: str
    message: str
    hosts: tuple[str, ...]

    def line(self, every: int) -> str:
        """Say it in one line; `every` is the number of all hosts."""
        alone = f", the only reason on {self.alone}" if self.alone else ""
        return f"{self.count} of {every}: {self.message} [{self.code}]{alone}"


class Accepts(msgspec.Struct, frozen=True):
    """Which hosts accept a domain, which don't, and why not: the commonest reason first.

    `own_path` tells that some host has its emulator at another path than the domain names, and was
    judged with its own.
    """

    domain: str
    accepted: tuple[str, ...]
    refused: tuple[str, ...]
    reasons: tuple[CountedReason, ...]
    own_path: bool = False


@methods_say_open_files
class Fleet:
    """The hosts of a store as they are now; open it again to see what others add."""

    def __init__(self, store: FleetStore) -> None:
        self.store = store

    @classmethod
    @checked
    def open(cls, place: str | Path) -> Fleet:
        """Open a store by its folder or URL; it is made when the first host is added."""
        if not str(place):
            raise FleetError("the name of the store is empty", remedy="name a folder or a URL")
        return cls(FleetStore(place))

    # -- the store -----------------------------------------------------------------------------

    @checked
    def add(self, recording: Recording | str | Path, name: str = "") -> Manifest:
        """Add a recording to the store; its name is by default that of its file."""
        if isinstance(recording, str | Path):
            name = name or Path(recording).name.removesuffix(".domcaps")
            recording = load(recording)
        self.__dict__.pop("hosts", None)
        self.__dict__.pop("_read", None)
        self._engines.clear()
        return self.store.add(recording, name)

    @checked
    def host(self, name: str) -> Host:
        """Give one host as `Host.load` gives a recorded one."""
        return self.host_of(self.store.manifest(self._key(name)))

    def manifests(self, names: Iterable[str]) -> list[Manifest]:
        """Give the newest manifests of hosts; raises `FleetError` for one that can't be read."""
        return [self.store.manifest(self._key(name)) for name in names]

    def deciding_host(self, number: int) -> Host:
        """Give one of `hosts` by its number, with only those facts that decide answers.

        What else its manifest names need not be readable.
        """
        manifest = self.hosts.manifests[number]
        recording = self.store.recording(manifest, aside=False)
        return Host.from_recording(recording, origin=manifest.host)

    def host_of(self, manifest: Manifest) -> Host:
        """Give the host that a manifest describes."""
        return Host.from_recording(self.store.recording(manifest), origin=manifest.host)

    def _key(self, name: str) -> str:
        from domcaps.fleet.ask import question_of

        return question_of(self.store, [name], DEFAULT_DIALECT).keys[0][1]

    @checked
    def gc(self, *, keep: int = 0) -> Collected:
        """Remove content that no manifest names; see `domcaps.fleet.upkeep`."""
        return collect_garbage(self.store, keep=keep)

    @checked
    def check(self) -> list[Trouble]:
        """Verify every content against its hash."""
        return check(self.store)

    # -- questions -----------------------------------------------------------------------------

    @cached_property
    def hosts(self) -> FleetHosts:
        """The newest facts of all hosts that can be read."""
        return FleetHosts(self.store, self._read[0].values())

    @property
    def unread(self) -> tuple[UnreadHost, ...]:
        """The hosts that no answer is about: their manifests, or what these name, can't be read."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, Manifest], tuple[UnreadHost, ...]]:
        return self.store.read_hosts()

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        return {}

    def engine(self, libvirt: str = DEFAULT_DIALECT) -> Engine:
        """Give the engine for a dialect; what it learned of one domain helps with the next."""
        if libvirt not in self._engines:
            self._engines[libvirt] = Engine(self.hosts, libvirt)
        return self._engines[libvirt]

    @checked
    def accepts(
        self, xml: str | bytes, libvirt: str = DEFAULT_DIALECT, *, name: str = "domain"
    ) -> Accepts:
        """Tell which hosts accept a domain, and why the others do not."""
        data = document(xml)
        return accepts_of(self.engine(libvirt).ask(name, data), self.hosts, data)

    @checked
    def verdicts(
        self,
        domains: Iterable[tuple[str, bytes]],
        libvirt: str = DEFAULT_DIALECT,
    ) -> Iterator[PairVerdict]:
        """Give the answer for each pair of a domain and a host."""
        engine = self.engine(libvirt)
        return self._verdicts(engine, domains)

    def _verdicts(
        self, engine: Engine, domains: Iterable[tuple[str, bytes]]
    ) -> Iterator[PairVerdict]:
        for name, data in domains:
            yield from verdicts_of(engine.ask(name, data), self.hosts, data)

    @checked
    def ask(
        self,
        domains: Iterable[tuple[str, bytes]],
        executor: Executor | None = None,
        *,
        libvirt: str = DEFAULT_DIALECT,
        new: bool = True,
        index: Path | str | None = None,
    ) -> Iterator[Accepts]:
        """Tell of many domains which hosts accept them, as soon as it is known of each.

        `domains` are pairs of a name and a document. The work is divided between processes of this
        machine, or given to `executor`; `index` is a file that keeps results for the next time. See
        `domcaps.fleet.ask.ask`. The order is that in which answers arrive.
        """
        from domcaps.fleet.ask import ask

        named = list(domains)
        data = dict(named)
        hosts = self.hosts
        answers = ask(
            self.store, named, executor, hosts=hosts.names, libvirt=libvirt, new=new, index=index
        )
        for answer in answers:
            yield accepts_of(answer, hosts, data[answer.name])


def verdicts_of(answer: DomainAnswer, hosts: FleetHosts, data: bytes) -> Iterator[PairVerdict]:
    """Give the verdicts of all hosts on a domain, in the order of their names."""
    placed = Placed(data)
    for number, name in enumerate(hosts.names):
        yield verdict_of(answer.of(number), placed, hosts, number, answer.name, name)


def verdict_of(
    found: HostSet, placed: Placed, hosts: FleetHosts, number: int, domain: str, name: str
) -> PairVerdict:
    """Give the verdict of one host with the places of its findings."""
    findings = placed.findings(found, hosts.own_paths[number])
    by: dict[str, list[Any]] = {"error": [], "warning": [], "notice": []}
    if len(findings) > MAX_FINDINGS:
        findings = _the_first(findings)
    for finding in findings:
        by[finding.severity.value].append(finding)
    return PairVerdict(name, domain, tuple(by["error"]), tuple(by["warning"]))


def _the_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Give the first of very many findings, errors before others, and one about the rest."""
    worst = sorted(findings, key=lambda one: one.severity is not Severity.ERROR)
    text = f"more than {MAX_FINDINGS} findings; the rest is not listed"
    return (*worst[:MAX_FINDINGS], Finding(STOPPED, text, worst[0].severity))


def accepts_of(answer: DomainAnswer, hosts: FleetHosts, data: bytes) -> Accepts:
    """Sum up an answer: hosts by acceptance, and reasons by the number of hosts that have them."""
    accepting = answer.accepting
    named = hosts.names
    return Accepts(
        answer.name,
        tuple(named[n] for n in bits(accepting)),
        tuple(named[n] for n in bits(hosts.every & ~accepting)),
        tuple(_reasons(answer, hosts)),
        own_path=b"<emulator>" in data and any(hosts.own_paths[n] for n in bits(accepting)),
    )


def _reasons(answer: DomainAnswer, hosts: FleetHosts) -> list[CountedReason]:
    having = answer.reasons
    once = twice = 0
    for some in having.values():
        twice |= once & some
        once |= some
    alone = {error: some & ~twice for error, some in having.items()}
    ranked = sorted(having.items(), key=lambda item: (-item[1].bit_count(), item[0]))
    if len(ranked) > MAX_FINDINGS:
        rest = STOPPED, f"more than {MAX_FINDINGS} reasons; the rest is not listed"
        ranked = [*ranked[:MAX_FINDINGS], (rest, once)]
        alone[rest] = 0
    return [
        CountedReason(some.bit_count(), alone[error].bit_count(), *error,
               tuple(hosts.names[n] for n in bits(some)))
        for error, some in ranked
    ]  # fmt: skip
