"""QEMU arguments for ``<watchdog>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import WATCHDOG_ACTION
from domcaps.elements.boards.families import Q35
from domcaps.language.changes.devices import WATCHDOG_ITCO
from domcaps.language.command_line import Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

WATCHDOGS = {"i6300esb": "i6300esb", "ib700": "ib700", "diag288": "diag288"}
"""Watchdogs that are devices of their own, by model; that of ICH9 is part of the board."""
_ACTIONS = {"reset": "reset", "shutdown": "shutdown", "poweroff": "poweroff", "pause": "pause",
            "none": "none", "inject-nmi": "inject-nmi", "dump": "pause"}  # fmt: skip


def write_watchdogs(line: Line, nodes: list[Node]) -> None:
    """Write the watchdogs, and the one action that QEMU has for all of them."""
    reading, actions = line.reading, set()
    for number, node in enumerate(nodes):
        model = reading.one(node, "model", {*WATCHDOGS, "itco"})
        action = reading.get(node, "action", _ACTIONS) or WATCHDOG_ACTION
        if action == "dump":
            reading.besides[node] = "libvirt dumps the guest's memory"
        actions.add(action)
        if len(actions) > 1:
            raise untold(node, "action", "another action than that of the first watchdog")
        name = line.name(node, f"watchdog{number}")
        if model == "itco":
            if not line.holds(Q35):
                raise untold(node)
            # part of the board, where it is switched off
            line.add("-global", "ICH9-LPC.noreboot=off")
        elif model == "i6300esb":
            line.plug(node, WATCHDOGS[model], id=name)
        else:
            line.device(Turn.ATTACHED, options(WATCHDOGS[model], id=name))
    if not nodes and line.holds(Q35) and line.domain.world.target.dialect.has(WATCHDOG_ITCO):
        # libvirt adds that of the board
        line.add("-global", "ICH9-LPC.noreboot=off")
        actions.add(WATCHDOG_ACTION)
    for action in actions:
        line.add("-action", f"watchdog={_ACTIONS[action]}")
