"""What clients used of the workers lately, and how long their next call is likely to take.

A client that opens connection after connection looks new each time. So what is expected of a
connection of which nothing is known yet is what its process needed lately over others (a UNIX
socket tells which process that is). What a connection showed itself counts more: one that makes
short calls is served at once, also where other connections of its process are not.
"""

from __future__ import annotations

import time

_USAGE_SECONDS = 4.0
_SHORT_SECONDS = 0.025
_UNKNOWN_SECONDS = 0.03
_LONG_SECONDS = 0.2
"""More is not expected: what took a minute once says little of the next call."""
_NEGLIGIBLE = 0.001
_MOST_PROCESSES = 1000


class Usage:
    """What one client used: half of the time is forgotten every few seconds."""

    __slots__ = ("_amount", "_expected", "_process", "_since")

    def __init__(self, process: Usage | None = None) -> None:
        self._process = process
        self._amount = 0.0
        self._expected: float | None = None
        self._since = time.monotonic()

    @property
    def client(self) -> Usage:
        """Whose it is: the process where that is known, or else the connection."""
        return self if self._process is None else self._process

    @property
    def amount(self) -> float:
        """Seconds that its calls took lately, as of now."""
        return float(self._amount * 0.5 ** ((time.monotonic() - self._since) / _USAGE_SECONDS))

    @property
    def expected(self) -> float:
        """Seconds that its next call is likely to take."""
        if self._expected is not None:
            return self._expected
        return _UNKNOWN_SECONDS if self._process is None else self._process.expected

    @property
    def is_short(self) -> bool:
        """Tell whether it made calls lately, and short ones."""
        return self._expected is not None and self._expected < _SHORT_SECONDS

    def add(self, seconds: float) -> None:
        """Add what a call took."""
        self._amount, self._since = self.amount + seconds, time.monotonic()
        latest = min(seconds, _LONG_SECONDS)
        self._expected = latest if self._expected is None else (self._expected + latest) / 2
        if self._process is not None:
            self._process.add(seconds)


class ClientProcesses:
    """What each process used over all of its connections."""

    def __init__(self) -> None:
        self._known: dict[int, Usage] = {}

    def usage(self, process: int | None) -> Usage:
        """Give a new connection's usage; None stands for a process that is not known."""
        if process is None:
            return Usage()
        if len(self._known) >= _MOST_PROCESSES:
            self._forget()
        return Usage(self._known.setdefault(process, Usage()))

    def _forget(self) -> None:
        """Forget those that used next to nothing lately; where none did, all of them."""
        kept = {pid: usage for pid, usage in self._known.items() if usage.amount > _NEGLIGIBLE}
        self._known = kept if len(kept) < _MOST_PROCESSES else {}
