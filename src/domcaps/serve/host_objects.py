"""Networks, storage pools and interfaces of a host, as clients see them: listed, never changed.

A network whose definition can't be read is known by its bridge: libvirt's default one has
``virbr0``. Of a host that was recorded without them libvirt's default network is listed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts import host_objects as facts
from domcaps.facts.host_objects import HostInterface
from domcaps.facts.hostfiles import HostFiles
from domcaps.serve.errors import LibvirtError
from domcaps.serve.hosts import LiveHostInUse
from domcaps.serve.networks import Network, default_network, network_of
from domcaps.serve.storage import Pool, pool_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.serve.access import Peer
    from domcaps.serve.session import ClientSession

_DEFAULT_BRIDGE = "virbr0"


class ServedObjects(msgspec.Struct, frozen=True):
    """What a host has, ready to be kept."""

    networks: tuple[Network, ...] = ()
    pools: tuple[Pool, ...] = ()
    interfaces: tuple[HostInterface, ...] = ()


def host_objects(session: ClientSession) -> ServedObjects:
    """Give what the host of a connection has: of this machine as it is now."""
    served = session.served()
    is_live = isinstance(served, LiveHostInUse)
    node = None if is_live else served.host.node
    found = facts.read_host_objects(HostFiles()) if is_live else (node.objects if node else None)
    if found is None:
        return ServedObjects((default_network(served.name),))
    return served_objects(found, served.name, session.peer, real=is_live)


def served_objects(found: facts.HostObjects, host: str, peer: Peer, *, real: bool) -> ServedObjects:
    """Read definitions; what can't be read is left out. `host` is the host's name."""
    networks = tuple(_networks(found.networks, found.bridges))
    if not networks and _DEFAULT_BRIDGE in found.bridges:
        networks = (default_network(host),)
    return ServedObjects(networks, tuple(_pools(found.pools, peer, real=real)), found.interfaces)


def _networks(
    found: Iterable[facts.ObjectDefinition], bridges: frozenset[str]
) -> Iterator[Network]:
    for one in found:
        with contextlib.suppress(LibvirtError):
            network = network_of(one.xml.encode(errors="replace"))
            network.autostart = one.autostart
            network.active = network.bridge in bridges if network.bridge else one.autostart
            yield network


def _pools(found: Iterable[facts.ObjectDefinition], peer: Peer, *, real: bool) -> Iterator[Pool]:
    for one in found:
        with contextlib.suppress(LibvirtError):
            pool = pool_of(one.xml, real=real, peer=peer)
            pool.autostart = pool.active = one.autostart
            yield pool
