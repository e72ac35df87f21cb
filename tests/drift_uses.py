"""What reports list, and what is accepted: every value of every enum of the table, by XML text.

What a report lists is read from its text by an XML parser, and what is accepted is asked with the
text of the smallest domain that uses a value: the table tells only which values and enums there
are. Where the two disagree the list of drifts must have an entry.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

import domcaps
from domcaps.elements import table, wide_drifts
from domcaps.facts.arch import qemu_target
from domcaps.language import Choice, Drift, Element, Enum, Place, parse_dialect
from domcaps.language.rule import Sample
from domcaps.shipped import open_shipped, shipped_names
from domcaps.validate.catalogue.minimal import element_with
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.check import BROKEN
from plain_hosts import open_plain
from sample_hosts import rich_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from domcaps.facts.record import EmulatorRecord

DIALECTS = ("12.8", "12.0", "11.3")

# where the table's elements stand in a report, and in a domain
_PLACES = {Place.TOP: "", Place.DEVICES: "devices/", Place.FEATURES: "features/"}

# UEFI wants ACPI on some architectures, and others have none
_SURROUNDINGS = ("", "<features><acpi/></features>")

Row = tuple[tuple[Element, ...], Enum, Choice]


@dataclass(frozen=True)
class Target:
    """What report and domain are about."""

    arch: str
    machine: str
    virttype: str
    libvirt: str


@dataclass(frozen=True)
class Use:
    """A value of an enum; `where` is its place in a report, `rows` are those of the table."""

    where: str
    value: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        return f"{self.where}={self.value}"

    def row(self, libvirt: str) -> Row | None:
        """Give the row that a release of libvirt goes by, None where it does not know the value."""
        dialect = parse_dialect(libvirt)
        for elements, enum, choice in self.rows:
            dated = [(one.since, one.until) for one in elements]
            dated += [(enum.since, enum.until), (choice.since, choice.until)]
            if all(dialect.has_between(since, until) for since, until in dated):
                return elements, enum, choice
        return None

    def domains(self, target: Target) -> Iterator[str]:
        """Give the smallest domains that use it."""
        elements, enum, choice = self.row(target.libvirt) or self.rows[0]
        path = _PLACES[elements[0].place] + "/".join(element.name for element in elements)
        xml = enum.sample_of(choice)
        assert xml or enum.attribute, f"nothing tells how a domain uses {self}"
        xml = xml or element_with(path, {enum.attribute: choice.name})
        for more in _SURROUNDINGS:
            yield domain_of(Sample(xml + more, target.arch, target.machine, target.virttype))


def _enums(
    element: Element, above: tuple[Element, ...] = ()
) -> Iterator[tuple[tuple[Element, ...], Enum]]:
    elements = (*above, element)
    for part in element.content:
        if isinstance(part, Element):
            yield from _enums(part, elements)
        elif isinstance(part, Enum):
            yield elements, part


def _where(elements: tuple[Element, ...], enum: Enum) -> str:
    steps = []
    for element in elements:
        named = dict(element.attributes) if isinstance(element.attributes, tuple) else {}
        steps.append(_step(element.tag or element.name, named.get("name")))
    return _PLACES[elements[0].place] + "/".join([*steps, enum.name])


def _step(tag: str, name: str | None) -> str:
    return f"{tag}[{name}]" if name else tag


def enums() -> dict[str, tuple[str, ...]]:
    """Give every enum of the table with its values, by its place in a report."""
    found: dict[str, dict[str, None]] = {}
    for element in table():
        for elements, enum in _enums(element):
            names = {choice.name: None for choice in enum.choices if choice.listed}
            found.setdefault(_where(elements, enum), {}).update(names)
    return {where: tuple(names) for where, names in found.items()}


def uses() -> tuple[Use, ...]:
    """Give every value that a report may list."""
    found: dict[tuple[str, str], list[Row]] = {}
    for element in table():
        for elements, enum in _enums(element):
            for choice in enum.choices:
                if choice.listed:
                    key = _where(elements, enum), choice.name
                    found.setdefault(key, []).append((elements, enum, choice))
    return tuple(Use(where, value, tuple(rows)) for (where, value), rows in found.items())


USES = uses()


def listed(report: str) -> dict[str, tuple[str, ...]]:
    """Read from a report's text which values each of its enums lists."""
    found = {}
    for node in etree.fromstring(report.encode()).iter("enum"):
        steps = [node.get("name", "")]
        above = node.getparent()
        while above is not None and above.tag != "domainCapabilities":
            assert above.get("supported") != "no", "what is not supported lists nothing"
            steps.insert(0, _step(str(above.tag), above.get("name")))
            above = above.getparent()
        found["/".join(steps)] = tuple(value.text or "" for value in node.iterfind("value"))
    return found


