"""Networks, storage pools and interfaces of a host: what libvirt's clients find beside domains.

They decide no verdict. `serve` lists them; a recording has them only if that was asked for, since
they tell much of a network. Sources: libvirt's configuration in ``/etc/libvirt``, which usually
root alone can read, and ``/sys/class/net``.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.hostfiles import HostFiles

_NETWORKS, _POOLS = "/etc/libvirt/qemu/networks", "/etc/libvirt/storage"
_LINKS = "/sys/class/net"
_LARGEST = 64 * 1024
_MOST = 100
_MAC = late_pattern(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_NO_MAC = "00:00:00:00:00:00"


class ObjectDefinition(msgspec.Struct, frozen=True):
    """The XML of a network or a storage pool, and whether it is started with the host."""

    xml: str
    autostart: bool = False


class HostInterface(msgspec.Struct, frozen=True, omit_defaults=True):
    """A network interface: a bridge, or a card that has a device."""

    name: str
    mac: str
    kind: str
    active: bool
    ports: tuple[str, ...] = ()


class HostObjects(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a host has."""

    networks: tuple[ObjectDefinition, ...] = ()
    pools: tuple[ObjectDefinition, ...] = ()
    interfaces: tuple[HostInterface, ...] = ()

    @property
    def bridges(self) -> frozenset[str]:
        """Names of the bridges that there are."""
        return frozenset(one.name for one in self.interfaces if one.kind == "bridge")


def read_host_objects(files: HostFiles) -> HostObjects:
    """Read what a live host has, as far as it can be read."""
    return HostObjects(
        tuple(_definitions(files, _NETWORKS)),
        tuple(_definitions(files, _POOLS)),
        tuple(_interfaces(files)),
    )


def _definitions(files: HostFiles, folder: str) -> Iterator[ObjectDefinition]:
    started = set(files.names_or_none(f"{folder}/autostart"))
    for name in files.names_or_none(folder)[:_MOST]:
        if name.endswith(".xml"):
            with contextlib.suppress(OSError):
                text = files.read(f"{folder}/{name}", _LARGEST).decode(errors="replace")
                yield ObjectDefinition(text, name in started)


def _interfaces(files: HostFiles) -> Iterator[HostInterface]:
    for name in files.names_or_none(_LINKS)[:_MOST]:
        inside = files.names_or_none(f"{_LINKS}/{name}")
        if "bridge" not in inside and "device" not in inside:
            continue
        mac = files.text(f"{_LINKS}/{name}/address")
        yield HostInterface(
            name,
            mac if _MAC.fullmatch(mac) else _NO_MAC,
            "bridge" if "bridge" in inside else "ethernet",
            files.text(f"{_LINKS}/{name}/operstate") in {"up", "unknown"},
            files.names_or_none(f"{_LINKS}/{name}/brif"),
        )
