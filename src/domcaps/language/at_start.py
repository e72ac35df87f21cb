"""What the table knows of a choice that libvirt defines, and that may not start all the same.

The report lists such a choice and a definition may name it. What QEMU, or libvirt when it starts a
guest, is known to refuse is a finding; where it depends on facts that were not probed, it is
unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from domcaps.language.table import Choice, Drift, Element
    from domcaps.language.world import World


def start_failure(choice: Choice | Element, world: World) -> Drift | None:
    """Give why a value that is listed is refused at start for sure, None where it is not."""
    for drift in choice.at_start:
        if drift.certain and world.truth(drift.where) is Truth.YES:
            return drift
    return None


def start_doubt(choice: Choice | Element, world: World) -> Drift | None:
    """Give why it is unknown whether a choice starts, None where nothing speaks against it.

    What a rule judges by the whole domain (`Drift.found_by`) is left to that rule.
    """
    for drift in choice.at_start:
        if drift.listed and not drift.found_by and world.truth(drift.where) is not Truth.NO:
            return drift
    return None
