"""The switch's side of an ``<interface>``: virtual port, VLAN tags, bandwidth.

::

    <virtualport type='802.1Qbg'>
      <parameters managerid='11' typeid='1193047' typeidversion='2'/>
    </virtualport>
    <vlan trunk='yes'><tag id='42'/><tag id='123' nativeMode='untagged'/></vlan>
    <bandwidth><inbound average='1000' peak='5000' floor='200' burst='1024'/></bandwidth>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.network.interface import Interface
from domcaps.language.attributes import Attributes, number
from domcaps.language.changes.network import INTERFACE_PORT_STRICT
from domcaps.language.fix import set_value
from domcaps.language.quantities import ANY_UUID
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.struct import Struct
from domcaps.language.value_types import UNSIGNED64, Int, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.fix import Fix


class _Port(Struct, frozen=True):
    """A type of virtual port: the parameters it must have, and the others it can have."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_PORTS = {
    "802.1Qbg": _Port(("managerid", "typeid", "typeidversion"), ("instanceid",)),
    "802.1Qbh": _Port(("profileid",)),
    "openvswitch": _Port((), ("interfaceid", "profileid")),
    "midonet": _Port(("interfaceid",), ("profileid",)),
}
_NUMBERS = {"managerid": 0xFF, "typeid": 0xFFFFFF, "typeidversion": 0xFF}
_IDS = {"instanceid": ANY_UUID, "interfaceid": ANY_UUID}
# numbers in another base were taken once, and other parameters of midonet's
_PARAMETERS = {
    base: Attributes({**{name: Int(0, most, base=base) for name, most in _NUMBERS.items()}, **_IDS})
    for base in (0, 10)
}
_LONGEST_PROFILE = 39
# a type of interface, and whether its port must say everything
_WITH_PORT = {"network": False, "bridge": True, "direct": True, "hostdev": True}

_TAG = Attributes(
    {"id": Int(0, 4095), "nativeMode": OneOf(("tagged", "untagged"))}, required=("id",)
)

_MOST_SPEED = 2**54
_MOST_BURST = (2**32 - 1) >> 10
_RATE = Attributes(dict.fromkeys(("average", "peak", "burst", "floor"), UNSIGNED64))
_LIMITS = {"average": _MOST_SPEED, "peak": _MOST_SPEED, "burst": _MOST_BURST, "floor": _MOST_SPEED}

_DIRECT = "<interface type='direct'><source dev='eth0'/>{}</interface>"
_BRIDGE = "<interface type='bridge'><source bridge='br0'/>{}</interface>"


@rule(
    "interface-virtualport-unsupported",
    Interface,
    bad="<interface type='user'><virtualport type='openvswitch'/></interface>",
    good=_BRIDGE.format("<virtualport type='openvswitch'/>"),
)
def switches_have_ports(interface: Interface) -> Problems:
    """``<virtualport>`` requires an ``<interface>`` on a bridge, a network, or a device of the
    host.
    """
    if interface.type not in _WITH_PORT:
        for node in interface.find_all("virtualport")[:1]:
            yield problem(
                f"<virtualport> is not valid for <interface type={interface.type!r}>; remove it",
                node,
            )


@rule(
    "interface-virtualport-invalid",
    Interface,
    bad=_DIRECT.format("<virtualport type='802.1Qbh'/>"),
    good=_DIRECT.format("<virtualport type='802.1Qbh'><parameters profileid='x'/></virtualport>"),
)
def ports_have_their_parameters(interface: Interface) -> Problems:
    """``<virtualport>`` needs the attribute ``type``, and the parameters of that type."""
    node = interface.find("virtualport")
    if node is None or interface.type not in _WITH_PORT:
        return
    kind = node.get("type")
    if kind not in _PORTS and (kind is not None or _WITH_PORT[interface.type]):
        yield problem(
            "<virtualport> needs the attribute 'type'", node, "@type", accepted=tuple(_PORTS)
        )
        return
    strict = libvirt_reads(interface, INTERFACE_PORT_STRICT)
    parameters = node.find("parameters")
    yield from _PARAMETERS[10 if strict else 0].problems(parameters)
    given = {} if parameters is None else {k: v for k, v in parameters.items() if v}
    if len(given.get("profileid", "")) > _LONGEST_PROFILE:
        yield problem(
            f"attribute 'profileid' must have at most {_LONGEST_PROFILE} characters",
            node,
            "parameters",
        )
    if kind is None:
        return
    port = _PORTS[kind]
    for name in port.required:
        if name not in given and _WITH_PORT[interface.type]:
            yield problem(
                f"<virtualport type={kind!r}> needs the parameter {name!r}",
                node,
                f"parameters/@{name}",
            )
    for name in (*_NUMBERS, *_IDS, "profileid"):
        known = name in port.required or name in port.optional
        if name in given and not known and (strict or kind != "midonet"):
            yield problem(
                f"<virtualport type={kind!r}> cannot have the parameter {name!r}; remove it",
                node,
                f"parameters/@{name}",
            )


