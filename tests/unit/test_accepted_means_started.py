"""What any part of the table knows to fail at start, `validate` says: one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domcaps.elements import table
from domcaps.language import Choice, Drift, Element, Enum
from domcaps.language.finding import Stage
from domcaps.language.rule import Sample
from domcaps.language.truth import Truth
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.minimal import element_with
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps import Host
    from domcaps.validate.check import Validation

_TARGETS = (
    ("x86_64", "q35", "qemu"), ("x86_64", "q35", "kvm"), ("x86_64", "microvm", "qemu"),
    ("aarch64", "virt", "qemu"), ("aarch64", "raspi3b", "qemu"), ("s390x", "", "qemu"),
    ("riscv64", "virt", "qemu"), ("ppc64", "pseries", "qemu"),
)  # fmt: skip
_LACKING = ((), ("helpers", "kvm.tdx", "kvm.smm", "images"))
_DIALECTS = ("12.8", "11.9", "11.3", "9.0", "7.0")
_PLACES = {"top": "", "devices": "devices/", "features": "features/"}


class _Known:
    """A drift at start with the choice and the places in the table that it is noted at."""

    def __init__(self, elements: tuple[Element, ...], enum: Enum, choice: Choice, drift: Drift):
        self.elements, self.enum, self.choice, self.drift = elements, enum, choice, drift

    def __str__(self) -> str:
        path = ".".join(element.name for element in self.elements)
        return f"{path}.{self.enum.name}={self.choice.name}: {self.drift.but[:40]}"

    def domain(self, arch: str, machine: str, virttype: str) -> str:
        above = self.elements
        path = _PLACES[above[0].place.value] + "/".join(e.name for e in above)
        xml = self.enum.sample_of(self.choice)
        xml = xml or element_with(path, {self.enum.attribute: self.choice.name})
        acpi = "<features><acpi/></features>" if "firmware" in xml else ""
        return domain_of(Sample(xml + acpi, arch, machine, virttype))


def _inside(element: Element, above: tuple[Element, ...] = ()) -> Iterator[_Known]:
    for part in element.content:
        if isinstance(part, Element):
            yield from _inside(part, (*above, element))
        elif isinstance(part, Enum):
            for choice in part.choices:
                for drift in choice.at_start:
                    yield _Known((*above, element), part, choice, drift)


_ALL = [known for element in table() for known in _inside(element)]
_CERTAIN = [known for known in _ALL if known.drift.certain]
_DOUBTS = [
    known
    for known in _ALL
    if known.drift.listed and not known.drift.certain and not known.drift.found_by
]


def _has(host: Host, machine: str, virttype: str) -> bool:
    emulator = host.emulators.get(host.emulators.paths()[0])
    known = emulator.machines(virttype)
    return machine in {name for m in known for name in (m.name, m.alias)}


def _validated(known: _Known) -> Iterator[Validation]:
    """Validate a domain that uses the choice, on each host and target where it is known to fail."""
    since = [e.since for e in known.elements] + [known.enum.since, known.choice.since]
    until = [e.until for e in known.elements] + [known.enum.until, known.choice.until]
    for host, (arch, machine, virttype), dialect in _hosts():
        world = host.world(arch=arch, machine=machine or None, virttype=virttype, libvirt=dialect)
        has = world.target.dialect.has_between
        fails = world.truth(known.drift.where) is Truth.YES
        there = all(map(has, since, until)) and world.truth(known.choice.when) is not Truth.NO
        if there and fails:
            yield host.validate(known.domain(arch, machine, virttype), dialect)


def _hosts() -> Iterator[tuple[Host, tuple[str, str, str], str]]:
    """Give the sample hosts, each with the targets that it has and the dialects to try."""
    for lacking in _LACKING:
        for target in _TARGETS:
            for release in ("sid", "debian12"):
                host = sample_host(target[0], release, target[1], "", lacking)
                if host is not None and (not target[1] or _has(host, *target[1:])):
                    yield from ((host, target, dialect) for dialect in _DIALECTS)


@pytest.mark.parametrize("known", _CERTAIN, ids=str)
def test_what_is_known_to_fail_is_not_accepted(known: _Known) -> None:
    verdicts = list(_validated(known))
    assert verdicts, "no sample host shows it"
    assert not [verdict for verdict in verdicts if verdict.accepted]


@pytest.mark.parametrize("known", _DOUBTS, ids=str)
def test_what_may_fail_is_unknown_or_refused(known: _Known) -> None:
    verdicts = list(_validated(known))
    silent = [
        v for v in verdicts if v.accepted and not any(known.drift.but in u for u in v.unknown)
    ]
    assert not silent


def _drifts(element: Element) -> Iterator[Drift]:
    yield from element.at_start
    for part in element.content:
        if isinstance(part, Element):
            yield from _drifts(part)
        elif isinstance(part, Enum):
            yield from (drift for choice in part.choices for drift in choice.at_start)


def test_a_drift_that_a_rule_finds_names_a_rule_of_the_start() -> None:
    found_by = {d.found_by for element in table() for d in _drifts(element) if d.found_by}
    assert found_by
    assert {codes()[code].stage for code in found_by} == {Stage.START}


def test_every_drift_of_an_element_is_found_or_doubted() -> None:
    # an element has no value whose check could find it: a rule has to
    left = [
        (element.name, drift.but)
        for element in table()
        for drift in element.at_start
        if drift.listed and not drift.found_by
    ]
    # vmcoreinfo has a rule that asks its drifts, and so have the modes of <cpu>
    assert {name for name, _ in left} <= {"vmcoreinfo"}
