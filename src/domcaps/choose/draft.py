"""A domain made of assignments: its XML, and which assignment each element came from."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING

from lxml import etree

from domcaps.elements.base.written import DEVICES, TOP
from domcaps.elements.buses.disk import BUSES
from domcaps.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element as Node

    from domcaps.choose.variables import Assignment
    from domcaps.language import Target

_INTO_DEVICES = frozenset(DEVICES)
_NUMBERED = frozenset(bus.usual for bus in BUSES if bus.numbered)
# a device of these that is there already is not wanted twice
_SHARED = frozenset({"controller", "graphics"})
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Draft:
    """A domain, with the variables that its elements are about."""

    def __init__(self, name: str, virttype: str, target: Target, machine: str) -> None:
        self.root = etree.Element("domain", type=virttype)
        etree.SubElement(self.root, "name").text = name
        kind = etree.SubElement(etree.SubElement(self.root, "os"), "type", arch=target.arch)
        if machine:
            kind.set("machine", machine)
        kind.text = "hvm"
        self.devices = etree.SubElement(self.root, "devices")
        self.owners: dict[Node, str] = {}
        self._names: dict[str, int] = {}
        self._drives = 0

    def add(self, assignment: Assignment) -> None:
        """Put in what an assignment says."""
        xml = assignment.xml
        if "{dev}" in xml:
            self._drives += 1
            xml = xml.replace("{dev}", self._target(assignment.dev))
            xml = xml.replace("{boot}", str(self._drives))
        for child in _parsed(xml):
            self._put(copy.deepcopy(child), assignment.variable)

    def _target(self, prefix: str) -> str:
        number = self._names.get(prefix, 0)
        self._names[prefix] = number + 1
        if prefix in _NUMBERED:
            return f"{prefix}{number}n1"
        letters = ""
        number += 1
        while number:
            number, rest = divmod(number - 1, 26)
            letters = _LETTERS[rest] + letters
        return f"{prefix}{letters}"

    def _put(self, child: Node, owner: str) -> None:
        tag = str(child.tag)
        if tag == "devices":
            for device in list(child):
                self._put(device, owner)
        elif _is_device(child):
            if tag in _SHARED and any(_same(known, child) for known in self.devices):
                return
            self.devices.append(child)
            self.owners[child] = owner
        else:
            _merge(self.root, child, owner, self.owners)

    def owner(self, path: str) -> str | None:
        """Give the variable that the element at a finding's path is about."""
        try:
            found = self.root.getroottree().xpath(path.rpartition("/@")[0] or path)
        except etree.XPathError:
            return None
        node = found[0] if isinstance(found, list) and found else None
        while node is not None:
            if node in self.owners:
                return self.owners[node]
            node = node.getparent()  # type: ignore[union-attr]
        return None

    def sort(self) -> None:
        """Bring the elements into the order in which libvirt writes them."""
        _sort(self.root, TOP)
        _sort(self.devices, DEVICES)
        for tag, least in (("memory", "1048576"), ("vcpu", "1")):
            if self.root.find(tag) is None:
                etree.SubElement(self.root, tag).text = least

    def text(self) -> bytes:
        """Give the XML as it is validated."""
        return etree.tostring(self.root)

    def pretty(self) -> str:
        """Give the XML for people."""
        etree.indent(self.root)
        return etree.tostring(self.root, encoding="unicode") + "\n"


def draft_of(name: str, target: Target, machine: str, assignments: Iterable[Assignment]) -> Draft:
    """Make a domain of assignments, in the order of the decisions."""
    draft = Draft(name, target.virttype, target, machine)
    for assignment in assignments:
        draft.add(assignment)
    draft.sort()
    return draft


@functools.lru_cache(maxsize=4096)
def _parsed(xml: str) -> Sequence[Node]:
    try:
        return list(etree.fromstring(f"<x>{xml}</x>"))
    except (etree.XMLSyntaxError, ValueError):
        # what the table itself writes is XML: a path or a name has such a character
        raise RequestError(f"no XML can hold a character of {xml!r}") from None


def _is_device(child: Node) -> bool:
    tag = str(child.tag)
    # a module of memory is a device, the guest's memory is not
    return tag in _INTO_DEVICES and not (tag == "memory" and child.get("model") is None)


def _same(one: Node, other: Node) -> bool:
    return one.tag == other.tag and sorted(one.items()) == sorted(other.items()) and not len(other)


def _merge(parent: Node, child: Node, owner: str, owners: dict[Node, str]) -> None:
    """Put an element into another, and into the one of its name that is there already."""
    tag = str(child.tag)
    known = parent.find(tag)
    if known is None or (tag == "feature" and known.get("name") != child.get("name")):
        parent.append(child)
        for node in child.iter():
            owners[node] = owner
        return
    for name, value in child.items():
        known.set(name, value)
        owners[known] = owner
    if (child.text or "").strip():
        known.text = child.text
    for inner in list(child):
        _merge(known, inner, owner, owners)


def _sort(parent: Node, order: tuple[str, ...]) -> None:
    nodes = list(parent)
    nodes.sort(key=lambda node: order.index(node.tag) if node.tag in order else len(order))
    parent[:] = nodes
