"""QEMU arguments for timers that the processor shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.command_line import Line

_POLICIES = {"catchup", "delay", "discard"}


def timer_words(line: Line, root: Node) -> list[str]:
    """Take the timers that are shown by features of the processor."""
    told = []
    for timer in root.iterfind("clock/timer"):
        name = timer.get("name")
        if name not in {"kvmclock", "hypervclock", "tsc", "armvtimer"}:
            continue
        line.reading.get(timer, "name")
        present = line.reading.get(timer, "present", {"yes", "no"})
        switch = "off" if present == "no" else "on"
        policy = line.reading.get(timer, "tickpolicy", _POLICIES)
        if name == "tsc":
            # how the guest reads it, which is KVM's and Xen's to say
            line.reading.set_aside(timer, "mode")
        if name == "hypervclock" and line.is_x86:
            told.append(f"hv-time={switch}")
        elif name == "kvmclock" and present is not None and line.is_x86:
            told.append(f"kvmclock={switch}")
        elif name == "tsc" and (rate := line.reading.number(timer, "frequency")) is not None:
            told.append(f"tsc-frequency={rate}")
        elif name == "armvtimer" and policy in {"delay", "discard"}:
            told.append(f"kvm-no-adjvtime={'off' if policy == 'discard' else 'on'}")
    return told
