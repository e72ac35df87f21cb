"""What is kept of many things: those that were asked for last, and equal ones once."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_MOST_SHARED = 200_000


class Recent(Generic[K, V]):
    """Values by key, together not larger than `most` bytes: those that were asked for last.

    The caller gives the size of a value; an estimate will do.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        """Count the values."""
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """Give a value, which is the last one asked for from now on."""
        found = self._kept.get(key)
        if found is None:
            return None
        with contextlib.suppress(KeyError):
            # another thread may have dropped it meanwhile
            self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value, and drop those that were not asked for the longest."""
        before = self._kept.pop(key, None)
        self._kept[key] = value, size
        self.size += size - (0 if before is None else before[1])
        while self.size > self.most and self._kept:
            _, (_, dropped) = self._kept.popitem(last=False)
            self.size -= dropped


_SHARED: dict[Any, Any] = {}


def shared(value: T) -> T:
    """Give the first value that equals this one, so that equal ones take memory once."""
    if len(_SHARED) >= _MOST_SHARED:
        _SHARED.clear()
    found: T = _SHARED.setdefault(value, value)
    return found


def shared_as(key: Any, value: T) -> T:
    """Give the first value that was shared under a key."""
    if len(_SHARED) >= _MOST_SHARED:
        _SHARED.clear()
    found: T = _SHARED.setdefault(key, value)
    return found