@dataclass
class Tally:
    """What came of comparing: how often, where it is `wrong`, which drifts `excused` it.

    `excused` counts entries of the drift list by `title_of`; one of many choices comes before those
    of a choice. `seen` holds for each value whether it was listed, `example` one target for each
    that is wrong.
    """

    compared: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[str, str, bool]] = field(default_factory=set)
    example: dict[str, str] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take in what came of another comparison."""
        self.compared += other.compared
        self.wrong += other.wrong
        self.excused += other.excused
        self.seen |= other.seen
        self.example = other.example | self.example

    def seen_both_ways(self) -> list[str]:
        """Name the values that were listed here and missing there."""
        values = {(where, value) for where, value, _ in self.seen}
        both = [one for one in values if {(*one, True), (*one, False)} <= self.seen]
        return sorted(f"{where}={value}" for where, value in both)

    def enums_seen(self) -> set[str]:
        """Name the enums of which some value was compared."""
        return {where for where, _, _ in self.seen}


def compare(host: domcaps.Host, targets: Iterable[Target]) -> Tally:
    """Compare a host's reports with what it accepts, value by value."""
    tally = Tally()
    for target in targets:
        try:
            world = host.world(None, target.arch, target.machine, target.virttype, target.libvirt)
            report = host.domain_capabilities(
                arch=target.arch,
                machine=target.machine,
                virttype=target.virttype,
                libvirt=target.libvirt,
            )
        except domcaps.UnsupportedTargetError:
            continue  # that libvirt takes no such QEMU
        lists = listed(report.xml)
        strangers = set(lists) - set(enums())
        assert not strangers, f"enums that the table does not have: {strangers}"
        wide = [one for one in wide_drifts() if world.truth(one.where)]
        for use in USES:
            says = use.value in lists.get(use.where, ())
            row = use.row(target.libvirt)
            if row is None:
                assert not says, f"{use} is listed in a dialect that does not know it"
                continue
            own = [(str(use), one) for one in row[2].drifts if world.truth(one.where)]
            known = _titles(((one.path, one.drift) for one in wide), says) or _titles(own, says)
            fails = any(one.listed and world.truth(one.where) for one in row[2].at_start)
            _one(host, target, use, tally, says=says, known=known, fails=fails)
    return tally


def _titles(entries: Iterable[tuple[str, Drift]], listed: bool) -> list[str]:
    """Name the entries that are about what is listed, or about what is not."""
    return [title_of(path, drift) for path, drift in entries if drift.listed == listed]


def title_of(path: str, drift: Drift) -> str:
    """Name an entry of the drift list: of whom, and what is true of them."""
    return f"{path}: {drift.but}"


def drifts() -> dict[str, Drift]:
    """Give every entry about what libvirt accepts, by its title."""
    found = {title_of(one.path, one.drift): one.drift for one in wide_drifts()}
    for use in USES:
        for _, _, choice in use.rows:
            found |= {title_of(str(use), drift): drift for drift in choice.drifts}
    return found


