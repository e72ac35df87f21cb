"""Answers leave piece by piece, as fast as the client reads; a client that is too slow is dropped.

The transport copies what it is given. An answer that is handed over at once would take its memory
twice, and until the client has read the last of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from domcaps.serve.http.limits import HttpLimits

    Message = Any
    Send = Callable[[Message], Awaitable[None]]

PIECE = 64 << 10


class PacedSending:
    """Sends the messages of one answer; `drop` ends the connection."""

    def __init__(self, send: Send, drop: Callable[[], None], limits: HttpLimits) -> None:
        self._send, self._drop, self._limits = send, drop, limits

    async def __call__(self, message: Message) -> None:
        """Send a message in pieces that the client must read in time, each and all together."""
        body = message.get("body", b"")
        try:
            async with asyncio.timeout(self._limits.reading_time(len(body))):
                if len(body) <= PIECE:
                    await self._in_time(message)
                    return
                for start in range(0, len(body), PIECE):
                    end = start + PIECE
                    more = end < len(body) or message.get("more_body", False)
                    await self._in_time({**message, "body": body[start:end], "more_body": more})
        except TimeoutError:
            self._drop()
            # until the connection is known to be lost
            await asyncio.sleep(0)

    async def _in_time(self, message: Message) -> None:
        async with asyncio.timeout(self._limits.reading_seconds):
            await self._send(message)


class AnswerRoom:
    """The bytes of answers that are not sent yet, of all clients together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def take(self, size: int) -> bool:
        """Count an answer; False if there is no room. A small one always has its place."""
        if size > PIECE and self.held + size > self._most:
            return False
        self.held += size
        return True

    def free(self, size: int) -> None:
        """Count an answer no more."""
        self.held -= size
