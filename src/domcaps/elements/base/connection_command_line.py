"""QEMU arguments for ``<reconnect>``, which sockets of several elements have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import YES_NO, Line

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_IN_MILLISECONDS = (9, 2)
"""The QEMU since which the time is given in milliseconds; the older option is deprecated."""


def reconnecting(line: Line, source: Node | None) -> dict[str, object]:
    """Take whether a connection is made again after it was lost."""
    again = None if source is None else line.reading.child(source, "reconnect")
    if again is None or line.reading.get(again, "enabled", YES_NO) != "yes":
        return {}
    seconds = line.reading.number(again, "timeout")
    if line.is_since(*_IN_MILLISECONDS):
        return {"reconnect-ms": None if seconds is None else seconds * 1000}
    return {"reconnect": seconds}
