"""Keys: the names of values, each with the task that computes its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from domcaps.fresh.fetch import Fetch

T = TypeVar("T")


class Key(msgspec.Struct, Generic[T], frozen=True):
    """The name of a value of type `T`: equal keys name the same value.

    Values are compared with ``==`` to tell whether they changed, and never altered.
    """

    def task(self, fetch: Fetch) -> T:
        """Compute the value, out of nothing but the key and what is fetched."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """Say in a few words what the value is."""
        raise NotImplementedError

    def same(self, before: T, now: T) -> bool:
        """Tell whether two values are equal, so that nothing above them needs to be rebuilt."""
        same: Any = before == now
        return bool(same)
