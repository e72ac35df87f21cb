"""QEMU arguments for ``<iothreads>``: one object for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.language.command_line import Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node


def _count(line: Line, node: Node) -> int:
    """Take the text of an element as a number of things, each of which gets arguments."""
    text = line.reading.text(node)
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise untold(node, "", "a number of that form")
    return int(text)


def thread_words(line: Line, root: Node) -> list[str]:
    """Take the threads that disks and controllers may have."""
    reading = line.reading
    count, named = reading.child(root, "iothreads"), reading.child(root, "iothreadids")
    given = [] if named is None else reading.children(named, "iothread")
    numbers = [reading.number(node, "id") or 0 for node in given]
    wanted = 0 if count is None else _count(line, count)
    free = (number for number in range(1, wanted + len(numbers) + 1) if number not in numbers)
    numbers += [next(free) for _ in range(wanted - len(numbers))]
    return [word for number in numbers for word in ("-object", f"iothread,id=iothread{number}")]
