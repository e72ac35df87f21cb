"""The number that is nearest to one at fault, where one that is accepted is known.

The manual of a finding shows a number that is right there. The nearest one lies between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.ranking import NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.choose.edits import Edit

_MOST_SHOWN = 4
"""So many numbers of a manual at most count, see `domcaps.choose.ranking`."""

_MOST_STEPS = 24
"""Each step validates the text for one code, which takes about a millisecond."""


def with_nearest_number(edit: Edit, works: Callable[[Edit], bool]) -> Edit:
    """Give the edit that writes the nearest number to the old one; others are given back.

    `works` tells whether an edit does what it is for, as this one does.
    """
    again = edit.again
    if again is None or not losses.NUMBER <= edit.loss < losses.NUMBER + _MOST_SHOWN:
        return edit
    if not NUMBER.fullmatch(edit.old) or not NUMBER.fullmatch(edit.value):
        return edit

    def fits(number: int) -> bool:
        return works(again(str(number)))

    wrong, right = int(edit.old), int(edit.value)
    if str(wrong) != edit.old and fits(wrong):
        # the same number, as libvirt reads it: -0 is 0
        return again(str(wrong))
    found = _between(wrong, right, fits)
    for power in _powers(wrong):
        if abs(power - wrong) < abs(found - wrong) and fits(power):
            found = power
    return edit if found == right else again(str(found))


def _between(wrong: int, right: int, fits: Callable[[int], bool]) -> int:
    """Give the number nearest to a wrong one that fits, by bisection towards one that does."""
    for _ in range(_MOST_STEPS):
        if abs(right - wrong) <= 1:
            break
        middle = (wrong + right) // 2
        if fits(middle):
            right = middle
        else:
            wrong = middle
    return right


def _powers(number: int) -> tuple[int, ...]:
    """Give the powers of two below and above a number."""
    if number < 1:
        return ()
    below = 1 << (number.bit_length() - 1)
    return (below, below * 2)
