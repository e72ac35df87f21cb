"""What libvirt writes into each definition that it takes, since clients rely on it.

Sizes in KiB, the number of CPUs, what follows the end of a guest, the clock, architecture and
machine type, the emulator, the CPU model, and an address for each network card. Further defaults of
libvirt, such as controllers and their addresses, are not added.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.elements.processor.definition import default_cpu
from domcaps.errors import DomcapsError
from domcaps.facts.arch import ARM
from domcaps.language.domain import Domain
from domcaps.serve.domains import kib_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.serve.session import ClientSession

_ENDS = (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy"))
_FIRST = ("name", "uuid", "genid", "title", "description", "metadata", "maxMemory", "memory",
          "currentMemory", "memoryBacking", "blkiotune", "memtune", "numatune", "vcpu", "vcpus",
          "iothreads", "iothreadids", "defaultiothread", "cputune", "resource", "sysinfo",
          "bootloader", "os", "idmap", "features", "cpu", "clock")  # fmt: skip
"""Elements in libvirt's order, up to those that say how a guest ends."""


def complete(session: ClientSession, root: Node) -> None:
    """Write into a definition what libvirt writes."""
    _complete_sizes(root)
    if root.find("vcpu") is None:
        _put(root, "vcpu").text = "1"
    if root.find("clock") is None:
        _put(root, "clock").set("offset", "utc")
    for name, action in _ENDS:
        if root.find(name) is None:
            _put(root, name).text = action
    with contextlib.suppress(DomcapsError):
        _complete_target(session, root)
    for node in root.iterfind("devices/*"):
        complete_device(node)
    etree.indent(root)


def complete_device(node: Node) -> None:
    """Give a network card an address, in the range that belongs to QEMU."""
    if node.tag == "interface" and node.find("mac") is None:
        tail = secrets.token_bytes(3)
        node.insert(0, etree.Element("mac", address=f"52:54:00:{tail.hex(':')}"))


def _complete_sizes(root: Node) -> None:
    memory = kib_of(root.find("memory"))
    if not memory:
        return
    current = kib_of(root.find("currentMemory")) or memory
    for name, kib in (("memory", memory), ("currentMemory", min(current, memory))):
        node = root.find(name)
        if node is None:
            node = _put(root, name)
        node.text = str(kib)
        node.set("unit", "KiB")


def _complete_target(session: ClientSession, root: Node) -> None:
    """Write down architecture, machine type and emulator; raises `DomcapsError`."""
    kind = root.find("os/type")
    if kind is None:
        return
    emulator = (root.findtext("devices/emulator") or "").strip() or None
    host = session.served().host
    world = host.known_world(
        emulator, kind.get("arch"), kind.get("machine"), root.get("type"), session.libvirt
    )
    kind.set("arch", world.target.arch)
    if world.target.machine:
        kind.set("machine", world.target.machine)
    devices = root.find("devices")
    if devices is None:
        devices = etree.SubElement(root, "devices")
    if emulator is None:
        made = etree.Element("emulator")
        made.text = world.target.emulator
        devices.insert(0, made)
    _complete_cpu(root, Domain(root, world))


_OPEN_CPU = {"mode": "custom", "match": "exact", "check": "none"}


def _complete_cpu(root: Node, domain: Domain) -> None:
    """Write down the model that a machine has where the definition leaves it open."""
    cpu = root.find("cpu")
    is_open = cpu is None or (cpu.get("mode") is None and cpu.find("model") is None)
    # of ARM, libvirt writes none
    name = "" if domain.arch in ARM or not is_open else default_cpu(domain)
    if not name:
        return
    if cpu is None:
        cpu = _put(root, "cpu")
    said = {str(attribute): str(value) for attribute, value in cpu.items()}
    cpu.attrib.clear()
    for attribute, value in {**_OPEN_CPU, **said}.items():
        cpu.set(attribute, value)
    model = etree.Element("model", fallback="forbid")
    model.text = name
    cpu.insert(0, model)


def _put(root: Node, name: str) -> Node:
    """Add an element after those that stand before it in libvirt's order."""
    made = etree.Element(name)
    order = (*_FIRST, *(end for end, _ in _ENDS))
    before = set(order[: order.index(name)])
    last = next((node for node in reversed(root) if node.tag in before), None)
    if last is None:
        root.insert(0, made)
    else:
        made.tail = last.tail
        last.addnext(made)
    return made
