"""What makes firmware fit that needs System Management Mode: ``<smm state='on'/>``, or q35."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import I440FX, canonical_machine
from domcaps.elements.boot.firmware import chosen_with_smm, wish_of
from domcaps.language.fix import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.elements.boot.os import Os

_SMM = "<features><smm state='on'/></features>"
_SWITCHED = ("/domain/features/smm/@state", "on")
_Q35 = ("/domain/os/type/@machine", "q35")
SMM_ON = Fix(add=_SMM)
SECURE_BOARD = Fix(add=_SMM, values=(_Q35,))
"""i440FX has no SMM that protects firmware."""


def with_smm(system: Os) -> Iterator[Fix]:
    """Switch SMM on where it is off and firmware fits then, on this board or on q35."""
    domain = system.domain
    if wish_of(domain).smm != "off":
        return
    if chosen_with_smm(domain, domain.machine) is not None:
        yield Fix(values=(_SWITCHED,))
    elif system.holds(I440FX):
        world = domain.world
        name = canonical_machine("q35", world.emulator.machines(world.target.virttype))
        if chosen_with_smm(domain, name) is not None:
            yield Fix(values=(_Q35, _SWITCHED))
