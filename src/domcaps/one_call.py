"""What a user calls once is one call, however often this machine is asked in it.

A repair looks at this machine for each way that it tries. What an emulator answers can't be kept
for the next call where a change of it could go unseen; within one call it is asked once. An answer
reflects a state that is not older than the begin of the call, and that is the begin of this one.

A public function is a call, and so are a command, a request of an editor and a procedure of
a client. What waits for something to happen is none: it says so with `calls_apart`.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Clock(Protocol):
        """Gives moments in their order."""

        def moment(self) -> int:
            """Give a moment later than all given before."""


class OneCall:
    """When a call began, for each clock that is asked in it."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: dict[Clock, int] = {}

    def began(self, clock: Clock) -> int:
        """Give the moment before which nothing was looked at in this call."""
        found = self._begun.get(clock)
        return self._begun.setdefault(clock, clock.moment()) if found is None else found


CURRENT: ContextVar[OneCall | None] = ContextVar("domcaps call", default=None)
"""The call that this thread, or this task of an event loop, makes."""


@contextmanager
def one_call() -> Iterator[None]:
    """Take all that happens in a block as one call, or as a part of the one that it is in."""
    if CURRENT.get() is not None:
        yield
        return
    token = CURRENT.set(OneCall())
    try:
        yield
    finally:
        CURRENT.reset(token)


def calls_apart() -> None:
    """Have the rest of a command consist of calls of their own: it lasts, or waits for someone."""
    CURRENT.set(None)
