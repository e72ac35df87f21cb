"""QEMU arguments for ``<interface>``: the card, and what it is connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import INTERFACE_TYPE, card_model
from domcaps.language.command_line import Line, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

CARDS = ("virtio", "e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3")
"""Models of network cards that are called alike, but for that of virtio."""


def write_interface(line: Line, node: Node, number: int) -> None:
    """Write a network card and its connection."""
    reading = line.reading
    model, mac = reading.child(node, "model"), reading.child(node, "mac")
    kind = card_model(node, line.domain)
    if model is not None:
        reading.set_aside(model, "type")
    if kind not in CARDS:
        raise untold(node, "", f"a network card {kind!r}")
    address = None if mac is None else reading.get(mac, "address")
    net = f"net{number}-host"
    mtu, rom = reading.child(node, "mtu"), reading.child(node, "rom")
    more: dict[str, object] = {"mac": address}
    if rom is not None:
        more["romfile"] = "" if reading.get(rom, "enabled", {"yes", "no"}) == "no" else None
        more["rombar"] = reading.get(rom, "bar", {"on", "off"})
    if kind == "virtio":
        more["host_mtu"] = None if mtu is None else reading.number(mtu, "size")
        more |= _queues(line, node)
    line.plug(
        node,
        line.virtio("virtio-net") if kind == "virtio" else kind,
        "-netdev",
        _network(line, node, net),
        netdev=net,
        id=f"net{number}",
        **more,
        bootindex=line.boot_index(node, "network"),
    )


def _queues(line: Line, node: Node) -> dict[str, object]:
    """Take the options of a card of virtio."""
    reading = line.reading
    driver = reading.child(node, "driver")
    if driver is None:
        return {}
    if reading.get(driver, "name", {"qemu", "vhost"}) == "vhost" and node.get("type") == "user":
        raise untold(driver, "name", "a kernel's driver for a network of QEMU's own")
    told = {"rx_queue_size": reading.number(driver, "rx_queue_size"),
            "tx_queue_size": reading.number(driver, "tx_queue_size"),
            "event_idx": reading.get(driver, "event_idx", {"on", "off"})}  # fmt: skip
    return told | line.virtio_options(driver)


def _network(line: Line, node: Node, name: str) -> str:
    """Take what a card is connected to."""
    reading = line.reading
    kind = reading.get(node, "type", {"user", "bridge", "ethernet"}) or INTERFACE_TYPE
    source, target = reading.child(node, "source"), reading.child(node, "target")
    if kind == "user":
        backend = reading.child(node, "backend")
        if backend is not None:
            reading.get(backend, "type", {"default"})
        return options("user", id=name)
    if kind == "bridge":
        bridge = None if source is None else reading.get(source, "bridge")
        if target is not None:
            raise untold(target, "dev", "the name of what QEMU's helper makes")
        # a helper of QEMU's makes the connection, if /etc/qemu/bridge.conf allows it
        return options("bridge", id=name, br=bridge)
    device = None if target is None else reading.get(target, "dev")
    if target is None or not device or reading.get(target, "managed", {"yes", "no"}) != "no":
        raise untold(node, "", "a network device that libvirt would make")
    return options("tap", id=name, ifname=device, script="no", downscript="no")
