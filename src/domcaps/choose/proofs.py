"""What is known to fail at start though libvirt defines it, and no report speaks of it.

The validator says what libvirt says. Whoever chooses may know better: a domain that is refused here
is accepted, and would not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.drifts import SMM_IS_REFUSED
from domcaps.elements.osfirmware import uses_smm
from domcaps.language.domain import Domain
from domcaps.language.finding import Finding, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language import World

HELPED_BY = {"start-without-smm": "os.secureBoot"}
"""The decision that may help where something fails, however little else is said."""


def failures(root: Node, worlds: Sequence[World]) -> Iterator[Finding]:
    """Give what is known to fail of a domain that the validator accepts."""
    for world in worlds:
        if world.truth(SMM_IS_REFUSED) and uses_smm(Domain(root, world)):
            yield Finding(
                "start-without-smm",
                "this firmware is protected by System Management Mode, which KVM does not have",
                stage=Stage.START,
                path="/domain/os",
                reason=SMM_IS_REFUSED.explain(world),
            )
