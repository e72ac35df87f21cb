"""Network cards: addresses, ports, limits and teams, beyond the samples of the rules."""

from __future__ import annotations

import pytest

from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host
from verdicts import Case, fine, wrong


def card(inside: str = "", kind: str = "user", source: str = "", model: str = "virtio") -> str:
    return f"<interface type='{kind}'>{source}<model type='{model}'/>{inside}</interface>"


def bridge(inside: str = "") -> str:
    return card(inside, "bridge", "<source bridge='b'/>")


def network(inside: str = "") -> str:
    return card(inside, "network", "<source network='n'/>")


def ethernet(inside: str) -> str:
    return card(kind="ethernet", source=f"<source>{inside}</source>")


def passt(inside: str) -> str:
    return card("<backend type='passt'/>" + inside)


def taps(mode: str) -> str:
    return f"<source dev='eth0' mode='{mode}'/>"


ADDRESSES = [
    wrong("an <ip> has an address", card("<ip prefix='24'/>"), "interface-ip-invalid"),
    wrong("a peer is of the same family",
          ethernet("<ip address='10.0.0.1' peer='fd00::1' prefix='24'/>"), "interface-ip-invalid"),
    fine("a peer is another end", ethernet("<ip address='10.0.0.1' peer='10.0.0.2' prefix='32'/>")),
    wrong("there are two families", ethernet("<route family='ipx' address='1' gateway='2'/>"),
          "interface-route-invalid"),
    wrong("older releases want a route's address", ethernet("<route gateway='10.0.0.1'/>"),
          "interface-route-invalid", dialect="11.3"),
    wrong("a gateway is of the route's family",
          ethernet("<route address='10.0.0.0' prefix='24' gateway='fd00::1'/>"),
          "interface-route-invalid"),
    wrong("a netmask stands for a prefix", ethernet(
        "<route address='10.0.0.0' prefix='24' netmask='255.255.255.0' gateway='10.0.0.1'/>"),
        "interface-route-invalid"),
    wrong("a netmask is an address", ethernet(
        "<route address='10.0.0.0' netmask='mask' gateway='10.0.0.1'/>"),
        "interface-route-invalid"),
    fine("a netmask leaves room for hosts", ethernet(
        "<route address='10.0.0.0' netmask='255.255.255.0' gateway='10.0.0.1'/>")),
    wrong("a bridge gives no addresses", bridge("<ip address='10.0.2.4'/>"),
          "interface-guest-ip-unsupported"),
    wrong("the guest has one address of a family", card("<ip address='10.0.2.4'/>" * 2),
          "interface-guest-ip-unsupported"),
    fine("the guest has an address of each family",
         card("<ip address='10.0.2.4'/><ip family='ipv6' address='fd00::4' prefix='64'/>")),
    wrong("the guest has no peer", card("<ip address='10.0.2.4' peer='10.0.2.5'/>"),
          "interface-guest-ip-unsupported"),
    wrong("half of an IPv6 address is the network",
          card("<ip family='ipv6' address='fd00::4' prefix='48'/>"),
          "interface-guest-ip-unsupported"),
    wrong("passt tells one default route of a family", passt("<route gateway='10.0.0.1'/>" * 2),
          "interface-guest-route-unsupported"),
    wrong("ports are forwarded from an address", passt(
        "<portForward proto='tcp' address='here'><range start='22'/></portForward>"),
        "interface-port-forward-invalid"),
    fine("ports are forwarded from all addresses", passt(
        "<portForward proto='tcp'><range start='22'/></portForward>")),
    wrong("only passt tells the guest its name", card("<backend hostname='h'/>"),
          "interface-host-name-unsupported"),
    fine("before 11.8 nobody read the name", card("<backend hostname='h'/>"), dialect="11.7"),
]  # fmt: skip

