"""QEMU arguments for what a network card is connected to: ``-netdev``."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from domcaps.elements.base.connection_command_line import reconnecting
from domcaps.elements.boards.defaults import ADDRESS_FAMILY, INTERFACE_TYPE
from domcaps.language.command_line import YES_NO, Line, options, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

_CONNECTED = {
    "network": "libvirt connects the tap device {} to its network {!r}",
    "bridge": "libvirt connects the tap device {} to the bridge {!r}",
    "direct": "libvirt makes {} a macvtap device of {!r}",
    "ethernet": "libvirt makes the tap device {}",
}
_NAMES = {"network": "network", "bridge": "bridge", "direct": "dev"}
_UNCHECKED = ("portgroup", "portid", "mode", "bridge", "bridgeName")


def network_words(line: Line, node: Node, number: int, name: str, *, is_virtio: bool) -> list[str]:
    """Take what a card is connected to; `is_virtio` of one that the kernel may serve."""
    kind = line.reading.get(node, "type", _TOLD) or INTERFACE_TYPE
    told = _TOLD[kind](line, node, number, name)
    if told and told[-1].startswith("tap,") and is_virtio:
        told[-1] += _served_by_kernel(line, node)
    return told


def _served_by_kernel(line: Line, node: Node) -> str:
    driver = node.find("driver")
    named = None if driver is None else line.reading.get(driver, "name", {"qemu", "vhost"})
    return "" if named == "qemu" else ",vhost=on"


def _children(line: Line, node: Node) -> tuple[Node | None, Node | None]:
    source, target = (line.reading.child(node, tag) for tag in ("source", "target"))
    if target is not None:
        line.reading.set_aside(target, "dev", "managed")
    driver = node.find("driver")
    if driver is not None:
        line.reading.children(node, "driver")
        line.reading.set_aside(driver, "name", "queues")
    return source, target


def _tap(line: Line, node: Node, number: int, name: str) -> list[str]:
    """Take a network that libvirt opens: a tap device stands for it."""
    reading, kind = line.reading, node.get("type", "")
    source, target = _children(line, node)
    device = target.get("dev", "") if target is not None else ""
    usual = f"{'macvtap' if kind == 'direct' else 'vnet'}{number}"
    # a name with a blank is a pattern, or was made up by libvirt
    device = usual if not device or "%" in device else device
    wanted = ""
    if source is not None:
        wanted = reading.get(source, _NAMES.get(kind, "dev")) or ""
        reading.set_aside(source, *_UNCHECKED)
        for inside in source:
            reading.beside(inside, "libvirt sets this up on the host's side")
    for tag in ("script", "downscript", "backend"):
        for one in reading.children(node, tag):
            reading.beside(one, "libvirt runs or opens this itself")
    for address in reading.children(node, "ip"):
        reading.beside(address, "libvirt sets addresses of the tap device")
    is_there = target is not None and target.get("managed") == "no"
    if not is_there:
        reading.besides[node] = _CONNECTED.get(kind, "{}").format(device, wanted)
    line.need("tap", device, node)
    queues = _queues(line, node)
    told = options("tap", id=f"host{name}", ifname=device, script="no", downscript="no",
                   queues=queues)  # fmt: skip
    return ["-netdev", told]


def _queues(line: Line, node: Node) -> int | None:
    driver = node.find("driver")
    count = None if driver is None else line.reading.number(driver, "queues")
    return count if count and count > 1 else None


def _user(line: Line, node: Node, number: int, name: str) -> list[str]:  # noqa: ARG001
    """Take a network of QEMU's own, or of the program passt, which listens at a socket."""
    reading = line.reading
    backend = reading.child(node, "backend")
    kind = None if backend is None else reading.get(backend, "type", {"default", "passt"})
    source, _ = _children(line, node)
    if backend is not None and kind == "passt":
        return _passt(line, node, backend, source, name)
    if backend is not None:
        reading.set_aside(backend, "tap", "vhost")
    if source is not None:
        reading.set_aside(source, "dev", "mode")
    for inside in reading.children(node, "portForward"):
        raise untold(inside)
    told: dict[str, object] = {"id": f"host{name}"}
    for ip in reading.children(node, "ip"):
        told |= _address(line, ip)
    return ["-netdev", options("user", **told)]


