"""Widths of addresses that QEMU's Intel IOMMU takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.devices.iommu import Iommu
from domcaps.language.finding import Stage
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_WIDTHS = (39, 48)
_IOMMU = "<iommu model='intel'><driver aw_bits='{}'/></iommu>"


@rule(
    "iommu-aw-bits-fail-at-start",
    Iommu,
    bad=Sample(_IOMMU.format(57), machine="q35"),
    good=Sample(_IOMMU.format(48), machine="q35"),
    stage=Stage.START,
)
def widths_are_usual(iommu: Iommu) -> Problems:
    """Attribute ``aw_bits`` of ``<driver>`` must be 39 or 48 for the model ``intel``."""
    if iommu.model == "intel" and iommu.aw_bits and iommu.aw_bits not in _WIDTHS:
        message = f"the Intel IOMMU of QEMU has addresses of 39 or 48 bits, not {iommu.aw_bits}"
        yield problem(message, iommu, "driver/@aw_bits", accepted=("48", "39"))
