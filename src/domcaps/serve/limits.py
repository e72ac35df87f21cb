"""What a server grants its clients, all of them and each."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Limits(msgspec.Struct, frozen=True):
    """Sizes are bytes, times are seconds.

    `clients` is how many may be connected, `message` what one message may have, `memory` what all
    messages together that are being received may have. `requests` is how many calls of a client
    may wait. A client has to open its connection within `open_seconds`; a message, once begun,
    must be complete within `message_seconds`, which is also what a client may take to read a
    reply; a call is given up after `call_seconds`. `ping_seconds` and `pings` are those of
    libvirt's keepalive. `stop_seconds` is how long calls may go on when the server ends.
    """

    clients: int = 500
    message: int = 8 * 1024 * 1024
    memory: int = 64 * 1024 * 1024
    requests: int = 16
    threads: int = 8
    open_seconds: float = 60.0
    message_seconds: float = 30.0
    call_seconds: float = 120.0
    ping_seconds: float = 5.0
    pings: int = 5
    stop_seconds: float = 5.0


class Room:
    """The memory that all clients share for what they send; whoever needs more than is left waits.

    Small messages are not counted: there are no more of them than clients.
    """

    _SMALL = 65536

    def __init__(self, size: int) -> None:
        self._left = size
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def keep(self, size: int) -> AsyncIterator[None]:
        """Keep so many bytes for a while; `size` is at most what there is."""
        if size <= self._SMALL:
            yield
            return
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            self._left += size
            async with self._changed:
                self._changed.notify_all()
