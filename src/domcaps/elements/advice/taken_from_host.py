"""What a domain takes from its host by a name that means something else on another host.

::

    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
      </source>
    </hostdev>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

_NAMED_IN_ORDER = late_pattern(r"/dev/((s|h|v|xv)d[a-z]|(nvme|mmcblk|dm-|md)\d)")
"""Block devices that the kernel names in the order in which it finds them."""
_OPTIONAL = frozenset({"optional", "requisite"})


class TakenKind(NamedTuple):
    """A kind of what is taken from the host: what can happen on another one, and which it is.

    `names` gives the elements of the kind, each with the name that the host knows it by.
    """

    risks: tuple[str, ...]
    names: Callable[[Node], Iterator[tuple[Node, str]]]


def _number(node: Node, name: str) -> int:
    try:
        return int(node.get(name) or "0", 0)
    except ValueError:
        return 0


def _pci_address(address: Node) -> str:
    domain, bus, slot, function = (
        _number(address, name) for name in ("domain", "bus", "slot", "function")
    )
    before = f"{domain:04x}:" if domain else ""
    return f"{before}{bus:02x}:{slot:02x}.{function:x}"


def _pci(root: Node) -> Iterator[tuple[Node, str]]:
    places = (
        "devices/hostdev[@type='pci']/source/address",
        "devices/interface[@type='hostdev']/source/address[@type='pci']",
        "devices/disk[@type='nvme']/source/address",
    )
    for place in places:
        for address in root.iterfind(place):
            yield _device(address), _pci_address(address)


def _usb(root: Node) -> Iterator[tuple[Node, str]]:
    for source in root.iterfind("devices/hostdev[@type='usb']/source"):
        if source.get("startupPolicy") in _OPTIONAL:
            continue
        vendor, product, address = map(source.find, ("vendor", "product", "address"))
        if vendor is not None and product is not None:
            yield _device(source), f"{_number(vendor, 'id'):04x}:{_number(product, 'id'):04x}"
        elif address is not None:
            place = f"bus {_number(address, 'bus')} device {_number(address, 'device')}"
            yield _device(source), place


def _others(root: Node) -> Iterator[tuple[Node, str]]:
    for hostdev in root.iterfind("devices/hostdev"):
        kind = hostdev.get("type")
        if kind not in {"pci", "usb"} and hostdev.find("source") is not None:
            address = hostdev.find("source/address")
            uuid = "" if address is None else address.get("uuid") or ""
            yield hostdev, " ".join(filter(None, (kind, uuid)))


def _disks(root: Node) -> Iterator[tuple[Node, str]]:
    for source in root.iterfind("devices/disk[@type='block']/source"):
        disk, name = _device(source), source.get("dev") or ""
        if _NAMED_IN_ORDER.match(name) and disk.find("readonly") is None:
            yield disk, name


def _device(node: Node) -> Node:
    parent = node.getparent()
    while parent is not None and parent.tag != "devices":
        node, parent = parent, parent.getparent()
    return node


_CHECK_IOMMU = (
    "without an IOMMU in use the guest does not start (/sys/kernel/iommu_groups is empty then): it "
    "may be off in the firmware, as virtualization may be"
)
_CHECK_ADDRESS = (
    "check what is there on this host (lspci): on another host the same address may be its disk "
    "controller or network card, which the host loses when the guest starts (with managed='yes' "
    "libvirt takes it away)"
)
_CHECK_NAME = (
    "check that it is the guest's disk: on another host the same name may be one of the host's own "
    "disks, and the guest writes to it"
)
TAKEN: dict[str, TakenKind] = {
    "PCI": TakenKind((_CHECK_IOMMU, _CHECK_ADDRESS), _pci),
    "USB": TakenKind(("without the device the guest does not start",), _usb),
    "host device": TakenKind(("this host must have it",), _others),
    "block device": TakenKind((_CHECK_NAME,), _disks),
}
"""By the word for what is taken."""
