"""Calls about addresses of domains: those that networks of a sandbox gave out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from domcaps.serve.calls.by_name import only_in_sandbox
from domcaps.serve.calls.domain import DOMAIN
from domcaps.serve.calls.known_host import knows_host
from domcaps.serve.calls.network import NETWORK_FORM, NetworkHandle, find_network
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.kept_domain import DomainHandle, find_domain
from domcaps.serve.session import check_flags
from domcaps.serve.xdr import INT, OPTIONAL_STRING, STRING, UHYPER, UINT, Array, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.serve.domains import NetworkCard
    from domcaps.serve.kept_domain import KeptDomain
    from domcaps.serve.networks import Network
    from domcaps.serve.session import ClientSession

_LEASE = Record(
    STRING, UHYPER, INT, OPTIONAL_STRING, OPTIONAL_STRING, STRING, UINT, OPTIONAL_STRING,
    OPTIONAL_STRING,
)  # fmt: skip
_ADDRESS = Record(INT, STRING, UINT)
_ADDRESSES = Record(STRING, OPTIONAL_STRING, Array(_ADDRESS, 2048))
_Lease = tuple[str, int, int, str | None, str | None, str, int, str | None, str | None]
_LEASE_SECONDS = 3600
_IPV4 = 0
_AGENT = 1
"""``VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT``: only a program in the guest could tell."""


def _leases(session: ClientSession, network: Network, mac: str | None) -> Iterable[_Lease]:
    """Give the lease of each network card that is in a network, of all domains that run."""
    if network.addresses is None or not network.active:
        return
    until = int(time.time()) + _LEASE_SECONDS
    for domain in session.inventory.domains.values():
        for card in domain.live.cards if domain.live is not None else ():
            if card.network == network.name and (mac is None or card.mac == mac.lower()):
                address = network.addresses.address(card.mac)
                prefix = network.addresses.prefix
                yield (
                    network.bridge, until, _IPV4, card.mac, None, address, prefix, domain.name, None
                )  # fmt: skip


@knows_host(
    341,
    takes=(NETWORK_FORM, OPTIONAL_STRING, INT, UINT),
    gives=(Array(_LEASE, 65536), UINT),
)
def network_get_dhcp_leases(
    session: ClientSession, handle: NetworkHandle, mac: str | None, need_results: int, flags: int
) -> tuple[list[_Lease], int]:
    """Give the addresses that a network gave out."""
    check_flags(flags, 0)
    found = list(_leases(session, find_network(session, handle), mac))
    return (found if need_results else []), len(found)


@only_in_sandbox(353, takes=(DOMAIN, UINT, UINT), gives=(Array(_ADDRESSES, 2048),))
def domain_interface_addresses(
    session: ClientSession, handle: DomainHandle, source: int, flags: int
) -> tuple[list[tuple[str, str, list[tuple[int, str, int]]]]]:
    """Give the addresses of a domain, as its networks gave them out."""
    check_flags(flags, 0)
    domain = find_domain(session, handle)
    domain.require_active()
    if source == _AGENT:
        detail = "QEMU guest agent is not connected"
        raise LibvirtError(ErrorNumber.AGENT_UNRESPONSIVE, detail)
    networks = {one.name: one for one in session.inventory.networks.values()}
    return ([_addresses_of(card, networks.get(card.network)) for card in _cards(domain)],)


def _cards(domain: KeptDomain) -> tuple[NetworkCard, ...]:
    return () if domain.live is None else domain.live.cards


def _addresses_of(
    card: NetworkCard, network: Network | None
) -> tuple[str, str, list[tuple[int, str, int]]]:
    found = None if network is None else network.addresses
    addresses = [] if found is None else [(_IPV4, found.address(card.mac), found.prefix)]
    return card.target, card.mac, addresses
