"""The bytes that a server holds for its clients: for each of them, and in all.

Everything that stays in memory because of a client is written down here: a message as its bytes
arrive, calls that wait, replies that are not read yet, and what was defined. Two limits hold, one
for each client and one for all. A client at its own limit waits, or is refused. When all together
are at theirs, others wait; if that takes long, the connection that holds the most is closed. A
quarter is there for those alone that hold little. So no client can lock others out by holding
memory.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


LITTLE = 64 * 1024
_PATIENCE_SECONDS = 1.0
_RATE = 64 * 1024 * 1024


class Ledger:
    """How many bytes are held; `size` is the most for all, `each` for one account."""

    def __init__(self, size: int, each: int) -> None:
        self.size = size
        self.each = min(size, each)
        self.held = 0
        self.pace = Pace(_RATE)
        self._accounts: set[ClientAccount] = set()
        self._changed: set[asyncio.Future[None]] = set()

    def account(self, close: Callable[[str], None]) -> ClientAccount:
        """Open the account of a client; `close` ends its connection, with the reason."""
        made = ClientAccount(self, close)
        self._accounts.add(made)
        return made

    def add(self, account: ClientAccount, size: int) -> None:
        """Write down that so many bytes more are held, or less."""
        account.held += size
        self.held += size
        if size < 0:
            self.wake()

    def remove(self, account: ClientAccount) -> None:
        """Close an account: nothing is held for it any more."""
        self.add(account, -account.held)
        self._accounts.discard(account)

    def make_room(self, account: ClientAccount, size: int) -> bool:
        """Close the connection that holds the most, if that is above the limit.

        Returns whether somebody was found. The bytes are free once that connection has ended.
        """
        others = (one for one in self._accounts if not one.is_closing and one is not account)
        largest = max(others, key=lambda one: one.held, default=None)
        if largest is None or largest.held <= account.held + size:
            return False
        largest.is_closing = True
        largest.close(f"it held {largest.held} bytes when others needed them")
        return True

    def has_room(self, account: ClientAccount, size: int) -> bool:
        """Tell whether all together may hold so many bytes more, for this account."""
        is_little = account.held + size <= LITTLE
        return self.held + size <= (self.size if is_little else self.size - self.size // 4)

    async def change(self) -> bool:
        """Wait until something was given back; False when that takes long."""
        waiting = asyncio.get_running_loop().create_future()
        self._changed.add(waiting)
        try:
            done, _ = await asyncio.wait((waiting,), timeout=_PATIENCE_SECONDS)
            return bool(done)
        finally:
            self._changed.discard(waiting)

    def wake(self) -> None:
        """Have everybody who waits look again."""
        for waiting in self._changed:
            if not waiting.done():
                waiting.set_result(None)


class Pace:
    """So many bytes a second for all together; the next one waits behind the others.

    A server that reads as fast as some clients send has no time left for the rest.
    """

    _SHORTEST_WAIT = 0.002

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def spend(self, size: int) -> None:
        """Wait for the turn of so many bytes."""
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + size / self._rate
        wait = self._free_at - now
        if wait > self._SHORTEST_WAIT:
            await asyncio.sleep(wait)


class ClientAccount:
    """What is held for one client."""

    def __init__(self, ledger: Ledger, close: Callable[[str], None]) -> None:
        self.close = close
        self.held = 0
        self.is_closing = False
        self._ledger = ledger

    async def take(self, size: int, *, is_reply: bool = False) -> None:
        """Hold so many bytes more; waits until there is room.

        A reply is not counted against the client's own limit, since what the client may send
        further waits for that reply.
        """
        ledger = self._ledger
        while True:
            is_own_fault = not is_reply and self.held and self.held + size > ledger.each
            if not is_own_fault and ledger.has_room(self, size):
                break
            if not await ledger.change() and not is_own_fault and not self.is_closing:
                ledger.make_room(self, size)
        ledger.add(self, size)

    async def wait_turn(self, size: int) -> None:
        """Wait until so many bytes of a large message may be read."""
        await self._ledger.pace.spend(size)

    def keep(self, size: int) -> bool:
        """Hold so many bytes more if there is room now for this client; False where there is none.

        Where it is others that hold too much, the one that holds the most is closed, and its share
        counts as free already.
        """
        ledger = self._ledger
        if self.held + size > ledger.each:
            return False
        if not ledger.has_room(self, size) and not ledger.make_room(self, size):
            return False
        ledger.add(self, size)
        return True

    def give(self, size: int) -> None:
        """Hold so many bytes less."""
        self._ledger.add(self, -size)

    def end(self) -> None:
        """Hold nothing any more."""
        self._ledger.remove(self)
