"""Kinds of addresses that no device of a board can have, and devices whose kind nobody looks at.

::

    <hub type='usb'><address type='ccw'/></hub>        (passed over)
    <rng model='virtio'>…<address type='ccw'/></rng>   (refused, but on a mainframe)

libvirt gives some devices their address whatever the domain says: USB hubs, parts of the board,
memory modules, ports of virtio-serial and of the pseries. Of these it reads the form only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.address import Address
from domcaps.elements.machines import I440FX, PSERIES, Q35, S390_CCW
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.predicate import Predicate

_ON_BOARD = {"ide": I440FX, "usb": I440FX, "sata": Q35}
_OWN_RULES = frozenset({"disk", "graphics", "audio", "lease", "emulator"})


def device_of(address: Address) -> Node:
    """Give the device that an address belongs to."""
    parent = address.node.getparent()
    assert parent is not None  # noqa: S101 - its path has three steps
    return parent


def is_compared(address: Address) -> bool:
    """Tell whether libvirt compares the kind of an address with what the device needs."""
    device = device_of(address)
    tag = device.tag
    if tag == "controller":
        kind = device.get("type", "ide")
        board: Predicate | None = _ON_BOARD.get(kind)
        if kind == "usb" and device.get("model", "piix3-uhci") != "piix3-uhci":
            return True
        return board is None or device.get("index", "0") != "0" or not address.holds(board)
    if tag in {"serial", "nvram"}:
        return not address.holds(PSERIES) or _target(device) not in {"", "spapr-vio-serial"}
    if tag == "channel":
        return _target(device) != "virtio"
    if tag == "memory":
        return device.get("model") not in {"dimm", "nvdimm"}
    if tag == "memballoon":
        return device.get("model") != "none"
    if tag in {"console", "interface"}:
        return not address.holds(PSERIES) or not _on_spapr_vio(device)
    return tag != "hub"


def _on_spapr_vio(device: Node) -> bool:
    """Tell whether the pseries board gives a console or a network card its own kind of place."""
    if device.tag == "console":
        return _target(device) in {"", "serial"}
    model = device.find("model")
    return model is not None and model.get("type") == "spapr-vlan"


def _target(device: Node) -> str:
    target = device.find("target")
    return "" if target is None else target.get("type", "")


_CARD = "<interface type='user'><model type='virtio'/>{}</interface>"
_CCW = _CARD.format("<address type='ccw'/>")


@rule(
    "address-ccw-unsupported",
    Address,
    bad=_CCW,
    good=Sample(_CCW, arch="s390x"),
)
def ccw_needs_its_machine(address: Address) -> Problems:
    """Only IBM's mainframes have channel I/O."""
    if address.type == "ccw" and not address.holds(S390_CCW) and is_compared(address):
        reason = S390_CCW.explain(address.domain.world)
        yield problem("this machine type has no channel I/O", address, "@type", reason=reason)


@rule(
    "address-unassigned-unsupported",
    Address,
    bad=_CARD.format("<address type='unassigned'/>"),
    good="<hostdev mode='subsystem' type='pci'><source><address bus='6'/></source>"
    "<address type='unassigned'/></hostdev>",
)
def only_host_devices_are_unassigned(address: Address) -> Problems:
    """Only a device of the host can be kept ready for the guest without an address."""
    if (
        address.type == "unassigned"
        and device_of(address).tag != "hostdev"
        and is_compared(address)
    ):
        yield problem("only a <hostdev> can stay unassigned", address, "@type")


@rule(
    "address-drive-bus",
    Address,
    bad=_CARD.format("<address type='drive' bus='1'/>"),
    good=_CARD.format("<address type='pci' slot='5'/>"),
)
def drives_have_one_bus(address: Address) -> Problems:
    """The address of a drive, whatever carries it, has no bus but 0; for disks see there."""
    if address.type != "drive" or not address.number("bus"):
        return
    device = device_of(address)
    absent = device.tag == "memballoon" and device.get("model") == "none"
    if device.tag not in _OWN_RULES and not absent and is_compared(address):
        yield problem("the controllers of drives have one bus, with number 0", address, "@bus")
