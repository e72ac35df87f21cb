"""What is known to fail at start though libvirt defines it, and no report speaks of it.

The validator says what libvirt says. Whoever chooses may know better: a domain that is refused here
is accepted, and would not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.placement.pci_assignment import Topology
from domcaps.language.domain import Domain
from domcaps.language.finding import Finding, Stage
from domcaps.language.node_path import path_of
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.pci_devices import PciDevice
    from domcaps.language import Choice, Enum, World

START = frozenset(
    {
        "start-without-pci",
        "start-without-pci-balloon",
    }
)
"""The codes of what is found here."""

HELPED_BY = {
    "features-smm-unavailable": "os.secureBoot",
    "start-without-pci-balloon": "memballoon.model",
}
"""The decision that may help where something fails, however little else is said."""


def choice_of(enum: Enum, value: str, world: World) -> Choice | None:
    """Give what a value of an enum means; what a dialect has no words for QEMU may have or lack."""
    dialect = world.target.dialect
    if dialect.has_between(enum.since, enum.until):
        return enum.find(value, dialect)
    return next((choice for choice in enum.choices if choice.name == value), None)


def fails_at_start(choice: Choice, world: World) -> str:
    """Say why a value that the report lists is refused at start for sure, "" where it is not."""
    for drift in choice.at_start:
        if drift.certain and world.truth(drift.where) is Truth.YES:
            return drift.but
    return ""


def known_failures(root: Node, worlds: Sequence[World]) -> Iterator[Finding]:
    """Give what is known to fail of a domain that the validator accepts."""
    for world in worlds:
        domain = Domain(root, world)
        topology = domain.all(Topology)[0]
        if not topology.hardware.supports_pci:
            yield from _without_pci_address(topology)


def _without_pci_address(topology: Topology) -> Iterator[Finding]:
    """Give the devices of PCI that this libvirt defines without a place, and then can't start."""
    for device in topology.devices.listed:
        if device.place is not None:
            continue
        added = device.node is None and device.tag == "memballoon"
        what = f"{device.controller.type} controller" if device.controller else device.tag
        yield Finding(
            "start-without-pci-balloon" if added else "start-without-pci",
            f"the {what} would be on PCI, where libvirt has no places on this board",
            stage=Stage.START,
            path=_place(device, topology),
        )


def _place(device: PciDevice, topology: Topology) -> str:
    """Give the path of a device, or of what is plugged into a controller that libvirt adds."""
    node = device.node
    if node is None and device.controller is not None:
        bus = {"virtio-serial": "virtio"}.get(device.controller.type, device.controller.type)
        for known in topology.domain.root.iterfind("devices/*"):
            target = known.find("target")
            if bus in {known.get("bus"), *(target.values() if target is not None else ())}:
                node = known
                break
    return "" if node is None else path_of(node)
