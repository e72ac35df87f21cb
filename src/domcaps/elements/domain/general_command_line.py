"""QEMU arguments for a domain as a whole: its name, its UUID, what ends it, its power states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import Q35, S390
from domcaps.language.command_line import YES_NO, Line, doubled, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

ABOUT = ("title", "description", "metadata")
_AFTER_CRASHES = {"destroy", "restart", "preserve", "rename-restart", "coredump-destroy",
                  "coredump-restart"}  # fmt: skip


def name_words(line: Line, root: Node) -> list[str]:
    """Give the words for the name."""
    name = line.reading.child(root, "name")
    if name is None:
        return []
    return ["-name", "guest=" + doubled(line.reading.text(name))]


def identity_words(line: Line, root: Node) -> list[str]:
    """Give the words for the UUID."""
    node = line.reading.child(root, "uuid")
    return [] if node is None else ["-uuid", line.reading.text(node)]


def event_words(line: Line, root: Node) -> list[str]:
    """Take what is to be done at an end; QEMU by itself ends, and restarts for a reboot."""
    reading, told = line.reading, []
    # QEMU hears of a crash by a device for it; a mainframe says so itself
    is_heard = root.find("devices/panic") is not None or line.holds(S390)
    for tag, usual in (("on_poweroff", {"destroy"}), ("on_reboot", {"restart", "destroy"}),
                       ("on_crash", {"destroy"} if is_heard else _AFTER_CRASHES)):  # fmt: skip
        node = reading.child(root, tag)
        if node is not None and reading.text(node, usual) == "destroy" and tag == "on_reboot":
            told.append("-no-reboot")
    return told


def power_words(line: Line, root: Node) -> list[str]:
    """Give the words for the states of sleep that a PC has."""
    reading, told = line.reading, []
    power = reading.child(root, "pm")
    if power is None:
        return []
    board = "ICH9-LPC" if line.holds(Q35) else "PIIX4_PM"
    for tag, name in (("suspend-to-mem", "disable_s3"), ("suspend-to-disk", "disable_s4")):
        node = reading.child(power, tag)
        if node is None:
            continue
        enabled = reading.get(node, "enabled", YES_NO)
        if not line.is_x86:
            raise untold(node)
        if enabled is not None:
            told += ["-global", f"{board}.{name}={int(enabled == 'no')}"]
    return told
