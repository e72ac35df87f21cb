"""Devices of the host that are passed to a guest: whether they are there at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.hostdevs.hostdev import Hostdev
from domcaps.language.finding import Severity
from domcaps.language.host_files import host_file_rule, needs_file
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_PCI = (
    "<hostdev mode='subsystem' type='pci'><source>"
    "<address domain='0' bus='{}' slot='2' function='0'/></source></hostdev>"
)
_PCI_DEVICES = "/sys/bus/pci/devices"
_MEDIATED = "/sys/bus/mdev/devices"
_USB = "/dev/bus/usb"


@host_file_rule(
    "hostdev-source-device-missing",
    Hostdev,
    bad=Sample(_PCI.format("9"), lacking=(f"{_PCI_DEVICES}/0000:09:02.0",)),
    good=Sample(_PCI.format("8"), lacking=(f"{_PCI_DEVICES}/0000:09:02.0",)),
)
def devices_of_the_host_are_there(device: Hostdev) -> Problems:
    """The PCI, USB or mediated device in the ``<source>`` of a ``<hostdev>`` must exist on
    the host.
    """
    source = device.source
    if source is None or source.get("startupPolicy") in {"optional", "requisite"}:
        return
    address = source.find("address")
    path = "" if address is None else _path(device.type or "", address)
    if path:
        help_ = "name one of this host's devices (virsh nodedev-list)"
        yield from needs_file(device, path, "device", "source/address", help_=help_)
    elif device.mode == "subsystem" and device.type != "pci":
        device.domain.world.unknown.add(f"the host has the {device.type} device of a <hostdev>")


@rule(
    "hostdev-pci-address-missing",
    Hostdev,
    bad="<hostdev mode='subsystem' type='pci'><source><vendor id='0x10de'/>"
    "<product id='0x1b80'/></source></hostdev>",
    good=_PCI.format("6"),
    severity=Severity.WARNING,
)
def pci_devices_are_named_by_address(device: Hostdev) -> Problems:
    """``<source>`` of a PCI ``<hostdev>`` should have an ``<address>``: libvirt passes 0000:00:00.0
    otherwise, which is the host bridge.

    Libvirt reads ``<vendor>`` and ``<product>`` for USB devices only.
    """
    source = device.source
    if device.type == "pci" and source is not None and source.find("address") is None:
        yield problem(
            "<source> has no <address>: libvirt takes the PCI device 0000:00:00.0; add "
            "<address domain='…' bus='…' slot='…' function='…'/> (lspci -D lists the devices)",
            source,
        )


def _path(kind: str, address: Node) -> str:
    """Give the file that stands for a device, "" for devices that have none."""
    if kind == "mdev":
        return f"{_MEDIATED}/{address.get('uuid', '').lower()}"
    try:
        bus = int(address.get("bus", ""), 0)
        if kind == "usb":
            return f"{_USB}/{bus:03}/{int(address.get('device', ''), 0):03}"
        domain, slot = int(address.get("domain", "0"), 0), int(address.get("slot", ""), 0)
        function = int(address.get("function", "0"), 0)
    except ValueError:
        return ""
    return f"{_PCI_DEVICES}/{domain:04x}:{bus:02x}:{slot:02x}.{function}" if kind == "pci" else ""
