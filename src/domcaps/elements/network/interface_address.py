"""IP addresses and routes of an ``<interface>``, of the guest and of the host, and forwarded ports.

::

    <interface type='user'>
      <backend type='passt'/>
      <ip family='ipv4' address='172.17.2.4' prefix='24'/>
      <portForward proto='tcp' address='2001:db8::1'>
        <range start='22' to='2022'/>
      </portForward>
    </interface>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import ADDRESS_FAMILY
from domcaps.elements.network.interface import Interface
from domcaps.language.attributes import Attributes, number
from domcaps.language.changes.network import (
    INTERFACE_FORWARDS_CHECKED,
    INTERFACE_NAMES,
    INTERFACE_PASST,
    INTERFACE_ROUTES,
)
from domcaps.language.fix import set_value
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import POSITIVE, UNSIGNED, YES_NO, Int, OneOf

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_IPV4_BITS = 32
_PREFIX = {
    "ipv4": Int(0, _IPV4_BITS, minus_zero=True),
    "ipv6": Int(0, 128, minus_zero=True),
}
# QEMU's own network of the user has room for its helpers
_PREFIXES = range(4, 28)
_IPV6_PREFIX = 64
_ROUTE = Attributes({"prefix": UNSIGNED, "metric": POSITIVE}, required=("gateway",))
_FORWARD = Attributes({"proto": OneOf(("tcp", "udp"))}, required=("proto",))
_RANGE = Attributes({"start": POSITIVE, "end": POSITIVE, "to": POSITIVE, "exclude": YES_NO})

_USER = "<interface type='user'>{}</interface>"
_PASST = _USER.format("<backend type='passt'/>{}")
_ETHERNET = "<interface type='ethernet'><source>{}</source></interface>"


def _inet_aton(text: str) -> bytes:
    # `socket` takes longer to load than most domains to judge
    from socket import inet_aton

    return inet_aton(text)


def family_of(text: str) -> str:
    """Tell ``ipv4`` from ``ipv6``, "" where it is no address."""
    if text != text.strip() or " " in text:
        return ""
    try:
        # as the C library reads it: fewer than four numbers, too
        _inet_aton(text)
    except (OSError, ValueError):
        try:
            _of_ipv6(text)
        except ValueError:
            return ""
        return "ipv6"
    return "ipv4"


@rule(
    "interface-ip-invalid",
    Interface,
    bad=_USER.format("<ip address='10.0.2.999'/>"),
    good=_USER.format("<ip address='10.0.2.4' prefix='24'/>"),
)
def addresses_have_their_form(interface: Interface) -> Problems:
    """Attributes ``address``, ``peer`` and ``prefix`` of ``<ip>`` must be valid for its
    ``family``.
    """
    for node in (*interface.find_all("ip"), *interface.find_all("source/ip")):
        address = node.get("address")
        if address is None:
            yield problem("<ip> needs the attribute 'address'", node, "@address")
            continue
        family, named = family_of(address), node.get("family")
        if not family or (named in _PREFIX and named != family):
            yield problem(f"{address!r} is not a valid {named or 'IP'} address", node, "@address")
            continue
        yield from Attributes({"prefix": _PREFIX[family]}).problems(node)
        peer = node.get("peer")
        if peer is not None and family_of(peer) != family:
            yield problem(f"{peer!r} is not a valid {family} address", node, "@peer")


@rule(
    "interface-route-invalid",
    Interface,
    bad=_ETHERNET.format("<route address='10.0.0.1' prefix='24' gateway='10.0.0.1'/>"),
    good=_ETHERNET.format("<route address='10.0.0.0' prefix='24' gateway='10.0.0.1'/>"),
)
def routes_have_their_form(interface: Interface) -> Problems:
    """``<route>`` needs the address of a network, and a ``gateway`` of the same address family."""
    for node in (*interface.find_all("route"), *interface.find_all("source/route")):
        yield from _ROUTE.problems(node)
        family = node.get("family", ADDRESS_FAMILY)
        if family not in _PREFIX:
            yield problem(
                f"attribute 'family' of <route> is {family!r}, but must be 'ipv4' or 'ipv6'",
                node,
                "@family",
                accepted=tuple(_PREFIX),
            )
        elif not libvirt_reads(interface, INTERFACE_ROUTES) and node.get("address") is None:
            yield problem("<route> needs the attribute 'address'", node, "@address")
        else:
            yield from _ends(node, family)
            yield from _size(node, family)


def _ends(node: Node, family: str) -> Problems:
    for name in ("address", "gateway"):
        text = node.get(name)
        if text is not None and family_of(text) != family:
            yield problem(f"{text!r} is not a valid {family} address", node, f"@{name}")


def _size(node: Node, family: str) -> Problems:
    mask, prefix, address = node.get("netmask"), node.get("prefix"), node.get("address")
    most = _PREFIX[family].most or 0
    if not 0 <= number(node, "prefix") <= most:
        yield problem(f"attribute 'prefix' of <{node.tag}> must be at most {most}", node, "@prefix")
    elif mask is not None and (family == "ipv6" or prefix is not None):
        yield problem(
            "attribute 'netmask' requires IPv4, and cannot be combined with 'prefix'; use 'prefix'",
            node,
            "@netmask",
        )
    elif mask is not None and family_of(mask) != "ipv4":
        yield problem(f"{mask!r} is not a valid netmask", node, "@netmask")
    elif address is not None and family_of(address) == family:
        covered = _bits(mask) if mask is not None else _mask(number(node, "prefix"), most)
        if _bits(address) & ~covered:
            yield problem(
                f"{address!r} is not the address of a network: it has bits set after the "
                "prefix; set them to 0",
                node,
                "@address",
            )


def _bits(address: str) -> int:
    if family_of(address) == "ipv4":
        return int.from_bytes(_inet_aton(address), "big")
    return _of_ipv6(address)


def _of_ipv6(text: str) -> int:
    """Give an address as a number; raises `ValueError` for any other text."""
    # most domains name none
    from ipaddress import IPv6Address

    return int(IPv6Address(text))


def _mask(prefix: int, bits: int) -> int:
    return ((1 << prefix) - 1) << (bits - prefix)


@rule(
    "interface-host-ip-unsupported",
    Interface,
    bad="<interface type='user'><source><ip address='10.0.0.1'/></source></interface>",
    good=_ETHERNET.format("<ip address='10.0.0.1' prefix='24'/>"),
)
def host_has_its_side(interface: Interface) -> Problems:
    """``<ip>`` in ``<source>`` requires an ``<interface type='ethernet'>``."""
    if interface.type == "ethernet":
        return
    for path in ("source/ip", "source/route"):
        for node in interface.find_all(path)[:1]:
            yield problem(
                f"<ip> in <source> is not valid for <interface type={interface.type!r}>", node
            )


@rule(
    "interface-guest-ip-unsupported",
    Interface,
    bad=_USER.format("<ip address='10.0.2.4' prefix='28'/>"),
    good=_USER.format("<ip address='10.0.2.4' prefix='24'/>"),
)
def guest_gets_an_address(interface: Interface) -> Problems:
    """``<ip>`` requires an ``<interface type='user'>``, without ``peer``, and only one for each
    address family.
    """
    passt = interface.backend == "passt"
    addresses = interface.find_all("ip")
    if not addresses:
        return
    if interface.type != "user" and not (interface.type == "vhostuser" and passt):
        yield problem(
            f"<ip> is not valid for <interface type={interface.type!r}>; remove it", addresses[0]
        )
        return
    seen = set()
    for node in addresses:
        family = family_of(node.get("address", ""))
        if family in seen:
            yield problem(f"there is a second <ip> for {family}; remove one", node)
        seen.add(family)
        if node.get("peer") is not None:
            yield problem(
                "attribute 'peer' of <ip> is not supported for guests; remove it", node, "@peer"
            )
        yield from _prefix(node, family, passt and libvirt_reads(interface, INTERFACE_ROUTES))


def _prefix(node: Node, family: str, passt: bool) -> Problems:
    prefix = number(node, "prefix")
    if family == "ipv6" and prefix not in {0, _IPV6_PREFIX}:
        yield problem(
            f"attribute 'prefix' must be {_IPV6_PREFIX}", node, "@prefix", accepted=["64"]
        )
    elif family == "ipv4" and not passt and prefix not in {0, *_PREFIXES}:
        least, most = _PREFIXES[0], _PREFIXES[-1]
        yield problem(
            f"attribute 'prefix' of <ip> must be from {least} to {most}, such as '24'",
            node,
            "@prefix",
        )


@rule(
    "interface-guest-route-unsupported",
    Interface,
    bad=_USER.format("<route address='10.0.0.0' prefix='24' gateway='10.0.0.1'/>"),
    good=_USER.format("<ip address='10.0.2.4' prefix='24'/>"),
)
def guest_gets_a_default_route(interface: Interface) -> Problems:
    """``<route>`` requires ``<backend type='passt'>`` and libvirt 12.1 or later, with one
    default route for each family.
    """
    routes = interface.find_all("route")
    if not routes:
        return
    if (
        interface.type not in {"user", "vhostuser"}
        or interface.backend != "passt"
        or not libvirt_reads(interface, INTERFACE_ROUTES)
    ):
        yield problem("<route> is not supported for this interface; remove it", routes[0])
        return
    seen = set()
    for node in routes:
        family = node.get("family", ADDRESS_FAMILY)
        if not _is_default(node):
            yield problem("passt supports default routes only: give the gateway alone", node)
        elif family in seen:
            yield problem(f"there is a second default route for {family}; remove one", node)
        seen.add(family)


def _is_default(node: Node) -> bool:
    mask = node.get("netmask", "")
    zero = family_of(mask) != "ipv4" or not _bits(mask)
    return zero and not number(node, "prefix") and not {"address", "metric"} & set(node.keys())


@rule(
    "interface-port-forward-invalid",
    Interface,
    bad=_PASST.format("<portForward proto='tcp'><range end='22'/></portForward>"),
    good=_PASST.format("<portForward proto='tcp'><range start='22'/></portForward>"),
    since=INTERFACE_PASST,
)
def forwarded_ports_have_their_form(interface: Interface) -> Problems:
    """``<portForward>`` needs a valid ``address``, and each of its ``<range>`` elements a
    ``start``.
    """
    for node in interface.find_all("portForward"):
        yield from _FORWARD.problems(node)
        address = node.get("address")
        if address is not None and not family_of(address):
            yield problem(
                f"{address!r} is not an IP address; write one such as '192.168.122.2'",
                node,
                "@address",
            )
        for span in node.iterchildren("range"):
            yield from _RANGE.problems(span)
            if span.get("start") is None and span.keys():
                yield problem("<range> needs the attribute 'start'", span, "@start")


@rule(
    "interface-port-forward-unsupported",
    Interface,
    bad=_USER.format("<backend type='default'/><portForward proto='tcp'/>"),
    good=_PASST.format("<portForward proto='tcp'/>"),
    since=INTERFACE_FORWARDS_CHECKED,
)
def passt_forwards_ports(interface: Interface) -> Problems:
    """``<portForward>`` requires ``<backend type='passt'>``."""
    if interface.type in {"user", "vhostuser"} and interface.backend == "passt":
        return
    for node in interface.find_all("portForward")[:1]:
        fix = set_value("passt", "../backend/@type")
        yield problem("<portForward> requires <backend type='passt'/>", node, fix=fix)


@rule(
    "interface-host-name-unsupported",
    Interface,
    bad=_USER.format("<backend type='default' hostname='guest'/>"),
    good=_USER.format("<backend type='passt' hostname='guest' fqdn='guest.example.com'/>"),
    since=INTERFACE_NAMES,
)
def passt_tells_names(interface: Interface) -> Problems:
    """Attributes ``hostname`` and ``fqdn`` of ``<backend>`` require ``type='passt'`` (and libvirt
    11.8 or later).
    """
    backend = interface.find("backend")
    if backend is None or interface.backend == "passt":
        return
    for name in ("fqdn", "hostname"):
        if backend.get(name) is not None:
            yield problem(
                f"attribute {name!r} of <backend> requires type='passt'",
                interface,
                f"backend/@{name}",
            )
