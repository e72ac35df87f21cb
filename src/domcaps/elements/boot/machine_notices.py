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
    """The board i440fx is one of 1996: it has no PCIe, no secure boot and no IOMMU with AMD."""
    if system.holds(I440FX):
        yield problem(
            "the board i440fx has no PCIe, and no UEFI secure boot. Use machine='q35' for a new "
            "guest; one that is installed may not boot after the change",
            system,
            "type/@machine",
        )
