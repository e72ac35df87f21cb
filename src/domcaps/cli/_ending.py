"""Signals that end a command which has started machines: they go, with their folders."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import click

from domcaps.cli._notes import note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the machines and take their folders away, as Ctrl-C does."""
    ended_by: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        ended_by.append(number)
        # asyncio has put its own in the place of Python's, which ends what runs in an orderly way
        interrupt = signal.getsignal(signal.SIGINT)
        assert callable(interrupt)  # noqa: S101 - for the type checker
        interrupt(signal.SIGINT, frame)

    # a signal that the caller ignores, as a shell in the background and nohup do, stays ignored
    wanted = [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in wanted}
    try:
        with _listening_to_interrupts():
            yield
    except KeyboardInterrupt:
        if not ended_by:
            raise
        note("terminated" if ended_by[0] == signal.SIGTERM else "hung up")
        raise click.exceptions.Exit(128 + ended_by[0]) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _listening_to_interrupts() -> Iterator[None]:
    """Let asyncio install its handler of SIGINT, even where that signal is ignored.

    asyncio does so only in the place of Python's own handler. A shell starts what runs in the
    background with SIGINT ignored: then it stays blocked, and nothing comes of it.
    """
    before = signal.getsignal(signal.SIGINT)
    if callable(before):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        # one that came meanwhile is dropped by this
        signal.signal(signal.SIGINT, signal.SIG_IGN if before is None else before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
