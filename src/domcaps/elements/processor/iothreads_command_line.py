"""QEMU arguments for ``<iothreads>``: one object for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_POOL = {"thread_pool_min": "thread-pool-min", "thread_pool_max": "thread-pool-max"}
_POLL = {"max": "poll-max-ns", "grow": "poll-grow", "shrink": "poll-shrink",
         "weight": "poll-weight"}  # fmt: skip


def _count(line: Line, node: Node) -> int:
    """Take the text of an element as a number of things, each of which gets arguments."""
    text = line.reading.text(node)
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise untold(node, "", "a number of that form")
    return int(text)


def thread_words(line: Line, root: Node) -> list[str]:
    """Take the threads that disks and controllers may have, and QEMU's main loop."""
    reading = line.reading
    count, named = reading.child(root, "iothreads"), reading.child(root, "iothreadids")
    given = [] if named is None else reading.children(named, "iothread")
    told = {reading.number(node, "id") or 0: _settings(line, node) for node in given}
    wanted = 0 if count is None else _count(line, count)
    free = (number for number in range(1, wanted + len(told) + 1) if number not in told)
    told |= {next(free): {} for _ in range(wanted - len(told))}
    words: list[str] = []
    for number, more in told.items():
        words += ["-object", options("iothread", id=f"iothread{number}", **more)]
    main = reading.child(root, "defaultiothread")
    if main is not None:
        words += ["-object", options("main-loop", id="main-loop", **_settings(line, main))]
    return words


def _settings(line: Line, node: Node) -> dict[str, object]:
    told: dict[str, object] = {to: line.reading.number(node, name) for name, to in _POOL.items()}
    poll = line.reading.child(node, "poll")
    for name, option in () if poll is None else _POLL.items():
        told[option] = line.reading.number(poll, name)  # type: ignore[arg-type]
    return told