@rule(
    "interface-vlan-invalid",
    Interface,
    bad=_BRIDGE.format("<vlan trunk='no'><tag id='42'/><tag id='43'/></vlan>"),
    good=_BRIDGE.format("<vlan trunk='yes'><tag id='42'/><tag id='43'/></vlan>"),
)
def tags_have_their_form(interface: Interface) -> Problems:
    """Each ``<tag>`` of ``<vlan>`` must be from 0 to 4095; several, or a native one, require
    ``trunk='yes'``.
    """
    node = interface.find("vlan")
    if node is None:
        return
    tags = list(node.iterchildren("tag"))
    if not tags:
        yield problem("<vlan> needs a <tag>", node)
    for tag in tags:
        yield from _TAG.problems(tag)
    native = [tag for tag in tags if tag.get("nativeMode") is not None]
    for tag in native[1:]:
        yield problem("<vlan> has two native tags; keep one", tag, "@nativeMode")
    trunk = node.get("trunk", "").lower()
    if trunk not in {"", "yes", "no"}:
        yield problem(
            "attribute 'trunk' of <vlan> must be 'yes' or 'no'",
            node,
            "@trunk",
            accepted=["yes", "no"],
        )
    elif trunk == "no" and (len(tags) > 1 or native):
        yield problem(
            "several <tag>, or one with nativeMode, require trunk='yes'; set that", node, "@trunk"
        )


@rule(
    "interface-bandwidth-invalid",
    Interface,
    bad=_BRIDGE.format("<bandwidth><inbound peak='5000'/></bandwidth>"),
    good=_BRIDGE.format("<bandwidth><inbound average='1000' peak='5000'/></bandwidth>"),
)
def rates_have_their_form(interface: Interface) -> Problems:
    """Limits in ``<bandwidth>`` need ``average``; ``floor`` requires ``<inbound>`` of an
    ``<interface type='network'>``.
    """
    node = interface.find("bandwidth")
    if node is None:
        return
    if node.get("classID") is not None:
        yield problem(
            "attribute 'classID' of <bandwidth> is set by libvirt; remove it", node, "@classID"
        )
    for tag in ("inbound", "outbound"):
        rate = node.find(tag)
        if rate is not None:
            yield from _rate(rate, interface.type == "network" and tag == "inbound")


def _no_more_than_peak(rate: Node) -> Iterator[Fix]:
    """Give the highest rate for the average: the guest is not to have more."""
    peak = rate.get("peak")
    if peak and peak.isdigit():
        yield set_value(peak, "@average")


def _rate(rate: Node, floored: bool) -> Problems:
    yield from _RATE.problems(rate)
    given = set(rate.keys())
    if "floor" in given and not floored:
        yield problem(
            "attribute 'floor' is only valid for <inbound> of <interface type='network'>",
            rate,
            "@floor",
        )
    if "average" not in given and ("floor" not in given or given & {"peak", "burst"}):
        message = "the limit needs the attribute 'average', in KiB per second"
        yield problem(message, rate, "@average", fix=_no_more_than_peak(rate))
    for name, most in _LIMITS.items():
        if number(rate, name) > most:
            yield problem(
                f"attribute {name!r} of <{rate.tag}> must be at most {most}", rate, f"@{name}"
            )
