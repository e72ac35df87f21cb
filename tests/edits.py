"""Real domains with small edits: one element less, another value, another bus, a twin."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.language.domain import split_path
from domcaps.language.value_types import OneOf
from domcaps.validate.catalogue.rules import parts
from mutations import Mutator

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Iterable

    from lxml.etree import _Element as Node

_NUMBER = re.compile(r"\d{1,9}|0x[0-9a-fA-F]{1,8}")
_FAMILIES = (
    *(("pc-q35", "q35"), ("pc", "pc"), ("s390-ccw", "s390-ccw-virtio")),
    *(("pseries", "pseries"), ("virt", "virt")),
)
# numbers for which libvirt keeps something each: it would end for want of memory
_MODEST = ("vcpu", "iothreads", "vcpus", "cpu/topology", "defaultiothread")
_BUSES = ("ide", "scsi", "virtio", "sata", "usb", "fdc", "sd", "nvme", "xen", "ps2", "none")
_ADDRESSES = (
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x%x' function='0x0'/>",
    "<address type='pci' domain='0x0000' bus='0x01' slot='0x%x' function='0x0'/>",
    "<address type='drive' controller='0' bus='0' target='0' unit='%d'/>",
    "<address type='usb' bus='0' port='%d'/>",
    "<address type='virtio-serial' controller='0' bus='0' port='%d'/>",
    "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x%04x'/>",
    "<address type='virtio-mmio'/>",
    "<address type='isa' iobase='0x5%02x'/>",
    "<address type='spapr-vio' reg='0x%x000'/>",
    "<address type='ccid' controller='0' slot='%d'/>",
    "<address type='dimm' slot='%d'/>",
    "<address type='unassigned'/>",
)


class Editor:
    """Edits real domains; the same seed makes the same ones.

    `machines` are the machine types that the host's emulators have: a domain with another one
    would only be refused for that, so that it is given the family's newest.
    """

    def __init__(
        self, documents: Iterable[bytes], random: random.Random, machines: Collection[str]
    ) -> None:
        self.random = random
        self.machines = machines
        self.mutator = Mutator(documents, random)
        self.known = _known_values()
        self._edits: tuple[tuple[int, Callable[[Node], None]], ...] = (
            (3, self.remove),
            (2, self.mutator.drop_attribute),
            (6, self.other_value),
            (3, self.number),
            (2, self.bus),
            (2, self.address),
            (2, self.duplicate),
            (2, self.borrow),
            (1, self.mutator.new_attribute),
        )

    def document(self) -> bytes:
        """Give an edited domain."""
        root = copy.deepcopy(self.random.choice(self.mutator.roots))
        self._at_home(root)
        weights, edits = zip(*self._edits, strict=True)
        for edit in self.random.choices(edits, weights, k=self.random.choice((1, 1, 2, 3))):
            edit(root)
        etree.cleanup_namespaces(root)
        return etree.tostring(root)

    def _at_home(self, root: Node) -> None:
        """Have it be for a machine type that is here, and without KVM where that isn't."""
        kind = root.find("os/type")
        machine = "" if kind is None else kind.get("machine", "")
        arch = "" if kind is None else kind.get("arch", "")
        if kind is not None and machine and machine not in self.machines:
            new = next((new for old, new in _FAMILIES if machine.startswith(old)), "")
            kind.set("machine", new)
            if not new:
                del kind.attrib["machine"]
        for emulator in root.findall("devices/emulator"):
            emulator.getparent().remove(emulator)  # type: ignore[union-attr]
        if arch not in {"x86_64", "i686"} or self.random.random() < 0.5:
            root.set("type", "qemu")

    def _some_device(self, root: Node) -> Node | None:
        devices = root.findall("devices/*")
        return self.random.choice(devices) if devices else None

    def remove(self, root: Node) -> None:
        """Take an element away, most often a whole device or something inside one."""
        nodes = [node for node in root.iter() if node.getparent() is not None]
        if nodes:
            node = self.random.choice(nodes)
            node.getparent().remove(node)  # type: ignore[union-attr]

    def other_value(self, root: Node) -> None:
        """Give an attribute, or a text, another value that libvirt knows there."""
        places = [place for place in _places(root) if not _NUMBER.fullmatch(_get(*place))]
        self.random.shuffle(places)
        for node, name in places:
            path = _path(node, name)
            known = [*self.known.get(path, ()), *self.mutator.values.get(f"domain/{path}", ())]
            known = [value for value in dict.fromkeys(known) if value != _get(node, name)]
            if known:
                _put(node, name, self.random.choice(known))
                return

    def number(self, root: Node) -> None:
        """Make a number another one."""
        places = [place for place in _places(root) if _NUMBER.fullmatch(_get(*place))]
        if places:
            node, name = self.random.choice(places)
            old = int(_get(node, name), 0) if _get(node, name)[:1] != "0" else 0
            some = [old + 1, old - 1, 0, 1, old * 2, 31, 32, 255, 256]
            if not _path(node).startswith(_MODEST):
                some += [65536, 2**31, 2**32]
            new = self.random.choice([number for number in some if number != old])
            text = hex(new) if _get(node, name).startswith("0x") and new >= 0 else str(new)
            _put(node, name, text)

    def bus(self, root: Node) -> None:
        """Move a device to another bus."""
        targets = [node for node in root.findall("devices/*/target") if node.get("bus")]
        targets += root.findall("devices/input")
        if targets:
            target = self.random.choice(targets)
            target.set("bus", self.random.choice(_BUSES))
            device = target if target.tag == "input" else target.getparent()
            if device is not None and self.random.random() < 0.5:
                for address in device.findall("address"):
                    device.remove(address)

    def address(self, root: Node) -> None:
        """Give a device another address."""
        device = self._some_device(root)
        if device is not None:
            for old in device.findall("address"):
                device.remove(old)
            text = self.random.choice(_ADDRESSES)
            slot = self.random.choice((0, 1, 2, 3, 6, 9, 31))
            device.append(etree.fromstring(text % slot if "%" in text else text))

    def duplicate(self, root: Node) -> None:
        """Have a device twice, the second perhaps under a name of its own."""
        device = self._some_device(root)
        if device is None:
            return
        twin = copy.deepcopy(device)
        if self.random.random() < 0.5:
            for address in [*twin.findall("address"), *twin.findall("alias")]:
                twin.remove(address)
            for target in twin.findall("target"):
                name = target.get("dev", "")
                if len(name) > 2:
                    target.set("dev", name[:-1] + self.random.choice("bcdefgz1"))
        device.addnext(twin)

    def borrow(self, root: Node) -> None:
        """Add a device, or another element, of another domain."""
        path = self.random.choice(("domain/devices", "domain/devices", "domain", ""))
        holders = [root] if path == "domain" else root.findall("devices")
        if not path:
            holders = [node for node in root.iter() if _path(node) in self._inner()]
        if holders:
            holder = self.random.choice(holders)
            known = self.mutator.elements.get("/".join(filter(None, ("domain", _path(holder)))), [])
            if known:
                holder.append(copy.deepcopy(self.random.choice(known)))

    def _inner(self) -> set[str]:
        return {path.partition("/")[2] for path in self.mutator.elements}


