"""Kinds of addresses that no device of a board can have, and devices whose kind is not checked.

::

    <hub type='usb'><address type='ccw'/></hub>        (skipped)
    <rng model='virtio'>…<address type='ccw'/></rng>   (refused, but on a mainframe)

libvirt gives some devices their address whatever the domain says: USB hubs, parts of the board,
memory modules, ports of virtio-serial and of the pseries. Of these it reads the form only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import LARGEST_REG, Address
from domcaps.elements.boards.defaults import CONTROLLER_TYPE, card_model
from domcaps.elements.boards.families import (
    I440FX,
    MICROVM,
    PPC64,
    PSERIES,
    Q35,
    S390,
    S390_CCW,
    X86,
)
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.changes.placement import (
    CCW_DEFINED,
    DRIVE_ADDRESSES_OF_ALL,
    UNASSIGNED_CHECKED,
)
from domcaps.language.finding import Stage
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

_ON_BOARD = {"ide": I440FX, "usb": I440FX, "sata": Q35}
_ON_SPAPR_VIO = frozenset({"interface", "controller", "serial", "nvram", "tpm", "console"})
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
    if is_moved_to_spapr_vio(address) or (tag == "video" and address.dropped):
        return False
    if tag == "controller":
        kind = device.get("type", CONTROLLER_TYPE)
        board: Predicate | None = _ON_BOARD.get(kind)
        if kind == "usb" and device.get("model") not in {None, "piix3-uhci"}:
            return True
        return board is None or device.get("index", "0") != "0" or not address.holds(board)
    if tag == "channel":
        return _target(device) != "virtio"
    if tag == "memory":
        return device.get("model") not in {"dimm", "nvdimm"}
    return tag != "hub"


def is_moved_to_spapr_vio(address: Address) -> bool:
    """Tell whether libvirt puts a device on the virtual I/O of pseries, wherever it should be."""
    return not address.dropped and is_on_spapr_vio(device_of(address), address.domain)


def is_on_spapr_vio(device: Node, domain: Domain) -> bool:
    """Tell whether a device is on the virtual I/O of pseries, whatever address it has."""
    tag = device.tag
    if tag not in _ON_SPAPR_VIO or not domain.world.truth(PSERIES):
        return False
    if tag == "controller":
        controller = Controller(device, domain)
        return controller.type == "scsi" and controller.settled_model == "ibmvscsi"
    if tag == "interface":
        return card_model(device, domain) == "spapr-vlan"
    if tag == "tpm":
        return device.get("model") != "spapr-tpm-proxy"
    if tag == "console":
        return _target(device) in {"", "serial"}
    return tag != "serial" or _target(device) in {"", "spapr-vio-serial"}


def _target(device: Node) -> str:
    target = device.find("target")
    return "" if target is None else target.get("type", "")


def register_of(address: Address) -> int | None:
    """Give the register of virtual I/O that a domain gives to a device, wittingly or not."""
    if address.type == "spapr-vio":
        return address.register
    if address.register is None or not is_moved_to_spapr_vio(address):
        return None
    return address.register


_CARD = "<interface type='user'><model type='virtio'/>{}</interface>"
_CCW = _CARD.format("<address type='ccw'/>")
_COMPARED_EARLY = frozenset({"controller", "vsock"})
"""Devices whose CCW addresses all releases of libvirt check when the domain is defined."""


@rule(
    "address-ccw-unsupported",
    Address,
    bad=_CCW,
    good=Sample(_CCW, arch="s390x"),
    defined=CCW_DEFINED,
)
def ccw_needs_its_machine(address: Address) -> Problems:
    """``<address type='ccw'>`` requires an s390x machine type."""
    if device_of(address).tag not in _COMPARED_EARLY or libvirt_reads(address, CCW_DEFINED):
        yield from _without_channels(address)


def _without_channels(address: Address) -> Problems:
    if address.type == "ccw" and not address.holds(S390_CCW) and is_compared(address):
        reason = S390_CCW.explain(address.domain.world)
        yield problem(
            "this machine type has no channel I/O; remove the <address>, or use type='pci'",
            address,
            "@type",
            reason=reason,
        )


@rule(
    "address-ccw-device-unsupported",
    Address,
    bad="<vsock model='virtio'><cid address='4'/><address type='ccw'/></vsock>",
    good=Sample(
        "<vsock model='virtio'><cid address='4'/><address type='ccw'/></vsock>", arch="s390x"
    ),
    until=CCW_DEFINED,
)
def ccw_controllers_need_their_machine(address: Address) -> Problems:
    """``<address type='ccw'>`` of a controller or ``<vsock>`` requires an s390x machine type."""
    if device_of(address).tag in _COMPARED_EARLY:
        yield from _without_channels(address)


_WITHOUT_MMIO = (X86 & ~MICROVM) | PPC64 | S390
_MMIO = (
    "<devices><rng model='virtio'><backend model='random'/><address type='virtio-mmio'/></rng>"
    "</devices>"
)


@rule(
    "address-virtio-mmio-without-bus",
    Address,
    bad=Sample(_MMIO, machine="q35"),
    good=Sample(_MMIO, arch="aarch64", machine="virt"),
    stage=Stage.START,
)
def mmio_needs_its_machine(address: Address) -> Problems:
    """``<address type='virtio-mmio'>`` requires a machine type with virtio-mmio, such as ``virt``
    for Arm.

    x86 has them with the machine type microvm only, POWER and s390x do not. For devices that are
    not virtio the address has no effect, and so for the VGA card of x86.
    """
    if address.type == "virtio-mmio" and address.holds(_WITHOUT_MMIO):
        if not _is_on_mmio(address):
            return
        yield problem(
            "this machine type has no bus for virtio-mmio; remove the <address>, or use type='pci'",
            address,
            "@type",
        )


def _is_on_mmio(address: Address) -> bool:
    """Tell whether QEMU would look for a bus of virtio-mmio for a device."""
    device = device_of(address)
    if device.tag == "controller":
        return device.get("type") == "virtio-serial" or device.get("model", "").startswith("virtio")
    if device.tag == "video":
        return not address.holds(X86)
    return device.tag not in _NEVER_VIRTIO and device.find("driver[@type='mtp']") is None


_NEVER_VIRTIO = frozenset(
    {"serial", "parallel", "console", "channel", "sound", "hub", "redirdev", "watchdog", "tpm"}
)


@rule(
    "address-unassigned-unsupported",
    Address,
    bad=_CARD.format("<address type='unassigned'/>"),
    good="<hostdev mode='subsystem' type='pci'><source><address bus='6'/></source>"
    "<address type='unassigned'/></hostdev>",
    since=UNASSIGNED_CHECKED,
)
def only_host_devices_are_unassigned(address: Address) -> Problems:
    """``<address type='unassigned'>`` is only valid for ``<hostdev>``."""
    if (
        address.type == "unassigned"
        and device_of(address).tag != "hostdev"
        and is_compared(address)
    ):
        yield problem(
            "only a <hostdev> can have <address type='unassigned'>; remove the <address>",
            address,
            "@type",
        )


@rule(
    "address-unassigned-unsupported",
    Address,
    bad="<disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/>"
    "<address type='unassigned'/></disk>",
    good="<disk type='file' device='disk'><source file='/a'/>"
    "<target dev='vda' bus='virtio'/></disk>",
    until=UNASSIGNED_CHECKED,
)
def virtio_disks_are_not_unassigned(address: Address) -> Problems:
    """A virtio ``<disk>`` cannot have ``<address type='unassigned'>``."""
    device = device_of(address)
    target = device.find("target") if device.tag == "disk" else None
    is_virtio = target is not None and target.get("bus") == "virtio"
    if address.type == "unassigned" and is_virtio and is_compared(address):
        yield problem(
            "a virtio disk cannot have <address type='unassigned'>; remove the <address>",
            address,
            "@type",
        )


@rule(
    "address-drive-bus",
    Address,
    bad=_CARD.format("<address type='drive' bus='1'/>"),
    good=_CARD.format("<address type='pci' slot='5'/>"),
    since=DRIVE_ADDRESSES_OF_ALL,
)
def drives_have_one_bus(address: Address) -> Problems:
    """``<address type='drive'>`` must have ``bus='0'``.

    Disks have rules of their own for their addresses.
    """
    if address.type != "drive" or not address.number("bus"):
        return
    if device_of(address).tag not in _OWN_RULES and is_compared(address):
        yield problem("attribute 'bus' of a drive <address> must be '0'", address, "@bus")


_LSILOGIC = "<controller type='scsi' model='lsilogic'/>"


@rule(
    "address-drive-target",
    Address,
    bad=_LSILOGIC + _CARD.format("<address type='drive' target='3'/>"),
    good=_LSILOGIC + _CARD.format("<address type='pci' slot='5'/>"),
    since=DRIVE_ADDRESSES_OF_ALL,
)
def lsilogic_has_one_target(address: Address) -> Problems:
    """A drive ``<address>`` on an lsilogic controller must have ``target='0'``."""
    if address.type != "drive" or not address.number("target"):
        return
    if device_of(address).tag in {*_OWN_RULES, "hostdev"} or not is_compared(address):
        return
    hardware = address.domain.first(InstalledControllers)
    for controller in hardware.of("scsi") if hardware else ():
        if controller.index == address.number("controller") and controller.model == "lsilogic":
            yield problem(
                "attribute 'target' of a drive <address> on an lsilogic controller must be '0'",
                address,
                "@target",
            )


_NVRAM = "<nvram><address type='pci' bus='{}' slot='5'/></nvram>"


@rule(
    "address-taken-for-register",
    Address,
    bad=Sample(_NVRAM.format(1), arch="ppc64"),
    good=Sample(_NVRAM.format(0), arch="ppc64"),
)
def other_places_are_no_registers(address: Address) -> Problems:
    """A spapr-vio device needs ``<address type='spapr-vio'>``; libvirt misreads other types."""
    if address.type != "spapr-vio" and (register_of(address) or 0) > LARGEST_REG:
        text = "a spapr-vio device needs <address type='spapr-vio'>; libvirt misreads this address"
        yield problem(text, address, "@type", accepted=("spapr-vio",))
