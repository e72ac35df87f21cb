"""Answers that were given, and hold as long as their host does: a recording's file in one state."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

Key = tuple["Hashable", int, bytes]
"""The state of a host, the procedure, and its arguments as they came."""

_LONGEST_ARGUMENTS = 1024
_OVERHEAD = 500


class Answers:
    """Results by what they answer; those that were not wanted for the longest time go first."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._size = size
        self._known: OrderedDict[Key, bytes] = OrderedDict()

    def get(self, key: Key) -> bytes | None:
        """Give the results of a call that was answered before."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def put(self, key: Key, results: bytes) -> None:
        """Remember results, unless they or the arguments are so large that many would be lost."""
        cost = _cost(key, results)
        if len(key[2]) > _LONGEST_ARGUMENTS or cost > self._size // 4 or key in self._known:
            return
        self._known[key] = results
        self._left -= cost
        while self._left < 0:
            self._left += _cost(*self._known.popitem(last=False))


def _cost(key: Key, results: bytes) -> int:
    return len(key[2]) + len(results) + _OVERHEAD
