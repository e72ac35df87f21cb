"""The process that answers: one that takes too long is ended, and the next question gets another.

A domain may be made to take long. The event loop must not wait for it, and no thread can be ended,
so answers are made in a process of their own. Questions wait for each other: the fleet in memory is
the same for all. While one takes long, a second process answers others (see `turns`).
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import resource
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import DomcapsError
from domcaps.recent import Recent
from domcaps.serve.http.questions import Fleets, HttpAnswer, HttpQuestion, failed
from domcaps.serve.http.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from domcaps.serve.http.limits import HttpLimits

_LOOK_SECONDS = 1.0
"""How old the look at the store's hosts may be for an answer."""

_LONG = frozenset({"page", "metrics", "features"})
_PROCESSES = 2
_KEPT_BYTES = 32 << 20
_MEMORY = 4 << 30
_ANSWER = msgspec.msgpack.Decoder(HttpAnswer)
_QUESTION = msgspec.msgpack.Decoder(HttpQuestion)
_CONTEXT = multiprocessing.get_context("spawn")


class OverloadedError(Exception):
    """More questions wait than may."""


class StoreGoneError(Exception):
    """The store can't be read, or is not there any more; `remedy` says what to do."""

    def __init__(self, remedy: str) -> None:
        super().__init__()
        self.remedy = remedy


class AnsweringWorker:
    """The side of the processes that the event loop sees."""

    def __init__(
        self, store: str, domains: Sequence[tuple[str, bytes]], limits: HttpLimits
    ) -> None:
        self._limits = limits
        self._waiting = 0
        self._processes = tuple(_Process(store, tuple(domains), limits) for _ in range(_PROCESSES))
        self._turns = Turns(self._processes, limits.quick_seconds)

    async def answer(self, question: HttpQuestion, client: str = "") -> HttpAnswer:
        """Answer when it is the client's turn; raises `OverloadedError`.

        A request that is cancelled leaves the queue. Once a process has the question, the turn
        lasts until its answer came: the next question must not read that one.
        """
        if self._waiting >= self._limits.waiting:
            raise OverloadedError
        self._waiting += 1
        try:
            process = await self._turns.take(client)
            asked = asyncio.ensure_future(process.asked(question))
            asked.add_done_callback(lambda _: self._turns.free(process))
            return await asyncio.shield(asked)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()


class _Process:
    """A process that answers, started when it is asked and after it was ended."""

    def __init__(
        self, store: str, domains: tuple[tuple[str, bytes], ...], limits: HttpLimits
    ) -> None:
        self._arguments = store, domains, limits
        self._limits = limits
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    async def asked(self, question: HttpQuestion) -> HttpAnswer:
        """Answer a question."""
        long = question.name in _LONG
        seconds = self._limits.long_seconds if long else self._limits.seconds
        data = msgspec.msgpack.encode(question)
        try:
            # in a thread: the new process reads the domains of the page when it has started
            pipe = await asyncio.to_thread(self._started)
            async with asyncio.timeout(seconds):
                return _ANSWER.decode(await asyncio.to_thread(_exchange, pipe, data))
        except TimeoutError:
            self.close()
            return failed(504, f"the answer takes more than {seconds:g} s")
        except (EOFError, OSError, RuntimeError, msgspec.DecodeError, ValueError):
            self.close()
            return failed(500, "the process that answers ended")

    def _started(self) -> Connection:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            ours, theirs = _CONTEXT.Pipe()
            with theirs:
                process = _CONTEXT.Process(
                    target=_work, args=(theirs, *self._arguments), daemon=True
                )
                process.start()
            self._process, self._pipe = process, ours
        return self._pipe

    def close(self) -> None:
        """End the process, and with it a thread that waits for its answer."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        # the pipe is closed when that thread drops it: its number could be another file's else
        self._process = self._pipe = None


def _exchange(pipe: Connection, question: bytes) -> bytes:
    """Send a question and wait for the answer, in a thread: a worker that starts reads nothing."""
    pipe.send_bytes(question)
    return pipe.recv_bytes()


def _work(
    pipe: Connection, store: str, domains: tuple[tuple[str, bytes], ...], limits: HttpLimits
) -> None:
    """Answer until the pipe is closed."""
    from domcaps.fleet.fleet import Fleet

    # Ctrl-C on a terminal is for the server
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    kept = _KeptAnswers(Fleets(lambda: Fleet.open(store), domains))
    with contextlib.suppress(EOFError, OSError):
        while True:
            question = _QUESTION.decode(pipe.recv_bytes())
            answer = _fitting(_answered(kept, question), limits.answer)
            pipe.send_bytes(msgspec.msgpack.encode(answer))


def _fitting(answer: HttpAnswer, most: int) -> HttpAnswer:
    """Give an answer, or an error for one that would take too much of the server's memory."""
    if len(answer.data) <= most:
        return answer
    return failed(
        422,
        f"the answer has {len(answer.data) >> 20} MiB, more than {most >> 20} MiB",
        "ask for less, for example POST /v1/accepts in the place of /v1/verdicts",
    )


def _answered(kept: _KeptAnswers, question: HttpQuestion) -> HttpAnswer:
    """Give an answer, whatever happens: to open a large fleet again would take a while."""
    try:
        return kept.answer(question)
    except StoreGoneError as error:
        return failed(503, f"the store can't be read: {error.__cause__}", error.remedy)
    except MemoryError:
        # what takes so much is given back by the end of this process only
        raise
    except DomcapsError as error:
        return failed(500, str(error))
    except Exception:  # noqa: BLE001 - one question must not cost the others
        traceback.print_exc()
        return failed(500, "an error in domcaps; the log of the service has more")


class _KeptAnswers:
    """Answers that hold as long as the store's hosts are the same."""

    def __init__(self, fleets: Fleets) -> None:
        self._fleets = fleets
        self._kept: Recent[HttpQuestion, HttpAnswer] = Recent(_KEPT_BYTES)
        self._looked = -_LOOK_SECONDS
        self._trouble = ""

    def _tell(self, trouble: str) -> None:
        """Log when the store is lost, and when it is there again."""
        if trouble != self._trouble:
            text = f"level=ERROR {trouble}" if trouble else "level=WARNING the store is there again"
            sys.stderr.write(f"domcaps: {text}\n")
            sys.stderr.flush()
            self._trouble = trouble

    def answer(self, question: HttpQuestion) -> HttpAnswer:
        """Give what is known, or find it out."""
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            try:
                is_other = self._fleets.refresh()
            except (DomcapsError, OSError) as error:
                self._tell(str(error))
                raise StoreGoneError(getattr(error, "remedy", "")) from error
            self._tell("")
            if is_other:
                self._kept = Recent(_KEPT_BYTES)
            self._looked = time.monotonic()
        known = self._kept.get(question)
        if known is not None:
            return known
        found = self._fleets.answer(question)
        if question.name != "metrics" and found.status == 200:
            self._kept.put(question, found, len(found.data) + len(question.domain))
        return found
