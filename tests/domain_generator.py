"""Domains made from the table: what its parts declare and its rules show, mixed with real ones."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from lxml import etree

from domcaps.language.domain import split_path
from domcaps.language.value_types import Int, Mac, OneOf, Uuid, ValueType
from domcaps.validate.catalogue.rules import parts, rules
from domcaps.validate.catalogue.samples import domain_of
from mutations import ODD_VALUES, Mutator

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.part import Field, Part

TARGETS = (
    *(("x86_64", "q35"),) * 5,
    *(("x86_64", "pc"),) * 4,
    *(("aarch64", "virt"),) * 2,
    *(("s390x", "s390-ccw-virtio"),) * 2,
    *(("ppc64", "pseries"),) * 2,
    *(("x86_64", "microvm"), ("x86_64", "isapc"), ("x86_64", "pc-q35-6.2"), ("i686", "pc")),
    *(("riscv64", "virt"), ("loongarch64", "virt"), ("armv7l", "virt")),
    *(("armv7l", "vexpress-a15"), ("armv7l", "realview-pb-a8"), ("armv7l", "versatilepb")),
)
BORDERS = (0, 1, 2, 3, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1024, 65535, 65536, 2**31, 2**32)
MOST_WRONG = 0.12
"""How often a value is one that nobody means: a domain with many mistakes shows only the first."""


class Generator:
    """Makes domains; the same seed makes the same ones."""

    def __init__(self, random: random.Random, corpus: Iterable[bytes] = ()) -> None:
        self.random = random
        samples = [
            domain_of(sample).encode()
            for of in rules().values()
            for rule in of
            for sample in (rule.bad, rule.good)
            if sample is not None
        ]
        self.real = list(corpus)
        self.mutator = Mutator([*samples, *self.real], random)
        self.pool = Mutator(self.real or samples, random)
        self.parts = [part for part in parts() if split_path(part.path or "") and part.fields()]
        self._steps: tuple[Callable[[Node], None], ...] = (
            *(self.set_field,) * 5,
            *(self.add_part,) * 3,
            *(self.add_element,) * 3,
            self.set_address,
            self.mutator.seen_value,
            self.mutator.drop_attribute,
            self.mutator.drop_element,
            self.mutator.repeat_element,
            self.mutator.new_attribute,
        )

    def document(self) -> bytes:
        """Give a domain."""
        base = self.random.random()
        if base < 0.35:
            root = self.plain()
        else:
            source = self.pool if base < 0.7 else self.mutator
            root = copy.deepcopy(self.random.choice(source.roots))
            if self.random.random() < 0.1:
                retarget(root, *self.random.choice(TARGETS))
        for _ in range(self.random.choice((1, 1, 1, 2, 2, 3))):
            self.random.choice(self._steps)(root)
        etree.cleanup_namespaces(root)
        return etree.tostring(root)

    def sweep(self, bases: int = 2) -> Iterator[bytes]:
        """Give every field of every part every kind of value, in domains that have the part."""
        for part in self.parts:
            path = part.path or ""
            holders = [root for root in self.mutator.roots if root.find(path) is not None]
            if not holders:
                continue
            for base in self.random.sample(holders, min(bases, len(holders))):
                for declared in part.fields():
                    for value in self.values(declared):
                        yield from self._with(base, path, declared, value)

    def _with(
        self, base: Node, path: str, declared: Field[Any], value: str | None
    ) -> Iterator[bytes]:
        if any(sign in declared.steps for sign in "*[.("):
            return
        root = copy.deepcopy(base)
        node = root.find(path)
        assert node is not None
        if value is not None:
            holder = _walk(node, declared.steps)
            if declared.attribute:
                holder.set(declared.attribute, value)
            else:
                holder.text = value
        else:
            found = declared.holder(node)
            if found is None:
                return
            if declared.attribute:
                if declared.attribute in found.attrib:
                    del found.attrib[declared.attribute]
            elif found is not node and found.getparent() is not None:
                found.getparent().remove(found)  # type: ignore[union-attr]
        yield etree.tostring(root)

    def values(self, declared: Field[Any]) -> list[str | None]:
        """Give what a field may be and what not; None takes it away."""
        found: list[str | None] = [None, "", " ", "x", "0", "1", "-1", "4294967295", "0x10", "1 "]
        kind = declared.kind
        if declared.choice is not None:
            found += [choice.name for choice in declared.choice.choices]
        found += getattr(kind, "names", ())
        if isinstance(kind, Int):
            edges = {kind.least, kind.most} - {None}
            found += [str(edge + step) for edge in edges for step in (-1, 0, 1) if edge is not None]
        if isinstance(kind, OneOf):
            found += [name.upper() for name in kind.names[:1]]
        return list(dict.fromkeys(found))

    def plain(self) -> Node:
        """Give a domain with hardly anything in it."""
        root = etree.Element("domain", type="kvm" if self.random.random() < 0.3 else "qemu")
        for name, text in (("name", "plain"), ("memory", "1048576"), ("vcpu", "2")):
            etree.SubElement(root, name).text = text
        retarget(root, *self.random.choice(TARGETS))
        etree.SubElement(root, "devices")
        return root

    def set_field(self, root: Node) -> None:
        """Give a field of some part that is there a value of its kind."""
        there = [part for part in self.parts if root.find(part.path or "") is not None]
        if there:
            part = self.random.choice(there)
            self._set(self.random.choice(root.findall(part.path or "")), part)

    def add_part(self, root: Node) -> None:
        """Add an element that real domains have at some part's place, with a field or two."""
        part = self.random.choice(self.parts)
        where = split_path(part.path or "")
        assert where is not None
        holder = _walk(root, where.above.replace("*", "disk"))
        known = [
            node
            for node in self.mutator.elements.get("/".join(["domain", where.above]).rstrip("/"), ())
            if node.tag == where.tag
        ]
        if known and self.random.random() < 0.8:
            node = copy.deepcopy(self.random.choice(known))
        else:
            node = etree.Element(where.tag)
            for declared in part.fields():
                if declared.required:
                    self._give(node, declared)
        if where.attribute and node.get(where.attribute) is None:
            node.set(where.attribute, where.value)
        holder.append(node)
        for _ in range(self.random.choice((0, 1, 1, 2))):
            self._set(node, part)

    def add_element(self, root: Node) -> None:
        """Add a device, or something else that domains have."""
        path = "domain/devices" if self.random.random() < 0.7 else "domain"
        new = copy.deepcopy(self.random.choice(self.mutator.elements[path]))
        holder = root if path == "domain" else _walk(root, "devices")
        same = holder.find(str(new.tag))
        if same is not None and (path == "domain" or self.random.random() < 0.3):
            holder.replace(same, new)
        else:
            holder.append(new)

    def set_address(self, root: Node) -> None:
        """Give a device an address that another one has."""
        devices = root.findall("devices/*")
        if not devices:
            return
        device = self.random.choice(devices)
        known = self.mutator.elements.get(f"domain/devices/{self.random.choice(devices).tag}", [])
        addresses = [node for node in known if node.tag == "address"]
        if addresses:
            for old in device.findall("address"):
                device.remove(old)
            device.append(copy.deepcopy(self.random.choice(addresses)))

    def _set(self, node: Node, part: type[Part]) -> None:
        fields = part.fields()
        if fields:
            self._give(node, self.random.choice(fields))

    def _give(self, node: Node, declared: Field[Any]) -> None:
        if any(sign in declared.steps for sign in "*[.("):
            return
        holder = _walk(node, declared.steps)
        text = self.value(declared)
        if declared.attribute:
            holder.set(declared.attribute, text)
        else:
            holder.text = text

    def value(self, declared: Field[Any]) -> str:
        """Give a value: mostly one of the field's kind."""
        if self.random.random() < MOST_WRONG:
            return self.random.choice([value for value in ODD_VALUES if len(value) < 400])
        if declared.choice is not None:
            return self.random.choice([choice.name for choice in declared.choice.choices])
        return self._of(declared.kind)

    def _of(self, kind: ValueType[Any]) -> str:
        if isinstance(kind, OneOf):
            return self.random.choice(kind.names)
        if isinstance(kind, Int):
            least, most = kind.least or 0, kind.most or 2**32
            inside = [number for number in BORDERS if least <= number <= most]
            return str(self.random.choice([*inside[:6], *inside, least, most, most + 1]))
        if isinstance(kind, Uuid):
            return "6695eb01-f6a4-8304-79aa-97f2502e193f"
        if isinstance(kind, Mac):
            return "52:54:00:12:34:56"
        return self.random.choice(("a", "name0", "/var/lib/x", "1", "127.0.0.1", "pc", "0-1"))


def retarget(root: Node, arch: str, machine: str) -> None:
    """Make it a domain for another board."""
    kind = _walk(root, "os/type")
    kind.text = kind.text or "hvm"
    kind.set("arch", arch)
    kind.set("machine", machine)
    for emulator in root.findall("devices/emulator"):
        emulator.getparent().remove(emulator)  # type: ignore[union-attr]


def _walk(node: Node, path: str) -> Node:
    for name in path.split("/"):
        if name:
            found = node.find(name)
            node = etree.SubElement(node, name) if found is None else found
    return node
