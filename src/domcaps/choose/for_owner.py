"""Which changes of a repair the owner of a domain has to check or decide upon, and why.

A corrected typo is none of them. A guest that gets another processor, fewer
CPUs, or no clipboard is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.ranking import CHECK_THIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.change import Change

_EMULATOR = "/domain/devices/emulator"
"""Another path of the same program is nothing to decide upon."""


@dataclass(frozen=True)
class OwnersDecision:
    """An edit that its owner should look at: what it is, what follows, what would avoid it.

    `line` is that of the original text; `on_host` are orders to the host's administrator. `brief`
    is `what` without the old value, `keeps` is how that is called.
    """

    line: int
    path: str
    what: str
    consequences: tuple[str, ...] = ()
    on_host: tuple[str, ...] = ()
    brief: str = ""
    keeps: str = ""

    def __str__(self) -> str:
        """Give one line: the edit in short, what follows from it, and what would avoid it."""
        said = [*self.consequences]
        if self.on_host:
            keep = f"to keep {self.keeps}" if self.keeps else "in place of this"
            said.append(f"{keep}, on the host: {'; '.join(self.on_host)}")
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.brief or self.what}{': ' if said else ''}{'; '.join(said)}"


def decisions(changes: Sequence[Change]) -> tuple[OwnersDecision, ...]:
    """Give what the owner has to check or decide, in the order of the document."""
    found = [
        OwnersDecision(
            change.place, change.path, change.what, change.consequences, change.on_host,
            change.brief, change.keeps,
        )
        for change in changes
        if _is_for_owner(change)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.line))


def _is_for_owner(change: Change) -> bool:
    """Tell whether the guest or its users may notice the change, or a number was guessed."""
    if change.consequences or change.removes or CHECK_THIS in change.what:
        return True
    if change.loss < losses.FIX or change.path == _EMULATOR:
        return False
    is_number = losses.NUMBER <= change.loss < losses.PLACE
    return bool(change.on_host) or is_number or change.loss >= losses.LESS