def _known_values() -> dict[str, tuple[str, ...]]:
    """Give what the table knows for each place, by its path below the domain."""
    found: dict[str, set[str]] = {}
    for part in parts():
        where = split_path(part.path or "")
        if where is None:
            continue
        for declared in part.fields():
            steps = [*where.above.split("/"), where.tag, *declared.steps.split("/")]
            steps += [f"@{declared.attribute}"] if declared.attribute else []
            path = "/".join(filter(None, steps))
            names = set(declared.kind.names) if isinstance(declared.kind, OneOf) else set()
            if declared.choice is not None:
                names |= {choice.name for choice in declared.choice.choices}
            found.setdefault(path, set()).update(names)
    return {path: tuple(sorted(names)) for path, names in found.items()}


def _places(root: Node) -> list[tuple[Node, str | None]]:
    """Give everything that has a value: attributes, and texts (whose name is None)."""
    places: list[tuple[Node, str | None]] = []
    for node in root.iter():
        places += [(node, str(name)) for name in node.keys()]  # noqa: SIM118
        if node.text and node.text.strip():
            places.append((node, None))
    return places


def _get(node: Node, name: str | None) -> str:
    return (node.text or "").strip() if name is None else node.get(name, "")


def _put(node: Node, name: str | None, value: str) -> None:
    if name is None:
        node.text = value
    else:
        node.set(name, value)


def _path(node: Node, name: str | None = None) -> str:
    steps = [] if name is None else [f"@{name}"]
    above: Node | None = node
    while above is not None and above.getparent() is not None:
        steps.append(str(above.tag))
        above = above.getparent()
    return "/".join(reversed(steps))
