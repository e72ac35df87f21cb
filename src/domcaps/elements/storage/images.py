"""The images that disks are made of: files, block devices, network storage, and what backs them.

::

    <source file='/var/lib/images/guest.qcow2'/>
    <backingStore type='network'>
      <format type='raw'/>
      <source protocol='nbd' name='base'><host name='server' port='10809'/></source>
    </backingStore>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import DISK_TYPE, IMAGE_FORMAT
from domcaps.language.struct import Struct
from domcaps.language.text_tells import attribute_tells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

TYPES = ("file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa")
"""Kinds of storage, as libvirt names them."""

WITHOUT_BACKING = (
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop",
)  # fmt: skip
FORMATS = (*WITHOUT_BACKING, "cow", "qcow", "qcow2", "qed", "vmdk")
"""Formats of images: the last ones can be backed by another image."""

_PATH = {"file": "file", "block": "dev", "dir": "dir", "ctl": "dev"}


class Image(Struct, frozen=True, eq=False):
    """One image. `node` is the element it belongs to, `source` the one that says where it is.

    `format` is "" where none is given and libvirt does not choose one. `disk` is the disk's
    element for the image that the guest sees, None for images below it.
    """

    node: Node
    source: Node | None
    type: str
    format: str
    disk: Node | None = None

    @property
    def protocol(self) -> str:
        """The protocol of network storage, "" for other storage."""
        if self.type != "network" or self.source is None:
            return ""
        return self.source.get("protocol") or ""

    @property
    def hosts(self) -> list[Node]:
        """The servers of network storage."""
        return [] if self.source is None else self.source.findall("host")

    @property
    def path(self) -> str:
        """The path of local storage, "" where there is none."""
        attribute = _PATH.get(self.type)
        if attribute is None or self.source is None:
            return ""
        return self.source.get(attribute) or ""

    @property
    def is_local(self) -> bool:
        """Whether it has a path on the host."""
        return self.type in _PATH

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing, as in a CD-ROM drive without a disc."""
        attribute = _PATH.get(self.type)
        if attribute is None:
            return self.protocol == "none"
        return not attribute_tells(self.source, attribute, bool)

    def child(self, tag: str) -> Node | None:
        """Give an element of the source, which the disk may carry as well."""
        found = None if self.source is None else self.source.find(tag)
        return self.disk.find(tag) if found is None and self.disk is not None else found


def images(disk: Node) -> tuple[Image, ...]:
    """Give the image of a disk and those it is backed by, from the top."""
    return tuple(_chain(disk))


def _chain(disk: Node) -> Iterator[Image]:
    source = disk.find("source")
    driver = disk.find("driver")
    kind = disk.get("type", DISK_TYPE) if source is not None else "file"
    written = "" if driver is None else driver.get("type", "")
    chosen = "" if kind == "volume" else IMAGE_FORMAT
    yield Image(disk, source, kind, {"aio": "raw"}.get(written, written) or chosen, disk)
    below = disk.find("backingStore")
    while below is not None and below.get("type") is not None:
        form = below.find("format")
        yield Image(
            below,
            below.find("source"),
            below.get("type", ""),
            "" if form is None else form.get("type", ""),
        )
        below = below.find("backingStore")
