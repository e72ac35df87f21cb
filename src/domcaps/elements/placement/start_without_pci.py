"""Devices of PCI on boards where libvirt has no PCI, and which it defines all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import PPC64
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.language.changes.placement import BOARDS_WITHOUT_PCI
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix
from domcaps.language.observed import machine
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.table import Drift, WideDrift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.pci_devices import PciDevice

POWERNV = PPC64 & machine("powernv", "powernv*")
POWERNV_BUS = WideDrift(
    "machine",
    POWERNV,
    Drift(
        says="devices are listed if QEMU has them, for these machine types, too",
        but="QEMU uses other names for the PCI buses of powernv than libvirt, and refuses to start",
        evidence="QEMU 11.1 with a domain for powernv9 that libvirt 12.8 defines: \"Bus 'pci.0' "
        'not found"',
        title="PCI devices on powernv",
        instead="use the machine type pseries",
        targets="the machine types of PowerNV, such as powernv9",
    ),
)
_RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
_NO_BALLOON = "<memballoon model='none'/>"


_ADDED_BY_LIBVIRT = {
    "usb controller": "<controller type='usb' model='none'/>",
    "memballoon": _NO_BALLOON,
}
"""What keeps libvirt from adding a device."""


def _on_board(xml: str) -> Sample:
    return Sample(xml, arch="riscv64", machine="sifive_u")


def _without_place(topology: PciTopology) -> Iterator[PciDevice]:
    if not topology.hardware.supports_pci:
        yield from (device for device in topology.devices.listed if device.place is None)


def _is_added_balloon(device: PciDevice) -> bool:
    return device.node is None and device.tag == "memballoon"


@rule(
    "start-without-pci",
    PciTopology,
    bad=_on_board(_RNG + _NO_BALLOON),
    good=_on_board(_NO_BALLOON),
    stage=Stage.START,
    until=BOARDS_WITHOUT_PCI,
)
def devices_have_a_bus(topology: PciTopology) -> Problems:
    """Each PCI device needs an ``<address>`` on machine types for which libvirt knows no PCI bus.

    Libvirt defines the domain and assigns no address; it then cannot build the QEMU command line.
    """
    for device in _without_place(topology):
        is_usb = device.controller is not None and device.controller.type == "usb"
        # the board's own USB controller is switched on without a place
        if not _is_added_balloon(device) and not is_usb:
            what = _kind_of(device)
            message = f"the {what} needs a PCI <address>, which libvirt cannot assign here"
            yield problem(message, _place(device, topology))


@rule(
    "start-without-pci-balloon",
    PciTopology,
    bad=_on_board("<memory>1048576</memory>"),
    good=_on_board(_NO_BALLOON),
    stage=Stage.START,
    until=BOARDS_WITHOUT_PCI,
    fix=Fix(add="<devices><memballoon model='none'/></devices>"),
)
def balloon_has_a_bus(topology: PciTopology) -> Problems:
    """``<memballoon model='none'/>`` is needed on machine types for which libvirt knows no
    PCI bus.
    """
    for device in _without_place(topology):
        if _is_added_balloon(device):
            message = (
                "libvirt adds a memory balloon, to which it cannot assign a PCI address on this "
                "machine type; add <memballoon model='none'/>"
            )
            yield problem(message, _place(device, topology))


@rule(
    "start-powernv-bus",
    PciTopology,
    bad=Sample("<memory>1048576</memory>", arch="ppc64", machine="powernv9"),
    good=Sample(
        "<devices><controller type='usb' model='none'/>" + _NO_BALLOON + "</devices>",
        arch="ppc64",
        machine="powernv9",
    ),
    stage=Stage.START,
)
def powernv_has_another_bus(topology: PciTopology) -> Problems:
    """PCI devices do not start with powernv machine types, where QEMU has no bus ``pci.0``.

    libvirt adds a USB controller and a memory balloon unless the domain has
    ``<controller type='usb' model='none'/>`` and ``<memballoon model='none'/>``.
    """
    if not topology.domain.world.truth(POWERNV):
        return
    for device in topology.devices.listed:
        what = _kind_of(device)
        if what != "pci controller":
            message = (
                f"libvirt puts the {what} on the bus 'pci.0', which this machine type "
                "does not have; use another machine type, such as 'pseries'"
            )
            added = _ADDED_BY_LIBVIRT.get(what, "") if device.node is None else ""
            fix = Fix(add=f"<devices>{added}</devices>") if added else ()
            yield problem(message, _place(device, topology), fix=fix)


def _kind_of(device: PciDevice) -> str:
    """Name the kind of a device for messages."""
    return f"{device.controller.type} controller" if device.controller else device.tag


def _place(device: PciDevice, topology: PciTopology) -> Node:
    """Give the element of a device, or of what is plugged into a controller that libvirt adds."""
    node = device.node
    if node is None and device.controller is not None:
        bus = {"virtio-serial": "virtio"}.get(device.controller.type, device.controller.type)
        for known in topology.domain.root.iterfind("devices/*"):
            target = known.find("target")
            if bus in {known.get("bus"), *(target.values() if target is not None else ())}:
                return known
    return topology.domain.root if node is None else node
