"""Boards that work, but have a better successor."""

from __future__ import annotations

from domcaps.elements.boards.families import I440FX
from domcaps.elements.boot.os import Os
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, Sample, problem, rule

_OS = "<os><type arch='x86_64' machine='{}'>hvm</type></os>"


@rule(
    "os-machine-without-pcie",
    Os,
    bad=Sample(_OS.format("pc"), machine="pc"),
    good=Sample(_OS.format("q35"), machine="q35"),
    severity=Severity.NOTICE,
)
def board_has_pcie(system: Os) -> Problems:
    """A new x86 guest should have a q35 machine type: i440fx has no PCIe and no UEFI
    secure boot.
    """
    if system.holds(I440FX):
        yield problem(
            "the machine type is an i440fx, without PCIe and UEFI secure boot. Use "
            "machine='q35' for a new guest; an installed guest may not boot after "
            "the change",
            system,
            "type/@machine",
        )
