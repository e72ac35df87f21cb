"""What clients used of the workers lately, and what follows for their next call.

A client is a process where that is known: one that opens connection after connection, or many at
once, is one client. A UNIX socket names the process; clients over TCP are distinguished by their
address, all of this machine being one.

Two sums are kept for each client, of which half is forgotten every few seconds: all that its calls
used, and its *debt*: what those of its calls used that were not short. However many short calls a
client makes, it stays free of debt, and is served at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

SHORT_SECONDS = 0.04
"""Up to this a call is a short one."""

_HALF_LIFE = 4.0
_UNKNOWN_SECONDS = 0.03
_LONG_SECONDS = 0.2
"""More is not expected: what took a minute once says little of the next call."""
_LIGHT_DEBT = 0.05
_HEAVY_DEBT = 1.0
_NEGLIGIBLE = 0.001
_MOST_CLIENTS = 1000


class Usage:
    """What one connection used, or the client that it is of."""

    __slots__ = ("_amount", "_client", "_debt", "_expected", "_since", "habit")

    def __init__(self, client: Usage | None = None) -> None:
        self._client = client
        self._amount = 0.0
        self._debt = 0.0
        self._expected: float | None = None
        self._since = time.monotonic()
        self.habit = "long"
        """What the last call of the client became that was not short: long, or waiting."""

    @property
    def client(self) -> Usage:
        """Whose it is: the client where that is known, or else the connection."""
        return self if self._client is None else self._client

    @property
    def amount(self) -> float:
        """Seconds that its calls used lately, as of now."""
        return self._amount * self._left()

    @property
    def debt(self) -> float:
        """Seconds that calls of its client used lately which were not short, as of now."""
        return self._debt * self._left() if self._client is None else self._client.debt

    @property
    def expected(self) -> float:
        """Seconds that its next call is likely to use."""
        if self._expected is not None:
            return self._expected
        return _UNKNOWN_SECONDS if self._client is None else self._client.expected

    @property
    def is_short(self) -> bool:
        """Tell whether its client made calls, and lately none but short ones."""
        if self._client is not None:
            return self._client.is_short
        return self._expected is not None and self.is_light

    @property
    def is_light(self) -> bool:
        """Tell whether nothing is known against its client."""
        return self.debt < _LIGHT_DEBT

    @property
    def is_heavy(self) -> bool:
        """Tell whether its client's calls used so much that the next ones come after all others."""
        return self.debt >= _HEAVY_DEBT

    def add(self, seconds: float) -> None:
        """Add what a call used that is over."""
        self.over(seconds)
        self.accrue(seconds, 0.0)

    def accrue(self, seconds: float, before: float) -> None:
        """Add what a call used further that used `before` already."""
        self._settle()
        self._amount += seconds
        self._debt += max(0.0, before + seconds - SHORT_SECONDS) - max(0.0, before - SHORT_SECONDS)
        if self._client is not None:
            self._client.accrue(seconds, before)

    def over(self, seconds: float) -> None:
        """Take note of what a call used in all, which was added meanwhile."""
        latest = min(seconds, _LONG_SECONDS)
        self._expected = latest if self._expected is None else (self._expected + latest) / 2
        if self._client is not None:
            self._client.over(seconds)

    def _left(self) -> float:
        return float(0.5 ** ((time.monotonic() - self._since) / _HALF_LIFE))

    def _settle(self) -> None:
        left = self._left()
        self._amount, self._debt = self._amount * left, self._debt * left
        self._since = time.monotonic()


class Clients:
    """What each client used over all of its connections."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Usage] = {}

    def usage(self, client: Hashable | None) -> Usage:
        """Give a new connection's usage; None stands for a client that is not known."""
        if client is None:
            return Usage()
        if len(self._known) >= _MOST_CLIENTS:
            self._forget()
        return Usage(self._known.setdefault(client, Usage()))

    def _forget(self) -> None:
        """Forget those that used next to nothing lately; where none did, all of them."""
        kept = {name: usage for name, usage in self._known.items() if usage.amount > _NEGLIGIBLE}
        self._known = kept if len(kept) < _MOST_CLIENTS else {}