def _one(
    host: domcaps.Host,
    target: Target,
    use: Use,
    tally: Tally,
    *,
    says: bool,
    known: list[str],
    fails: bool,
) -> None:
    """Compare one use; where it is known to fail at start, what libvirt defines is accepted."""
    results, accepted = [], False
    for domain in use.domains(target):
        result = host.validate(domain, target.libvirt)
        results.append(result)
        accepted = accepted or (result.definable if fails else result.accepted)
        if accepted and target.libvirt != DIALECTS[0]:
            # other surroundings decide nothing more; the newest dialect looks for broken rules
            break
    assert not [text for result in results for text in result.unknown if BROKEN in text]
    tally.compared += 1
    tally.seen.add((use.where, use.value, says))
    if accepted == says:
        return
    if known:
        tally.excused.update(known)
        return
    said = "accepted" if accepted else f"refused: {results[0].errors[0].code}"
    text = f"{use} {'listed' if says else 'not listed'}, but {said}"
    tally.wrong[text] += 1
    tally.example.setdefault(text, f"{host.origin} {target}")


@dataclass(frozen=True)
class Subject:
    """A recorded emulator, on the host where it was recorded or on one that lacks nothing.

    `path` is a transcript, None for a recording that is shipped, or of that name on a plain host.
    """

    name: str
    path: Path | None
    rich: bool
    plain: bool = False

    def __str__(self) -> str:
        return f"{self.name}{' on a rich host' if self.rich else ' on a plain host' * self.plain}"

    @property
    def arch(self) -> str:
        """The guest's architecture."""
        words = self.name.replace("+", "_").split("_") if self.path else self.name.split("-", 1)
        return "x86_64" if "x86" in words else words[2 if self.path else 1]

    def host(self) -> domcaps.Host:
        """Open it."""
        if self.path is None:
            shipped = (open_plain if self.plain else open_shipped)(self.name)
            return rich_host(self.arch, _record(shipped), str(self)) if self.rich else shipped
        emulator = f"/usr/bin/qemu-system-{qemu_target(self.arch)}"
        record = domcaps.read_transcript(self.path.read_bytes(), where=self.name, emulator=emulator)
        if self.rich:
            return rich_host(self.arch, record, str(self))
        poor = domcaps.read_host_facts(
            msgspec.json.encode({"arch": self.arch, "kvm": {"usable": True}}), where=self.name
        )
        recording = domcaps.Recording(host=poor, emulators=(record,))
        return domcaps.Host.from_recording(recording, origin=str(self))


def _record(host: domcaps.Host) -> EmulatorRecord:
    return host.emulators.get(host.emulators.paths()[0]).record


def targets(
    host: domcaps.Host, arch: str, most: int | None, dialects: tuple[str, ...]
) -> Iterator[Target]:
    """Give a host's targets: every type and dialect with machines, `most` of them for each type.

    Which ones is the same each time: those with an alias, and others at equal distances.
    """
    facts = host.emulators.get(host.emulators.paths()[0])
    for virttype in facts.virttypes:
        known = facts.machines(virttype)
        names = [machine.name for machine in known]
        if most is not None:
            step = max(len(names) // most, 1)
            aliased = [machine.name for machine in known if machine.alias]
            names = list(dict.fromkeys([*aliased, *names[::step]]))
        for name, dialect in itertools.product(names, dialects):
            yield Target(arch, name, virttype, dialect)


def _subjects(name: str, path: Path | None) -> list[Subject]:
    # KVM is added on a rich host, which an emulator for macOS never has
    return [Subject(name, path, rich) for rich in ((False,) if "hvf" in name else (False, True))]


def shipped_subjects() -> list[Subject]:
    """Give the recordings that are shipped, on their own host and on a rich one."""
    return [subject for name in shipped_names() for subject in _subjects(name, None)]


def transcript_subjects(folder: Path) -> list[Subject]:
    """Give the transcripts in a folder, on a poor host and on a rich one."""
    paths = sorted(folder.glob("*.replies"))
    return [s for path in paths for s in _subjects(path.name.removesuffix(".replies"), path)]


def compare_subject(subject: Subject, most: int | None, dialects: tuple[str, ...]) -> Tally:
    """Compare all that is wanted of one recorded emulator."""
    host = subject.host()
    return compare(host, targets(host, subject.arch, most, dialects))
