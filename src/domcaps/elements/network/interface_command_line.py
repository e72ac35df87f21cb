"""QEMU arguments for ``<interface>``: the card, and what it is connected to.

libvirt opens most networks itself and hands QEMU what it opened. A command that stands alone names
a tap device instead, which QEMU makes or takes; connecting that to a network or bridge is libvirt's
work, and is said in the notes of the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.boards.defaults import card_model
from domcaps.elements.boards.families import KVM
from domcaps.elements.network.backend_command_line import network_words
from domcaps.language.command_line import ON_OFF, YES_NO, Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_BESIDES = {
    "bandwidth": "libvirt limits the bandwidth of the tap device",
    "coalesce": "libvirt sets how packets are gathered",
    "filterref": "libvirt filters packets",
    "guest": "a name in the guest, which QEMU has no option for",
    "port": "libvirt sets options of the bridge's port",
    "route": "libvirt adds a route",
    "virtualport": "libvirt connects the tap device to the switch",
    "vlan": "libvirt tags packets on the bridge",
    "privateData": "what libvirt keeps of a running machine",
}
"""What libvirt does without an argument."""
_OFFLOADS = {
    "csum": "csum", "gso": "gso", "tso4": "tso4", "tso6": "tso6", "ecn": "ecn", "ufo": "ufo",
    "mrg_rxbuf": "mrg_rxbuf",
}  # fmt: skip
_SOLDERED = {"lan9118", "scm91c111"}
"""Cards that are part of a board: QEMU has an option of its own for what they are connected to."""


def write_interface(line: Line, node: Node, number: int) -> None:
    """Write a network card and its connection."""
    reading = line.reading
    for tag, what in _BESIDES.items():
        for inside in reading.children(node, tag):
            reading.beside(inside, what)
    reading.set_aside(node, "trustGuestRxFilters", "managed")
    link = reading.child(node, "link")
    if link is not None and reading.get(link, "state", {"up", "down"}) == "down":
        reading.besides[link] = "libvirt takes the link down while it starts the machine"
    model, mac = reading.child(node, "model"), reading.child(node, "mac")
    kind = card_model(node, line.domain)
    if model is not None:
        reading.set_aside(model, "type")
    name = line.numbered(node, "net")
    more: dict[str, object] = {"netdev": f"host{name}", "id": name}
    if mac is not None:
        more["mac"] = reading.get(mac, "address")
        reading.set_aside(mac, "type", "check", "currentAddress")
    more |= rom_options(line, node)
    if kind in _SOLDERED:
        _soldered(line, node, number, name, kind, more)
        return
    is_virtio = kind in VIRTIO_MODELS
    driver = _of_virtio(line, node) if is_virtio else _unused(line, node)
    mtu = reading.child(node, "mtu")
    if mtu is not None:
        size = reading.positive(mtu, "size")
        more |= {"host_mtu": size} if is_virtio else {}
    words = network_words(line, node, number, name, is_virtio=is_virtio and line.holds(KVM))
    _card(line, node, kind, words, driver | more | line.boot(node, "network"))


def _card(line: Line, node: Node, kind: str, words: list[str], more: dict[str, object]) -> None:
    if kind in VIRTIO_MODELS:
        line.plug_virtio(node, "virtio-net", *words, model=kind, **more)
    elif kind == "usb-net":
        line.device(Turn.ATTACHED, options(kind, **more, **line.usb_place(node)), *words)
    else:
        line.plug(node, kind, *words, **more)


def _soldered(
    line: Line, node: Node, number: int, name: str, kind: str, more: dict[str, object]
) -> None:
    """Connect a card of the board."""
    _unused(line, node)
    line.boot(node, "network")
    line.place(node)
    words = network_words(line, node, number, name, is_virtio=False)
    told = options("nic", model=kind, netdev=more["netdev"], macaddr=more.get("mac"), name=name)
    line.add(*words, "-net", told)


def rom_options(line: Line, node: Node) -> dict[str, object]:
    """Take the program in a card's memory by which it is booted from."""
    rom = line.reading.child(node, "rom")
    if rom is None:
        return {}
    if line.reading.get(rom, "enabled", YES_NO) == "no":
        line.reading.set_aside(rom, "bar", "file")
        return {"rombar": 0, "romfile": ""}
    bar, file = line.reading.get(rom, "bar", {*ON_OFF, "default"}), line.reading.get(rom, "file")
    if file:
        line.need("file", file, rom)
    return {"rombar": {"on": 1, "off": 0}.get(bar or ""), "romfile": file}


def _unused(line: Line, node: Node) -> dict[str, object]:
    """Take settings that only cards of virtio have: other cards ignore them."""
    driver = line.reading.child(node, "driver")
    if driver is not None:
        line.reading.set_aside_whole(driver)
    teaming = line.reading.child(node, "teaming")
    if teaming is not None:
        line.reading.set_aside_whole(teaming)
    tune = line.reading.child(node, "tune")
    if tune is not None:
        line.reading.set_aside_whole(tune)
    return {}


def _of_virtio(line: Line, node: Node) -> dict[str, object]:
    """Take the options of a card of virtio."""
    reading, told = line.reading, dict[str, object]()
    teaming = reading.child(node, "teaming")
    if teaming is not None:
        is_persistent = reading.get(teaming, "type", {"persistent", "transient"}) == "persistent"
        reading.get(teaming, "persistent")
        told["failover"] = True if is_persistent else None
    tune = reading.child(node, "tune")
    if tune is not None:
        reading.beside(tune, "libvirt limits the memory of the tap device")
    driver = reading.child(node, "driver")
    if driver is None:
        return told
    mode = reading.get(driver, "txmode", {"iothread", "timer"})
    queues = reading.number(driver, "queues") or 0
    told |= {
        "tx": {"iothread": "bh", "timer": "timer"}.get(mode or ""),
        "ioeventfd": reading.get(driver, "ioeventfd", ON_OFF),
        "event_idx": reading.get(driver, "event_idx", ON_OFF),
        "rss": reading.get(driver, "rss", ON_OFF),
        "hash": reading.get(driver, "rss_hash_report", ON_OFF),
        "rx_queue_size": reading.positive(driver, "rx_queue_size"),
        "tx_queue_size": reading.positive(driver, "tx_queue_size"),
    }
    told |= _several(line, queues) if queues > 1 else {}
    for tag, start in (("host", "host_"), ("guest", "guest_")):
        inside = reading.child(driver, tag)
        for name in () if inside is None else _OFFLOADS:
            bare = name == "mrg_rxbuf" or (tag == "host" and name in {"csum", "gso"})
            value = reading.get(inside, name, ON_OFF)  # type: ignore[arg-type]
            if value is not None:
                told[name if bare else start + name] = value
    return told | line.virtio_options(driver)


def _several(line: Line, queues: int) -> dict[str, object]:
    """Give what a card with several queues needs: an interrupt for each way, and two more."""
    if line.has_channels:
        return {"mq": "on"}
    return {"mq": "on", "vectors": 2 * queues + 2}
