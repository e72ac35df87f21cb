"""Machine types that work, but are on their way out, or have a better successor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.elements.advice.remedies import newest_machines
from domcaps.elements.boards.families import I440FX
from domcaps.elements.boot.os import Os
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.facts.emulator import Machine
    from domcaps.language import World

_OS = "<os><type arch='x86_64' machine='{}'>hvm</type></os>"
_VERSION = re.compile(r"-v?\d[\d.]*$")


@rule(
    "os-machine-deprecated",
    Os,
    bad=Sample(_OS.format("pc-q35-2.4"), machine="pc-q35-2.4"),
    good=Sample(_OS.format("q35"), machine="q35"),
    severity=Severity.WARNING,
)
def machine_is_not_deprecated(system: Os) -> Problems:
    """A machine type that QEMU calls deprecated is removed in a later release.

    The guest has to be moved to a newer one before QEMU is updated.
    """
    world = system.domain.world
    found = _machine(world)
    if found is None or not found.deprecated:
        return
    release = ".".join(map(str, world.emulator.version[:2]))
    message = f"QEMU {release} calls the machine type {found.name!r} deprecated and will remove it"
    newer = successor(world, found.name)
    advice = f". Use {newer!r}" if newer else ""
    yield problem(f"{message}{advice}", system, "type/@machine", accepted=(newer,) if newer else ())


def _machine(world: World) -> Machine | None:
    known = world.emulator.machines(world.target.virttype)
    return next((one for one in known if one.name == world.target.machine), None)


def successor(world: World, name: str) -> str:
    """Name the newest machine type of the same board that is not deprecated, "" for none."""
    board = _VERSION.sub("", name)
    for machine in newest_machines(world):
        if _VERSION.sub("", machine.name) == board:
            return machine.name
    return ""


@rule(
    "os-machine-without-pcie",
    Os,
    bad=Sample(_OS.format("pc"), machine="pc"),
    good=Sample(_OS.format("q35"), machine="q35"),
    severity=Severity.NOTICE,
)
def board_has_pcie(system: Os) -> Problems:
    """The board i440fx is one of 1996: it has no PCIe, no secure boot and no IOMMU with AMD."""
    if system.holds(I440FX):
        yield problem(
            "the board i440fx has no PCIe, and no UEFI secure boot. Use machine='q35' for a new "
            "guest; one that is installed may not boot after the change",
            system,
            "type/@machine",
        )
