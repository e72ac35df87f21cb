"""Limits of the HTTP service."""

from __future__ import annotations

import msgspec


class HttpLimits(msgspec.Struct, frozen=True):
    """Limits of the service; times in seconds, sizes in bytes.

    A question gets `seconds`, one about all that hosts give `long_seconds`; `waiting` ones may
    wait, and if one takes more than `quick_seconds` a second process answers others. A request
    has `receive_seconds` to arrive. A domain may have `domain` bytes, all that arrive or wait
    `domains` bytes together; an answer may have `answer` bytes, all that are not sent yet
    `answers` bytes together. A client that reads nothing for `reading_seconds` is dropped, and
    one that reads less than `reading_rate` bytes a second of a long answer. So many
    `connections` may be open.
    """

    seconds: float = 60.0
    long_seconds: float = 300.0
    quick_seconds: float = 1.0
    waiting: int = 1000
    receive_seconds: float = 10.0
    reading_seconds: float = 30.0
    reading_rate: int = 128 << 10
    domain: int = 8 << 20
    domains: int = 128 << 20
    answer: int = 64 << 20
    answers: int = 256 << 20
    connections: int = 1000

    def reading_time(self, size: int) -> float:
        """Give the time in which a client must have read an answer of that size."""
        return self.reading_seconds + size / self.reading_rate
