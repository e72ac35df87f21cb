"""QEMU arguments for ``<clock>``: ``-rtc`` and properties of timers."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import CLOCK_OFFSET
from domcaps.language.command_line import YES_NO, Line, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_OF_THE_PROCESSOR = {"kvmclock", "hypervclock", "tsc", "armvtimer"}
"""Timers that are features of it: see `domain.timer_command_line`."""
_OFFSETS = {"utc", "localtime", "variable", "timezone", "absolute"}
_READ_FOR = {"start": "absolute", "timezone": "timezone"}
_POLICIES = {"delay", "catchup", "discard", "merge"}
_TRACKS = {"guest": "vm", "wall": "host", "boot": "host", "realtime": "rt"}
"""By which clock of the host that of the guest runs."""


def clock_words(line: Line, root: Node) -> list[str]:
    """Give the words for the clock and its timers."""
    reading = line.reading
    clock = reading.child(root, "clock")
    if clock is None:
        return ["-rtc", f"base={CLOCK_OFFSET}"]
    told = ["-rtc", f"base={_base(line, clock)}"]
    for timer in reading.children(clock, "timer"):
        name = reading.get(timer, "name", {"rtc", "pit", "hpet", "platform", *_OF_THE_PROCESSOR})
        if name in _OF_THE_PROCESSOR:
            continue
        reading.get(timer, "present", YES_NO)
        if name == "hpet" and line.is_x86:
            present = reading.get(timer, "present") or "yes"
            line.machine["hpet"] = "on" if present == "yes" else "off"
        elif name == "rtc":
            told[1] += _of_rtc(line, timer)
        elif name == "pit":
            told += _of_pit(line, timer)
        elif name == "hpet" and timer.get("present") == "no":
            # the board has none
            continue
        else:
            raise untold(timer)
    return told


def _of_rtc(line: Line, timer: Node) -> str:
    policy = line.reading.get(timer, "tickpolicy", _POLICIES)
    track = line.reading.get(timer, "track", _TRACKS)
    catchup = line.reading.child(timer, "catchup")
    if catchup is not None:
        # libvirt refuses all but the default, or QEMU has no words for it
        line.reading.set_aside(catchup, "threshold", "slew", "limit")
    told = f",clock={_TRACKS[track]}" if track else ""
    return told + (",driftfix=slew" if policy == "catchup" else "")


def _of_pit(line: Line, timer: Node) -> list[str]:
    policy = line.reading.get(timer, "tickpolicy", {"delay", "discard", "catchup"})
    if policy in {"delay", "discard"} and line.has_type("kvm-pit"):
        # QEMU's own PIT has no such policy: it never catches up. Other boards have none
        return ["-global", f"kvm-pit.lost_tick_policy={policy}"]
    return []


def _base(line: Line, clock: Node) -> str:
    """Take where the clock begins: by name, or as a moment that is counted from now."""
    reading = line.reading
    offset = reading.get(clock, "offset", _OFFSETS) or CLOCK_OFFSET
    reading.get(clock, "adjustment")
    reading.set_aside(clock, "adjustment0", "basis")
    # libvirt reads these for one offset alone
    reading.set_aside(clock, *(name for name in ("start", "timezone") if _READ_FOR[name] != offset))
    if offset in {"utc", "localtime"}:
        return offset
    now = datetime.datetime.now(datetime.UTC)
    if offset == "absolute":
        start = reading.number(clock, "start") or 0
        try:
            return _shown(datetime.datetime.fromtimestamp(start, datetime.UTC))
        except (ValueError, OverflowError, OSError):
            raise untold(clock, "start", f"the value {start}") from None
    if offset == "timezone":
        zone = reading.get(clock, "timezone") or ""
        line.environment["TZ"] = zone
        return "localtime"
    seconds = clock.get("adjustment") or "0"
    if clock.get("basis") == "localtime":
        now = now.astimezone().replace(tzinfo=datetime.UTC)
    try:
        return _shown(now + datetime.timedelta(seconds=int(seconds)))
    except (ValueError, OverflowError):
        raise untold(clock, "adjustment", f"the value {seconds!r}") from None


def _shown(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
