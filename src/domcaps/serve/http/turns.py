"""Whose question is answered next: clients take turns, and a long question has one process only.

Normally one process answers one question after the other, since what it learned of one helps with
the next. While a question takes long, a second process answers the others. No client has two
questions answered at the same time, and one with many that wait gets no more turns than others.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import Generic, TypeVar

P = TypeVar("P")


class Turns(Generic[P]):
    """Gives processes to clients that wait for them."""

    def __init__(self, processes: tuple[P, ...], quick_seconds: float) -> None:
        self._processes = processes
        self._quick_seconds = quick_seconds
        self._queues: OrderedDict[str, deque[asyncio.Future[P]]] = OrderedDict()
        self._busy: dict[P, tuple[str, float]] = {}

    async def take(self, client: str) -> P:
        """Wait until it is the client's turn."""
        waiting: asyncio.Future[P] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append(waiting)
        self._give()
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.free(waiting.result())
            raise

    def free(self, process: P) -> None:
        """Take a process back."""
        del self._busy[process]
        self._give()

    def _give(self) -> None:
        loop = asyncio.get_running_loop()
        while all(loop.time() >= soon for _, soon in self._busy.values()):
            process = next((one for one in self._processes if one not in self._busy), None)
            found = None if process is None else self._next()
            if process is None or found is None:
                return
            client, waiting = found
            self._busy[process] = client, loop.time() + self._quick_seconds
            waiting.set_result(process)
            loop.call_later(self._quick_seconds, self._give)

    def _next(self) -> tuple[str, asyncio.Future[P]] | None:
        """Give the first that waits of the client whose turn was longest ago."""
        served = {client for client, _ in self._busy.values()}
        for client in list(self._queues):
            queue = self._queues[client]
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._queues[client]
            elif client not in served:
                waiting = queue.popleft()
                self._queues.move_to_end(client)
                return client, waiting
        return None
