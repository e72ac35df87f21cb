"""Virtual networks: those of the host, libvirt's own default one, and those of a sandbox.

A network of a sandbox exists in memory alone. Network cards of domains that run there get an
address of its DHCP range, always the same one for the same hardware address.
"""

from __future__ import annotations

import uuid
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from lxml import etree

from domcaps.elements.boards.defaults import ADDRESS_FAMILY
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import parse, uuid_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_LONGEST_NAME = 1024
_OWN = uuid.UUID("6a0d7c52-0b4e-4e3b-9a52-51c4e0f6c9aa")
_DEFAULT = """<network>
  <name>default</name>
  <uuid>{}</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <mac address='52:54:00:{}'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.122.2' end='192.168.122.254'/>
    </dhcp>
  </ip>
</network>
"""
_NO_BRIDGE = {"bridge", "private", "vepa", "passthrough", "hostdev"}
"""Modes of ``<forward>`` for which libvirt makes no bridge."""


class AddressRange(NamedTuple):
    """The addresses that a network gives out by DHCP: the first, how many, and the prefix."""

    first: str
    number: int
    prefix: int

    def address(self, mac: str) -> str:
        """Give the address for a network card."""
        tail = int(mac.replace(":", "")[-6:] or "0", 16)
        return str(IPv4Address(self.first) + tail % self.number)


class Network(msgspec.Struct):
    """One network. `lasting` tells whether it stays when it is stopped."""

    name: str
    uuid: bytes
    xml: str
    bridge: str = ""
    active: bool = False
    lasting: bool = True
    autostart: bool = False
    addresses: AddressRange | None = None

    @property
    def handle(self) -> tuple[str, bytes]:
        """What it is on the wire."""
        return self.name, self.uuid

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return 1000 + len(self.xml.encode())


def default_network(host: str) -> Network:
    """Give the network that libvirt's packages define, as it is on a host of that name."""
    identity = uuid.uuid5(_OWN, host)
    network = network_of(_DEFAULT.format(identity, identity.bytes[:3].hex(":")).encode())
    network.active = network.autostart = True
    return network


def network_of(xml: bytes, taken: frozenset[str] = frozenset()) -> Network:
    """Read a definition; raises `LibvirtError`. `taken` are names of bridges that are in use.

    Only what the server needs is checked: domcaps has no rules for networks.
    """
    root = parse(xml, ErrorDomain.NETWORK)
    name = (root.findtext("name") or "").strip()
    if root.tag != "network" or not name or "/" in name or len(name) > _LONGEST_NAME:
        raise LibvirtError(
            ErrorNumber.XML_ERROR, "a network needs a <name> without '/'", ErrorDomain.NETWORK
        )
    identity = _identified(root)
    bridge = _bridged(root, taken)
    addresses = _addresses(root)
    text = etree.tostring(root, encoding="unicode", with_tail=False) + "\n"
    return Network(name, identity, text, bridge, addresses=addresses)


def _identified(root: Node) -> bytes:
    stated = uuid_of(root, ErrorDomain.NETWORK)
    if stated is not None:
        return stated
    made = uuid.uuid4()
    node = root.find("uuid")
    if node is None:
        node = etree.Element("uuid")
        root.insert(1, node)
    node.text = str(made)
    return made.bytes


def _bridged(root: Node, taken: frozenset[str]) -> str:
    """Give the name of its bridge, a free one where libvirt would choose it; "" for none."""
    forward, bridge = root.find("forward"), root.find("bridge")
    if forward is not None and forward.get("mode", "nat") in _NO_BRIDGE:
        return "" if bridge is None else bridge.get("name", "")
    if bridge is None:
        bridge = etree.SubElement(root, "bridge", stp="on", delay="0")
    if not bridge.get("name"):
        free = (f"virbr{number}" for number in range(len(taken) + 1))
        bridge.set("name", next(name for name in free if name not in taken))
    return bridge.get("name", "")


def _addresses(root: Node) -> AddressRange | None:
    for node in root.iterfind("ip"):
        given = node.find("dhcp/range")
        try:
            if given is not None and node.get("family", ADDRESS_FAMILY) == ADDRESS_FAMILY:
                return _range(node, given)
        except ValueError as error:
            detail = f"addresses of the network: {error}"
            raise LibvirtError(ErrorNumber.XML_ERROR, detail, ErrorDomain.NETWORK) from error
    return None


def _range(node: Node, given: Node) -> AddressRange:
    mask = node.get("prefix") or node.get("netmask") or "24"
    prefix = IPv4Interface(f"{node.get('address', '')}/{mask}").network.prefixlen
    first, last = IPv4Address(given.get("start", "")), IPv4Address(given.get("end", ""))
    return AddressRange(str(first), max(int(last) - int(first) + 1, 1), prefix)
