"""How far the guest's clock may be set from the host's: QEMU reads years of four digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.domain.clock import Clock
from domcaps.language.finding import Stage
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from domcaps.language.rule import Problems

_EARLIEST, _LATEST = -64 * 10**9, 252 * 10**9
"""Seconds that lead to the years 0 and 10000 from any day of this century."""
_CLOCK = "<clock offset='variable' adjustment='{}'/>"


@rule(
    "clock-adjustment-fails-at-start",
    Clock,
    bad=_CLOCK.format(300 * 10**9),
    good=_CLOCK.format(3600),
    stage=Stage.START,
)
def year_has_four_digits(clock: Clock) -> Problems:
    """Attribute ``adjustment`` of ``<clock offset='variable'>`` must lead to a year before 10000.

    It must not lead to a year before our era either.
    """
    try:
        seconds = int(clock.adjustment or "") if clock.offset == "variable" else 0
    except ValueError:
        return
    if not _EARLIEST <= seconds <= _LATEST:
        message = f"the clock is {seconds} seconds from the host's: QEMU knows no such year"
        yield problem(message, clock, "@adjustment")
