"""Files of disks and shared folders: whether they are there when the domain is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.elements.boards.defaults import DISK_TYPE
from domcaps.elements.storage.disk import Disk
from domcaps.elements.storage.filesystem_rules import Filesystem
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.host_files import host_file_rule, needs_file
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_FILE = "<disk type='file'{}><source file='/a.img'{}/><target dev='sda' bus='sata'/></disk>"
_BLOCK = "<disk type='block'><source dev='/dev/{}'/><target dev='sda' bus='sata'/></disk>"
_FOLDER = (
    "<disk type='dir'><driver type='fat'/><source dir='/a'/><readonly/>"
    "<target dev='sda' bus='sata'/></disk>"
)
_SHARE = "<filesystem><source dir='/a'/><target dir='b'/></filesystem>"
_MAY_BE_ABSENT = frozenset({"optional", "requisite"})


def _source(disk: Disk, kind: str, name: str) -> str:
    """Give what a disk of a type names, "" for other types, and where it may be absent."""
    source = disk.node.find("source")
    if source is None or (disk.type or DISK_TYPE) != kind or disk.startup_policy in _MAY_BE_ABSENT:
        return ""
    return source.get(name, "")


@host_file_rule(
    "disk-source-file-missing",
    Disk,
    bad=Sample(_FILE.format("", ""), lacking=("/a.img",)),
    good=Sample(_FILE.format(" device='cdrom'", " startupPolicy='optional'"), lacking=("/a.img",)),
)
def images_are_there(disk: Disk) -> Problems:
    """The image file of a disk must exist on the host at start; in a recording this is unknown."""
    if path := _source(disk, "file", "file"):
        kinds = ("file", "block", "character")
        yield from needs_file(disk, path, "image", "source/@file", kinds=kinds)
    elif disk.node.find("source[@fdgroup]") is not None:
        disk.domain.world.unknown.add("a client hands over the files of a file descriptor group")
    elif disk.type in {"network", "volume"}:
        what = "server" if disk.type == "network" else "storage pool"
        disk.domain.world.unknown.add(f"the {what} of a disk can be reached")


@host_file_rule(
    "disk-source-dev-missing",
    Disk,
    bad=Sample(_BLOCK.format("vg/a"), lacking=("/dev/vg/a",)),
    good=Sample(_BLOCK.format("vg/b"), lacking=("/dev/vg/a",)),
)
def block_devices_are_there(disk: Disk) -> Problems:
    """Attribute ``dev`` of a disk's ``<source>`` must be a block device of the host at start."""
    if path := _source(disk, "block", "dev"):
        help_ = "create or activate it, or name another one"
        yield from needs_file(
            disk, path, "block device", "source/@dev", kinds=("block", "character"), help_=help_
        )


@host_file_rule(
    "disk-source-dir-missing",
    Disk,
    bad=Sample(_FOLDER, lacking=("/a",)),
    good=Sample(_FOLDER, lacking=("/b",)),
)
def folders_of_disks_are_there(disk: Disk) -> Problems:
    """Attribute ``dir`` of ``<source>`` must be a folder of the host, for a
    ``<disk type='dir'>``.
    """
    if path := _source(disk, "dir", "dir"):
        yield from needs_file(disk, path, "folder", "source/@dir", kinds=("folder",))


@host_file_rule(
    "filesystem-source-dir-missing",
    Filesystem,
    bad=Sample(_SHARE, lacking=("/a",)),
    good=Sample(_SHARE, lacking=("/b",)),
)
def shared_folders_are_there(share: Filesystem) -> Problems:
    """Attribute ``dir`` of ``<source>`` in ``<filesystem>`` must be a folder of the host."""
    path = share.attribute("source", "dir")
    if share.type == "mount" and path and not share.socket:
        yield from needs_file(share, path, "shared folder", "source/@dir", kinds=("folder",))