def _address(line: Line, node: Node) -> dict[str, object]:
    """Take the network that the guest sees, by an address in it."""
    reading = line.reading
    family = reading.get(node, "family", {"ipv4", "ipv6"}) or ADDRESS_FAMILY
    reading.get(node, "peer")
    text, prefix = reading.get(node, "address") or "", reading.number(node, "prefix")
    if family == "ipv6":
        return {"ipv6-prefix": text, "ipv6-prefixlen": prefix or None}
    if prefix is None:
        return {"net": text}
    try:
        network = ipaddress.ip_network(f"{text}/{prefix}", strict=False)
    except ValueError:
        raise untold(node, "address", f"the value {text!r}") from None
    return {"net": str(network)}


def _passt(line: Line, node: Node, backend: Node, source: Node | None, name: str) -> list[str]:
    reading = line.reading
    reading.beside(backend, "libvirt starts the program passt")
    for tag in ("portForward", "ip"):
        for inside in reading.children(node, tag):
            reading.beside(inside, "libvirt tells the program passt")
    if source is not None:
        reading.set_aside(source, "dev", "mode")
    path = line.need("server-socket", line.made_up(f"{name}-passt.sock"), node)
    told = {"addr.type": "unix", "addr.path": path, "server": "off",
            ("reconnect-ms" if line.is_since(9, 2) else "reconnect"):
            5000 if line.is_since(9, 2) else 5}  # fmt: skip
    return ["-netdev", options("stream", id=f"host{name}", **told)]


def _socket(line: Line, node: Node, number: int, name: str) -> list[str]:  # noqa: ARG001
    """Take a tunnel from one QEMU to another."""
    reading, kind = line.reading, node.get("type", "")
    source, _ = _children(line, node)
    if source is None:
        raise untold(node)
    where = f"{reading.get(source, 'address') or ''}:{reading.get(source, 'port')}"
    told = {_SOCKETS[kind]: where}
    inner = reading.child(source, "local")
    if inner is not None:
        local = f"{reading.get(inner, 'address') or ''}:{reading.get(inner, 'port')}"
        told["localaddr"] = local
    line.need("server" if kind == "client" else "port", where, source)
    return ["-netdev", options("socket", id=f"host{name}", **told)]


_SOCKETS = {"client": "connect", "server": "listen", "mcast": "mcast", "udp": "udp"}


def _vhost_user(line: Line, node: Node, number: int, name: str) -> list[str]:  # noqa: ARG001
    reading = line.reading
    source, _ = _children(line, node)
    backend = reading.child(node, "backend")
    if backend is not None and reading.get(backend, "type", {"default", "passt"}) == "passt":
        reading.beside(backend, "libvirt starts the program passt")
        for tag in ("portForward", "ip"):
            for inside in reading.children(node, tag):
                reading.beside(inside, "libvirt tells the program passt")
    elif source is None:
        raise untold(node)
    path, serves = None, False
    if source is not None:
        reading.get(source, "type", {"unix"})
        reading.set_aside(source, "dev")
        serves = reading.get(source, "mode", {"server", "client"}) == "server"
        path = reading.get(source, "path")
    path = line.need("vhost-user", path or line.made_up(f"{name}-passt.sock"), node)
    again = reconnecting(line, source)
    told = options("socket", id=f"char{name}", path=path, server="on" if serves else None, **again)
    return ["-chardev", told, "-netdev",
            options("vhost-user", chardev=f"char{name}", queues=_queues(line, node),
                    id=f"host{name}")]  # fmt: skip


def _vdpa(line: Line, node: Node, number: int, name: str) -> list[str]:  # noqa: ARG001
    source, _ = _children(line, node)
    if source is None:
        raise untold(node)
    path = line.need("device", line.reading.get(source, "dev") or "", source)
    return ["-netdev", options("vhost-vdpa", vhostdev=path, queues=_queues(line, node),
                               id=f"host{name}")]  # fmt: skip


def _empty(line: Line, node: Node, number: int, name: str) -> list[str]:
    """Take a card that is connected to nothing."""
    _children(line, node)
    line.reading.get(node, "type", YES_NO | {"null"})
    return ["-netdev", options("hubport", id=f"host{name}", hubid=number)]


_TOLD: dict[str, Callable[[Line, Node, int, str], list[str]]] = {
    **dict.fromkeys(("network", "bridge", "direct", "ethernet", "internal"), _tap),
    "user": _user,
    **dict.fromkeys(_SOCKETS, _socket),
    "vhostuser": _vhost_user,
    "vdpa": _vdpa,
    "null": _empty,
}
"""Writes each type of connection; a card of the host's is a host device."""
