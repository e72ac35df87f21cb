"""How much memory the system management mode of q35 guests may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import Q35
from domcaps.elements.features.domain_features import Smm
from domcaps.language.finding import Stage
from domcaps.language.quantities import size_of
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_MIB = 1 << 20
_MOST_MIB = 4095
_SMM = "<features><smm><tseg unit='MiB'>{}</tseg></smm></features>"


@rule(
    "features-smm-tseg-fails-at-start",
    Smm,
    bad=Sample(_SMM.format(4096), machine="q35"),
    good=Sample(_SMM.format(4095), machine="q35"),
    stage=Stage.START,
)
def segment_is_small(smm: Smm) -> Problems:
    """``<tseg>`` of ``<smm>`` must be less than 4 GiB."""
    size = size_of(smm.node, "tseg", "tseg/@unit", scale=_MIB) or 0
    if smm.state == "on" and size > _MOST_MIB * _MIB and smm.holds(Q35):
        message = f"<tseg> can be at most {_MOST_MIB} MiB"
        yield problem(message, smm, "tseg", accepted=(str(_MOST_MIB),))