PORTS = [
    fine("a port of a Linux bridge is isolated", bridge("<port isolated='yes'/>")),
    wrong("a port of Open vSwitch is not",
          bridge("<port isolated='yes'/><virtualport type='openvswitch'/>"),
          "interface-isolated-unsupported"),
    fine("a VLAN on hardware that is passed through",
         card("<vlan><tag id='4'/></vlan>", "direct", taps("passthrough"))),
    wrong("no VLAN on hardware that is shared",
          card("<vlan><tag id='4'/></vlan>", "direct", taps("bridge")),
          "interface-vlan-unsupported"),
    fine("a virtual port without a type is filtered",
         network("<virtualport/><filterref filter='f'/>")),
    wrong("there is no such port", bridge("<virtualport type='token-ring'/>"),
          "interface-virtualport-invalid"),
    wrong("a profile has a short name", card(
        f"<virtualport type='802.1Qbh'><parameters profileid='{'x' * 40}'/></virtualport>",
        "direct", taps("vepa")), "interface-virtualport-invalid"),
    wrong("a VLAN has a tag", bridge("<vlan/>"), "interface-vlan-invalid"),
    wrong("one VLAN is the native one", bridge(
        "<vlan><tag id='1' nativeMode='tagged'/><tag id='2' nativeMode='tagged'/></vlan>"),
        "interface-vlan-invalid"),
    wrong("a VLAN is a trunk or not", bridge("<vlan trunk='both'><tag id='1'/></vlan>"),
          "interface-vlan-invalid"),
    wrong("the host chooses the class", bridge("<bandwidth classID='3'/>"),
          "interface-bandwidth-invalid"),
    wrong("a bridge guarantees nothing",
          bridge("<bandwidth><inbound average='9' floor='9'/></bandwidth>"),
          "interface-bandwidth-invalid"),
    fine("a network guarantees a floor",
         network("<bandwidth><inbound average='9' floor='9'/></bandwidth>")),
    wrong("a rate has an end",
          bridge("<bandwidth><inbound average='99999999999999999'/></bandwidth>"),
          "interface-bandwidth-invalid"),
]  # fmt: skip

TEAMS = [
    wrong("a team has two sides", card("<teaming type='third'/>"), "interface-teaming-invalid"),
    fine("no team is none", card("<teaming/>")),
    fine("a card of a network may be one of the host", network(
        "<teaming type='transient' persistent='ua-net'/>")),
    wrong("a card of the user is none of the host", card(
        "<teaming type='transient' persistent='ua-net'/>"), "interface-teaming-unsupported"),
]  # fmt: skip

SOURCES = [
    wrong("UDP has two ends",
          card(kind="udp", source="<source address='127.0.0.1' port='5558'/>"),
          "interface-source-invalid"),
    wrong("a vhost-user card has a socket", card(kind="vhostuser", source="<source type='unix'/>"),
          "interface-source-invalid", "interface-memory-private"),
    wrong("a card of the host has no model", "<interface type='hostdev' model='virtio'><source>"
          "<address type='pci' bus='1' slot='0' function='0'/></source></interface>",
          "interface-hostdev-invalid"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*ADDRESSES, *PORTS, *TEAMS, *SOURCES])
def test_what_is_found_of_cards(case: Case) -> None:
    assert case.found() == case.codes


@pytest.mark.parametrize(
    ("model", "slots"),
    [("e1000", (1,)), ("rtl8139", (1,)), ("vmxnet3", (1,)), ("e1000e", (0,)), ("pcnet", (0,)),
     ("e1000-82545em", (0,)), ("virtio-net-pci", (0,)), ("foo", (0,))],
)  # fmt: skip
def test_a_card_without_a_name_in_libvirt_is_put_into_a_root_port(
    model: str, slots: tuple[int, ...]
) -> None:
    """Seen with libvirt 12.8 and 11.3: buses that are grown for it are ports of PCI Express."""
    host = sample_host("x86_64", "sid")
    assert host is not None
    card = (
        "<interface type='user'><model type='{}'/>"
        "<address type='pci' bus='0x01' slot='{:#04x}'/></interface>"
    )
    taken = []
    for slot in (0, 1):
        xml = domain_of(Sample(card.format(model, slot), machine="q35"))
        if host.validate(xml, "12.8").definable:
            taken.append(slot)
    assert tuple(taken) == slots
