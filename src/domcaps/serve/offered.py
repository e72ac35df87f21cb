"""``<capabilities>`` of a libvirt, read: the host's architecture and memory, and its guests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from domcaps.errors import FleetError
from domcaps.facts.arch import ARCHITECTURES
from domcaps.facts.emulator import ACCELERATORS
from domcaps.facts.host_parts import NumaCell
from domcaps.xml_parser import elements_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

LARGEST = 8 << 20
"""Bytes of the document; that of a host with 512 CPUs and all emulators has about 300,000."""

_MOST_GUESTS = 100
_MOST_MACHINES = 1000
_MOST_CELLS = 4096
_MOST_CPUS = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", re.ASCII)
_PATH = re.compile(r"/[^\0-\x1f\x7f]{1,1000}", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_KIB = {"b": 1 / 1024, "bytes": 1 / 1024, "KiB": 1, "k": 1, "MiB": 1024, "GiB": 1 << 20}


class OfferedMachine(NamedTuple):
    """A machine type: its name, its alias, how many virtual CPUs it takes (0: not known)."""

    name: str
    alias: str = ""
    most_vcpus: int = 0
    deprecated: bool = False


class OfferedGuest(NamedTuple):
    """What one emulator gives guests of one architecture."""

    arch: str
    emulator: str
    machines: tuple[OfferedMachine, ...]
    virttypes: tuple[str, ...]


class LibvirtHost(NamedTuple):
    """A host as its libvirt shows it; `unread` names fields of `HostRecord` that it does not."""

    arch: str
    guests: tuple[OfferedGuest, ...]
    cells: tuple[NumaCell, ...] = ()
    hugepage_sizes_kib: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()


def read_capabilities(data: bytes, where: str) -> LibvirtHost:
    """Read the document; raises `FleetError` for what is no such document, or beyond limits."""
    root = _root(data, where)
    arch = (root.findtext("host/cpu/arch") or "").strip()
    if arch not in ARCHITECTURES:
        raise _wrong(f"the architecture {arch[:40]!r} is not known", where)
    found = root.findall("guest")
    if len(found) > _MOST_GUESTS:
        raise _wrong(f"more than {_MOST_GUESTS} guests", where)
    guests = tuple(guest for node in found for guest in _guest(node, where))
    pages = root.findall("host/cpu/pages")
    sizes = sorted(size for node in pages if (size := _kib(node, node.get("size", ""))) > 64)
    unread = () if pages else ("hugepage_sizes_kib",)
    return LibvirtHost(arch, guests, _cells(root, where), tuple(sizes), unread)


def _root(data: bytes, where: str) -> Node:
    if len(data) > LARGEST:
        raise _wrong(f"more than {LARGEST} bytes", where)
    try:
        root = etree.fromstring(data, elements_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _wrong(f"no XML: {error}", where) from error
    if root.tag != "capabilities":
        raise _wrong(f"<{str(root.tag)[:40]}>", where)
    return root


def _wrong(what: str, where: str) -> FleetError:
    return FleetError(f"libvirt's capabilities are malformed: {what}", where=where)


def _guest(node: Node, where: str) -> Iterator[OfferedGuest]:
    arch = node.find("arch")
    if arch is None or (node.findtext("os_type") or "").strip() != "hvm":
        return
    name, path = arch.get("name", ""), (arch.findtext("emulator") or "").strip()
    kinds = tuple(one.get("type", "") for one in arch.findall("domain"))
    virttypes = tuple(kind for kind in ACCELERATORS if kind in kinds)
    if name not in ARCHITECTURES or not _PATH.fullmatch(path):
        raise _wrong(f"a guest of {name[:40]!r} with the emulator {path[:80]!r}", where)
    yield OfferedGuest(name, path, tuple(_machines(arch, where)), virttypes)


def _machines(arch: Node, where: str) -> Iterator[OfferedMachine]:
    nodes = arch.findall("machine")
    if len(nodes) > _MOST_MACHINES:
        raise _wrong(f"more than {_MOST_MACHINES} machine types", where)
    aliases: dict[str, str] = {}
    for node in nodes:
        for text in (node.text or "", node.get("canonical", "")):
            if text and not _NAME.fullmatch(text):
                raise _wrong(f"the machine type {text[:80]!r}", where)
        if canonical := node.get("canonical"):
            aliases.setdefault(canonical, node.text or "")
    names = dict.fromkeys(node.get("canonical") or node.text or "" for node in nodes)
    by_name = {node.get("canonical") or node.text: node for node in nodes}
    for name in filter(None, names):
        most, is_old = by_name[name].get("maxCpus", ""), by_name[name].get("deprecated") == "yes"
        yield OfferedMachine(name, aliases.get(name, ""), _number(most), is_old)


def _cells(root: Node, where: str) -> tuple[NumaCell, ...]:
    nodes = root.findall("host/topology/cells/cell")
    if len(nodes) > _MOST_CELLS:
        raise _wrong(f"more than {_MOST_CELLS} NUMA cells", where)
    return tuple(_cell(node) for node in nodes)


def _cell(node: Node) -> NumaCell:
    memory = node.find("memory")
    size = 0 if memory is None else _kib(memory, memory.text or "")
    numbers = (one.get("id", "") for one in node.findall("cpus/cpu")[:_MOST_CPUS])
    return NumaCell(
        _number(node.get("id", "")), size, tuple(_number(one) for one in numbers if one)
    )


def _kib(node: Node, text: str) -> int:
    return int(_number(text.strip()) * _KIB.get(node.get("unit", "KiB"), 0))


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0
