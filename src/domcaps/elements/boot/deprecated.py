"""What QEMU calls deprecated: it works, and will be gone in a later release.

QEMU tells it itself of machine types (QMP ``query-machines``); where a release did not, nothing is
said.
"""

from __future__ import annotations

from domcaps.elements.boards.families import family_of, machine_type
from domcaps.language.finding import Severity
from domcaps.language.part import Part
from domcaps.language.rule import Problems, Sample, problem, rule


class GuestType(Part):
    """The machine type that a guest names."""

    path = "os/type"


_TYPE = "<os><type machine='{}'>hvm</type></os>"


@rule(
    "os-type-machine-deprecated",
    GuestType,
    bad=Sample(_TYPE.format("pc-i440fx-6.0"), machine="pc-i440fx-6.0"),
    good=Sample(_TYPE.format("q35"), machine="q35"),
    severity=Severity.WARNING,
)
def machine_type_stays(guest: GuestType) -> Problems:
    """The machine type should not be deprecated: a later QEMU release removes it."""
    world = guest.domain.world
    found = machine_type(world)
    if found is None or not found.deprecated:
        return
    if guest.node.get("machine") not in {found.name, found.alias or found.name}:
        return  # the one that is named is missing, and this one was taken instead
    family, _ = family_of(found.name)
    newest = [
        known.alias
        for known in world.emulator.machines(world.target.virttype)
        if known.alias and not known.deprecated and family_of(known.name)[0] == family
    ]
    use = f"; use {newest[0]!r}" if newest else ""
    yield problem(
        f"the machine type {found.name!r} is deprecated, and a later QEMU will remove it{use}",
        guest,
        "@machine",
        accepted=newest[:1],
    )
