"""Entries of the drift list that do not hold on a target: the smallest domain shows it.

An entry says that libvirt's report and its verdicts differ. Whether they do may depend on what no
predicate of the entry tells: on a program of the host, or on a device of the emulator.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from domcaps.elements import table
from domcaps.extended.accepted import is_accepted, without_files
from domcaps.language import Place
from domcaps.language.rule import Sample
from domcaps.report.drift import enums_of
from domcaps.validate.catalogue.minimal import element_with
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.catalogue.values import xml_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import Choice, Element, Enum, World
    from domcaps.validate.target import OpenWorld

_SURROUNDINGS = ("", "<features><acpi/></features>")
"""What a domain may need beside a value: firmware wants ACPI on some machine types."""
_PLACES = {Place.TOP: "", Place.DEVICES: "devices/", Place.FEATURES: "features/"}


def disproved(world: World, open_world: OpenWorld) -> frozenset[tuple[str, bool]]:
    """Give the paths of which report and verdict agree, each with what the report says of it.

    Looked at is what has an entry about what libvirt accepts. What QEMU refuses when it starts is
    for a trial of the emulator.
    """
    opener = partial(without_files, world.target.emulator, open_world)
    found = set()
    for path, xml, claims in _claims(world):
        accepted = _is_accepted(xml, world, opener)
        if accepted in claims:
            found.add((path, accepted))
    return frozenset(found)


def _is_accepted(xml: str, world: World, opener: OpenWorld) -> bool:
    target = world.target
    named = target.arch, target.machine, target.virttype
    domains = (domain_of(Sample(xml + more, *named)) for more in _SURROUNDINGS)
    return any(is_accepted(domain.encode(), opener) for domain in domains)


def _claims(world: World) -> Iterator[tuple[str, str, frozenset[bool]]]:
    """Give values with entries that are true of the target as far as predicates tell."""
    dialect = world.target.dialect
    for element in table():
        for name, enum in enums_of(element):
            for choice in enum.choices:
                listed = frozenset(d.listed for d in choice.drifts if world.truth(d.where))
                if listed and dialect.has_between(choice.since, choice.until):
                    xml = xml_of(enum, choice.name) or _with_attribute(element, name, enum, choice)
                    yield f"{name}={choice.name}", xml, listed


def _with_attribute(element: Element, name: str, enum: Enum, choice: Choice) -> str:
    """Give the element of an enum with the attribute that has the value."""
    path = name.rpartition(".")[0].replace(".", "/")
    return element_with(_PLACES[element.place] + path, {enum.attribute: choice.name})
