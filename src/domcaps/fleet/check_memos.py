"""What single checks found, by the values that they read: a tree of values for each check.

Slots are the places of values: in a document, or in one part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.language.value_types import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.fleet.forms import Read
    from domcaps.fleet.judging import PartCheck

_FIRST, _PER_HIT, _MOST_VALUES = 8, 2, 64
"""Combinations of values that are kept of one check: the first ones, and more for each time that
one of them was met again. With others the check is made alone: names and paths are met once."""

NOTHING = ("nothing",)
"""Stands for a check that finds nothing on any host, whatever it reads of them."""


class _Branch:
    """A value that a check read, and where each of those that were met leads to."""

    __slots__ = ("known", "read", "slot", "tell")

    def __init__(self, read: Read) -> None:
        self.read = read
        self.slot: int
        self.tell: Callable[[str], Any] | None
        self.slot, self.tell = read if isinstance(read, tuple) else (read, None)
        self.known: dict[Any, Any] = {}

    def key(self, values: tuple[str, ...]) -> Any:
        """Give what counts of the value."""
        value = values[self.slot]
        return value if self.tell is None else self.tell(value)


class CheckMemo:
    """What one check of one part found, by values.

    Where `slot` is one, a value of the right form there is enough to find nothing. `is_outside`
    tells that the check was seen to read values outside of its part.
    """

    __slots__ = ("_hits", "_kept", "_kind", "_root", "_slot", "check", "is_outside")

    def __init__(self, check: PartCheck, slot: int | None) -> None:
        self.check = check
        self.is_outside = False
        self._slot = slot
        declared: Any = check.declared
        self._kind: Any = None if slot is None else declared.kind
        self._root: Any = None
        self._kept = self._hits = 0

    @property
    def settled(self) -> Any:
        """What is found whatever the values are, None where they count."""
        return self._root if self._root.__class__ is tuple else None

    @property
    def is_full(self) -> bool:
        """Tell whether no more values are worth keeping."""
        return self._kept >= min(_MOST_VALUES, _FIRST + _PER_HIT * self._hits)

    def find(self, values: tuple[str, ...]) -> Any:
        """Give what is known for some values, None where that is nothing."""
        if self._slot is not None and fits(self._kind, values[self._slot]):
            return NOTHING
        at = self._root
        while at.__class__ is _Branch:
            at = at.known.get(values[at.slot] if at.tell is None else at.tell(values[at.slot]))
        if at is not None:
            self._hits += 1
        return at

    def keep(self, slots: list[Read], values: tuple[str, ...], found: Any) -> None:
        """Keep what is found where these slots have these values."""
        self._kept += 1
        if not slots:
            self._root = found
            return
        if self._root.__class__ is not _Branch or self._root.read != slots[0]:
            self._root = _Branch(slots[0])
        at = self._root
        for following in (*slots[1:], None):
            value = at.key(values)
            inner = at.known.get(value)
            if following is None:
                at.known[value] = found
            elif inner.__class__ is not _Branch or inner.read != following:
                inner = at.known[value] = _Branch(following)
            at = inner

    def forgo(self) -> None:
        """Note that a value was not worth a look at traces: a few more, and none is."""
        self._kept += _MOST_VALUES // 2
