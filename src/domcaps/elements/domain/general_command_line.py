"""QEMU arguments for a domain as a whole: its name, its UUID, what ends it, its power states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import FEATURE_STATE
from domcaps.elements.boards.families import Q35
from domcaps.language.command_line import ON_OFF, YES_NO, Line, doubled, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

ABOUT = ("title", "description", "metadata")
BESIDES = {
    "bandwidth": "libvirt limits bandwidth",
    "blkiotune": "libvirt sets weights and limits of disks by control groups",
    "cputune": "libvirt pins threads to processors and sets their shares by control groups",
    "idmap": "libvirt maps users",
    "memtune": "libvirt limits memory by control groups",
    "perf": "libvirt counts events of the processor",
    "resource": "libvirt puts the machine into a control group",
    "seclabel": "libvirt labels the process and its files",
}
"""What libvirt does without an argument, by element."""
_EVENTS = {"on_poweroff", "on_reboot", "on_crash", "on_lockfailure"}
_ENDS = {"destroy", "restart", "preserve", "rename-restart", "coredump-destroy",
         "coredump-restart", "poweroff", "pause", "ignore"}  # fmt: skip


def write_besides(line: Line, root: Node) -> None:
    """Note what libvirt does by other means than arguments."""
    for tag, what in BESIDES.items():
        for node in line.reading.children(root, tag):
            line.reading.beside(node, what)


def name_words(line: Line, root: Node) -> list[str]:
    """Give the words for the name."""
    name = line.reading.child(root, "name")
    if name is None:
        return []
    return ["-name", "guest=" + doubled(line.reading.text(name)) + ",debug-threads=on"]


def identity_words(line: Line, root: Node) -> list[str]:
    """Give the words for the UUID."""
    node = line.reading.child(root, "uuid")
    hardware = line.reading.child(root, "hwuuid")
    if hardware is not None:
        line.reading.text(hardware)
    uuid = [line.reading.text(one) for one in (node, hardware) if one is not None]
    return ["-uuid", uuid[-1]] if uuid else []


def event_words(line: Line, root: Node) -> list[str]:
    """Take what is to be done at an end; QEMU by itself ends, and restarts for a reboot."""
    reading, told = line.reading, []
    for tag in sorted(_EVENTS):
        node = reading.child(root, tag)
        if node is None:
            continue
        action = reading.text(node, _ENDS)
        if tag == "on_reboot" and action == "destroy":
            told.append("-no-reboot")
        elif (tag, action) not in {("on_poweroff", "destroy"), ("on_reboot", "restart")}:
            reading.besides[node] = f"libvirt does this itself: {action}"
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


def wrap_keys(line: Line, root: Node) -> None:
    """Set the options of a mainframe's machine type for wrapping keys."""
    wrap = line.reading.child(root, "keywrap")
    for node in [] if wrap is None else line.reading.children(wrap, "cipher"):
        name = line.reading.get(node, "name", {"aes", "dea"})
        state = line.reading.get(node, "state", ON_OFF)
        line.machine[f"{name}-key-wrap"] = state or FEATURE_STATE
