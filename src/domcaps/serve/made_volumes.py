"""Volumes of a sandbox: they have a size and a format, and no content."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.elements.boards.defaults import IMAGE_FORMAT
from domcaps.serve.domains import size_of
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import parse

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_FILE, _BLOCK, _NETWORK = 0, 1, 3
"""``virStorageVolType``."""

_BLOCKS = {"disk", "iscsi", "logical", "mpath", "scsi", "zfs"}
_NETWORKED = {"gluster", "iscsi-direct", "rbd"}
_WORDS = {_FILE: "file", _BLOCK: "block", _NETWORK: "network"}
_LONGEST_NAME = 1024


class MadeVolume(msgspec.Struct, frozen=True):
    """One of them: sizes are in bytes, `backing` is the path of what it is laid upon."""

    pool: str
    name: str
    path: str
    kind: int
    capacity: int
    allocation: int
    format: str = IMAGE_FORMAT
    backing: str = ""
    backing_format: str = ""

    @property
    def handle(self) -> tuple[str, str, str]:
        """What it is on the wire."""
        return self.pool, self.name, self.path

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return 800 + sum(map(sys.getsizeof, (self.pool, self.name, self.path, self.backing)))

    def info(self) -> tuple[int, int, int]:
        """Give its type, and in bytes what a guest sees and what it takes."""
        return self.kind, self.capacity, self.allocation

    def xml(self) -> str:
        """Describe it as libvirt does."""
        root = etree.Element("volume", type=_WORDS[self.kind])
        _add(root, "name", self.name)
        _add(root, "key", self.path)
        _add(root, "capacity", str(self.capacity)).set("unit", "bytes")
        _add(root, "allocation", str(self.allocation)).set("unit", "bytes")
        _add(root, "physical", str(self.allocation)).set("unit", "bytes")
        target = etree.SubElement(root, "target")
        _add(target, "path", self.path)
        etree.SubElement(target, "format", type=self.format)
        if self.backing:
            below = etree.SubElement(root, "backingStore")
            _add(below, "path", self.backing)
            etree.SubElement(below, "format", type=self.backing_format or IMAGE_FORMAT)
        return etree.tostring(root, encoding="unicode", pretty_print=True)


class VolumePlace(msgspec.Struct, frozen=True):
    """Where a volume is to be made: the pool's name, type and path, and what it is a copy of."""

    pool: str
    kind: str
    path: str
    origin: MadeVolume | None = None


def volume_of(xml: bytes, place: VolumePlace) -> MadeVolume:
    """Read the description of a volume to be made; raises `LibvirtError`."""
    root = parse(xml, ErrorDomain.STORAGE)
    name = (root.findtext("name") or "").strip()
    if root.tag != "volume" or not name or "/" in name or len(name) > _LONGEST_NAME:
        raise _wrong("a volume needs a <name> without '/'")
    capacity = size_of(root.find("capacity"))
    if place.origin is not None:
        capacity = max(capacity, place.origin.capacity)
    below, form = root.find("backingStore"), root.find("target/format")
    if root.find("capacity") is None and below is None and place.origin is None:
        raise _wrong("missing capacity element")
    allocation = root.find("allocation")
    kind = _kind(place.kind)
    return MadeVolume(
        place.pool,
        name,
        f"{place.path.rstrip('/')}/{name}",
        kind,
        capacity,
        capacity if allocation is None else min(size_of(allocation), capacity),
        _format(form, kind),
        "" if below is None else (below.findtext("path") or "").strip(),
        _format(None if below is None else below.find("format"), kind),
    )


def _kind(pool: str) -> int:
    if pool in _BLOCKS:
        return _BLOCK
    return _NETWORK if pool in _NETWORKED else _FILE


def _format(node: Node | None, kind: int) -> str:
    found = "" if node is None else node.get("type", "")
    return found if found and kind == _FILE else IMAGE_FORMAT


def _wrong(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.XML_ERROR, detail, ErrorDomain.STORAGE)


def _add(parent: Node, name: str, text: str) -> Node:
    node = etree.SubElement(parent, name)
    node.text = text
    return node
