"""Networks, storage pools and interfaces of a host, listed as they are and never changed.

They are read from libvirt's own configuration, where it can be read, and from the kernel. A network
whose definition can't be read is known by its bridge: libvirt's default one has ``virbr0``. Of a
recorded host libvirt's default network is listed.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.hostfiles import HostFiles
from domcaps.serve.errors import LibvirtError
from domcaps.serve.hosts import LiveHostInUse
from domcaps.serve.networks import Network, default_network, network_of
from domcaps.serve.storage import Pool, pool_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.serve.session import ClientSession

_NETWORKS, _POOLS = "/etc/libvirt/qemu/networks", "/etc/libvirt/storage"
_LINKS = "/sys/class/net"
_LARGEST = 1024 * 1024
_MOST = 1000
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


class HostInterface(msgspec.Struct, frozen=True):
    """A network interface: a bridge, or a card that has a device."""

    name: str
    mac: str
    kind: str
    active: bool
    ports: tuple[str, ...] = ()


class HostObjects(msgspec.Struct, frozen=True):
    """What a host has."""

    networks: tuple[Network, ...] = ()
    pools: tuple[Pool, ...] = ()
    interfaces: tuple[HostInterface, ...] = ()


def host_objects(session: ClientSession) -> HostObjects:
    """Read what the host of a connection has."""
    served = session.served()
    if not isinstance(served, LiveHostInUse):
        return HostObjects((default_network(served.name),))
    return read_host_objects(HostFiles(), session)


def read_host_objects(files: HostFiles, session: ClientSession) -> HostObjects:
    """Read it of a live host."""
    interfaces = tuple(_interfaces(files))
    bridges = {one.name for one in interfaces if one.kind == "bridge"}
    networks = tuple(_networks(files, bridges))
    if not networks and "virbr0" in bridges:
        networks = (default_network(session.source.name_of(session.name)),)
    return HostObjects(networks, tuple(_pools(files, session)), interfaces)


def _definitions(files: HostFiles, folder: str) -> Iterator[tuple[bytes, bool]]:
    """Give the XML of each definition, and whether it is started with the host."""
    started = set(files.names_or_none(f"{folder}/autostart"))
    for name in files.names_or_none(folder)[:_MOST]:
        if name.endswith(".xml"):
            with contextlib.suppress(OSError):
                yield files.read(f"{folder}/{name}", _LARGEST), name in started


def _networks(files: HostFiles, bridges: set[str]) -> Iterator[Network]:
    for xml, autostart in _definitions(files, _NETWORKS):
        with contextlib.suppress(LibvirtError):
            network = network_of(xml)
            network.autostart = autostart
            network.active = network.bridge in bridges if network.bridge else autostart
            yield network


def _pools(files: HostFiles, session: ClientSession) -> Iterator[Pool]:
    for xml, autostart in _definitions(files, _POOLS):
        with contextlib.suppress(LibvirtError):
            pool = pool_of(xml, real=True, peer=session.peer)
            pool.autostart = pool.active = autostart
            yield pool


def _interfaces(files: HostFiles) -> Iterator[HostInterface]:
    for name in files.names_or_none(_LINKS)[:_MOST]:
        inside = files.names_or_none(f"{_LINKS}/{name}")
        if "bridge" not in inside and "device" not in inside:
            continue
        mac = files.text(f"{_LINKS}/{name}/address")
        yield HostInterface(
            name,
            mac if _MAC.fullmatch(mac) else "00:00:00:00:00:00",
            "bridge" if "bridge" in inside else "ethernet",
            files.text(f"{_LINKS}/{name}/operstate") in {"up", "unknown"},
            files.names_or_none(f"{_LINKS}/{name}/brif"),
        )
