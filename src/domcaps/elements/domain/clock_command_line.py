"""QEMU arguments for ``<clock>``: ``-rtc`` and properties of timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import CLOCK_OFFSET
from domcaps.language.command_line import YES_NO, Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_OF_THE_PROCESSOR = {"kvmclock", "hypervclock", "tsc"}
"""Timers that are features of it: see `domcaps.native.processor`."""


def clock_words(line: Line, root: Node) -> list[str]:
    """Give the words for the clock and its timers."""
    reading = line.reading
    clock = reading.child(root, "clock")
    if clock is None:
        return ["-rtc", f"base={CLOCK_OFFSET}"]
    base = reading.get(clock, "offset", {"utc", "localtime"}) or CLOCK_OFFSET
    told = ["-rtc", f"base={base}"]
    for timer in reading.children(clock, "timer"):
        if not line.is_x86:
            raise untold(timer)
        name = reading.get(timer, "name", {"rtc", "pit", "hpet", *_OF_THE_PROCESSOR})
        if name in _OF_THE_PROCESSOR:
            continue
        if name == "hpet":
            present = reading.get(timer, "present", YES_NO) or "yes"
            line.machine["hpet"] = "on" if present == "yes" else "off"
        elif name == "rtc":
            if reading.get(timer, "tickpolicy", {"delay", "catchup"}) == "catchup":
                told[1] += ",driftfix=slew"
        elif reading.get(timer, "tickpolicy", {"delay"}) and line.domain.virttype == "kvm":
            # QEMU's own PIT has no such policy: it never catches up
            told += ["-global", "kvm-pit.lost_tick_policy=delay"]
    return told
