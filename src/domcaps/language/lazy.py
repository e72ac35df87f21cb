"""Values that are worked out when they are first asked for, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


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
        value = instance.__dict__[self.name] = self.compute(instance)
        return value
