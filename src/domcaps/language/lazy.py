"""Values that are worked out when they are first asked for, and kept."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    Keep = Callable[[Any, Hashable, Callable[[], Any]], Any]
    """Gives what a function computes for an owner under a name; it decides where that is kept."""

T = TypeVar("T")


class _Keeping(threading.local):
    """Who keeps values instead of their owners, in this thread."""

    keep: Keep | None = None


KEEPING = _Keeping()


@contextmanager
def keep_with(keep: Keep) -> Iterator[None]:
    """Have values kept by somebody who must know each time that one is used, and not only first."""
    before, KEEPING.keep = KEEPING.keep, keep
    try:
        yield
    finally:
        KEEPING.keep = before


class cached_property(Generic[T]):  # noqa: N801 - used like its namesake in `functools`
    """`functools.cached_property` without its lock.

    Up to Python 3.11 that one takes a lock whenever a value is worked out, which costs more than
    most values of a domain's parts. Parts belong to one look at one domain, and so to one thread.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> cached_property[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object, owner: type) -> cached_property[T] | T:
        """Work it out; from then on the instance has it as an attribute of its own."""
        if instance is None:
            return self
        if KEEPING.keep is not None:
            kept: T = KEEPING.keep(instance, self.name, lambda: self.compute(instance))
            return kept
        value = instance.__dict__[self.name] = self.compute(instance)
        return value
