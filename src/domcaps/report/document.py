"""One report: the evaluated table for a target, with typed access to what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements import table
from domcaps.errors import DomcapsError, UnsupportedTargetError
from domcaps.language import Place
from domcaps.report.answer import Section, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language import Target, World


class Document(msgspec.Struct, frozen=True):
    """The parts of ``<domainCapabilities>``, in libvirt's order.

    `unknown` tells what could not be decided because the emulator was not asked; such things
    count as not supported.
    """

    path: str
    domain: str
    machine: str
    arch: str
    libvirt: str
    top: tuple[Section, ...]
    devices: tuple[Section, ...]
    features: tuple[Section, ...]
    unknown: tuple[str, ...] = ()


def build(world: World) -> Document:
    """Evaluate the whole table for the world's target.

    Of a partial recording it is the report that libvirt gave; raises `UnsupportedTargetError` where
    it gave none for this target.
    """
    if world.emulator.is_partial:
        return reported_document(world)
    sections = [evaluate(element, world) for element in table()]
    return assemble(world.target, sections, world.unknown)


REPORTED = "libvirt's report"
"""The name under which a world keeps the document that libvirt gave, or the error for it."""


def reported_document(world: World) -> Document:
    """Give the document that libvirt gave; see `domcaps.report.told`."""
    found = world.kept.get(REPORTED)
    if isinstance(found, Document):
        return found
    if isinstance(found, DomcapsError):
        raise found
    raise UnsupportedTargetError(
        "libvirt of this host was not asked about this target", where=world.target.emulator
    )


def assemble(
    target: Target, sections: Iterable[Section | None], unknown: Iterable[str]
) -> Document:
    """Put evaluated elements together: one for each element of the table, in its order.

    None stands for an element that the document does not speak of. `unknown` are the statements
    that could not be decided.
    """
    found: dict[Place, list[Section]] = {place: [] for place in Place}
    for element, section in zip(table(), sections, strict=True):
        if section is not None:
            found[element.place].append(section)
    return Document(
        path=target.emulator,
        domain=target.virttype,
        machine=target.machine,
        arch=target.arch,
        libvirt=str(target.dialect),
        top=tuple(found[Place.TOP]),
        devices=tuple(found[Place.DEVICES]),
        features=tuple(found[Place.FEATURES]),
        unknown=tuple(sorted(unknown)),
    )
