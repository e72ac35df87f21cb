"""Free PCIe root ports, into which devices can be plugged while the guest runs.

libvirt puts devices without addresses into the ports that are there, and adds others only then. So
that some stay free, there have to be as many besides as devices will take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.applied import apply
from domcaps.choose.text import text_of
from domcaps.elements.controllers.models import EXPRESS_ROOT, FREE_PORT, ROOT_PORT
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.errors import RequestError
from domcaps.language.domain import Domain
from domcaps.language.fix import Fix

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.world import World

_ROUNDS = 64
"""So many devices at most take a port of their own: each round adds one for each that did."""


MOST_PORTS = 64
"""More free ports than that are not added; the command line has the same limit."""


def check_number(number: int) -> None:
    """Raise `RequestError` for a number of ports that is not added."""
    if not 0 <= number <= MOST_PORTS:
        raise RequestError(f"{number} is no number of free ports", remedy=f"use 0 to {MOST_PORTS}")


def with_free_ports(data: bytes, world: World | None, number: int) -> bytes:
    """Add root ports to a domain until so many more are free once libvirt has placed its devices.

    Without a `world`, only so many are added. Ports that are free already stay so.
    """
    root = text_of(data).root
    if world is None:
        return apply(data, "/domain", free_ports(root, number))
    wanted = number + _spare(root, world)
    after = apply(data, "/domain", free_ports(root, number))
    for _ in range(_ROUNDS):
        missing = wanted - _ports(text_of(after).root, world)[1]
        if missing <= 0:
            break
        number += missing
        after = apply(data, "/domain", free_ports(root, number))
    return after


def _ports(root: Node, world: World) -> tuple[int, int]:
    """Count the root ports in the end, those that libvirt adds included, and how many are free."""
    return Domain(root, world, new=True).all(PciTopology)[0].ports


def _spare(root: Node, world: World) -> int:
    """Count the root ports of the document that no device takes."""
    named = sum(c.get("model") == ROOT_PORT for c in root.iterfind("devices/controller"))
    if not named:
        return 0
    ports, free = _ports(root, world)
    return max(0, named - (ports - free))


def free_ports(root: Node, number: int) -> Fix:
    """Give the edit that adds root ports: with indexes, as libvirt would begin at the root."""
    pci = [c for c in root.iterfind("devices/controller") if c.get("type") == "pci"]
    taken = [int(index) for c in pci if (index := c.get("index") or "").isdecimal()]
    first = max([0, *taken]) + 1
    ports = "".join(FREE_PORT.format(first + n) for n in range(number))
    return Fix(add=f"<devices>{'' if 0 in taken else EXPRESS_ROOT}{ports}</devices>")