_READ_ONLY = frozenset({"dmg", "cloop", "bochs"})
"""Formats of images that QEMU can only read."""
_DMG = (
    "<disk type='file'><driver name='qemu' type='dmg'/><source file='/a.dmg'/>"
    "<target dev='sda' bus='sata'/>{}</disk>"
)


@rule(
    "disk-format-read-only",
    Disk,
    bad=_DMG.format(""),
    good=_DMG.format("<readonly/>"),
    stage=Stage.START,
)
def formats_can_be_written(disk: Disk) -> Problems:
    """A disk of the format ``dmg``, ``cloop`` or ``bochs`` must be ``<readonly/>``."""
    writable = disk.device != "cdrom" and disk.node.find("readonly") is None
    if disk.format in _READ_ONLY and writable:
        message = f"QEMU cannot write images of the format {disk.format!r}; add <readonly/>"
        yield problem(message, disk, "driver/@type", fix=set_value("", "../readonly"))


_BACKED = (
    "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/a'/><target dev='vda'/>"
    "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore></disk>"
)


@host_file_rule(
    "disk-backingstore-file-missing",
    Disk,
    bad=Sample(_BACKED, lacking=("/b",)),
    good=Sample(_BACKED, lacking=("/c",)),
)
def images_below_are_there(disk: Disk) -> Problems:
    """The files in ``<backingStore>`` and ``<dataStore>`` of a disk must exist on the host."""
    for image in disk.images:
        if image.disk is None:
            yield from _is_there(disk, image.node, image.type, image.source, "backing image")
        store = None if image.source is None else image.source.find("dataStore")
        if store is not None:
            kind = store.get("type", "")
            yield from _is_there(disk, store, kind, store.find("source"), "data file")


def _is_there(disk: Disk, node: Node, kind: str, source: Node | None, what: str) -> Problems:
    """Look at a file below the image that the guest sees."""
    attribute = {"file": "file", "block": "dev"}.get(kind)
    path = source.get(attribute, "") if source is not None and attribute else ""
    for found in needs_file(disk, path, what) if path else ():
        yield msgspec.structs.replace(found, node=node if source is None else source)


_WRITTEN_TWICE = "<disk type='file'><source file='/a'/><target dev='{}'/>{}</disk>"


@rule(
    "disk-source-file-duplicate",
    Disk,
    bad=_WRITTEN_TWICE.format("vda", "") + _WRITTEN_TWICE.format("vdb", "<readonly/>"),
    good=_WRITTEN_TWICE.format("vda", "<readonly/>") + _WRITTEN_TWICE.format("vdb", "<readonly/>"),
    stage=Stage.START,
)
def images_are_written_by_one(disk: Disk) -> Problems:
    """An image file that a disk writes to must not be used by another disk of the domain.

    QEMU locks it, unless all disks that use it are ``<shareable/>``, or none can be written to.
    """
    if disk.node in disk.domain.once(_locked):
        message = (
            "another disk of the domain uses this image, and one of them writes to it; use an "
            "image of its own, or add <readonly/> or <shareable/> to both disks"
        )
        yield problem(message, disk, "source/@file")


class _User(NamedTuple):
    """A disk that opens an image file, and how."""

    disk: Disk
    writes: bool
    shares: bool


def _locked(domain: Domain) -> frozenset[Node]:
    """Give the disks, but the first of each image, that QEMU cannot open."""
    users: dict[str, list[_User]] = {}
    for disk in domain.all(Disk):
        for image in disk.images:
            if image.type == "file" and image.path and disk.device != "lun":
                users.setdefault(image.path, []).append(_user(disk, is_top=image.disk is not None))
    found: set[Node] = set()
    for opened in users.values():
        if any(one.writes for one in opened) and not all(one.shares for one in opened):
            found.update(one.disk.node for one in opened[1:])
    return frozenset(found)


def _user(disk: Disk, *, is_top: bool) -> _User:
    writes = is_top and not disk.is_readonly
    return _User(disk, writes, writes and disk.has("shareable"))
