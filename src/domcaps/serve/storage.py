"""Folders as pools of storage, looked at and never changed.

Tools that make domains (``virt-install --disk``) want to know of each image whether it is there,
how large it is and in which format; they make a pool of its folder for that, and ask the pool.
Such a pool is kept while its connection lasts. Its volumes are what stands in the folder when
a client asks; nothing is made, removed or written. In a sandbox a pool may be of any type, and has
further volumes that exist in memory alone (`domcaps.serve.made_volumes`).
"""

from __future__ import annotations

import os
import stat
import sys
import uuid
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from domcaps.serve import access
from domcaps.serve.access import Peer
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.made_volumes import MadeVolume
from domcaps.serve.xml.documents import parse, uuid_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

FILE, BLOCK, FOLDER = 0, 1, 2
"""``virStorageVolType``."""

MOST_VOLUMES = 16384
"""``REMOTE_STORAGE_VOL_LIST_MAX``: more are not listed."""

KINDS = {
    "dir", "disk", "fs", "gluster", "iscsi", "iscsi-direct", "logical", "mpath", "netfs", "rbd",
    "scsi", "vstorage", "zfs",
}  # fmt: skip
"""Types of pools that libvirt knows."""

_ROOM = 1024**4
"""Bytes that a pool of a sandbox has room for."""

_MAGIC = (
    (0, b"QFI\xfb", "qcow2"), (0, b"QED\x00", "qed"), (0, b"KDMV", "vmdk"), (0, b"COWD", "vmdk"),
    (0, b"vhdxfile", "vhdx"), (0, b"conectix", "vpc"), (0x40, b"\x7f\x10\xda\xbe", "vdi"),
)  # fmt: skip
_LONGEST_NAME, _LONGEST_PATH = 1024, 4096
_ISO, _ISO_AT = b"CD001", 0x8001
_QCOW2_SIZE = slice(24, 32)


class Pool(msgspec.Struct):
    """A folder. `real` tells whether it is one of this machine, or of a host that was recorded.

    It reveals nothing that `peer`, the user of the client, could not see. In a sandbox `kind` is
    its type, `text` its definition, and `made` has the volumes that exist there alone, by name.
    """

    name: str
    uuid: bytes
    path: str
    real: bool
    active: bool = False
    lasting: bool = True
    autostart: bool = False
    peer: Peer = Peer()
    kind: str = "dir"
    text: str = ""
    made: dict[str, MadeVolume] = {}

    @property
    def handle(self) -> tuple[str, bytes]:
        """What it is on the wire."""
        return self.name, self.uuid

    @property
    def made_paths(self) -> tuple[str, ...]:
        """The paths of volumes that exist in a sandbox alone."""
        return tuple(volume.path for volume in self.made.values())

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        own = sys.getsizeof(self.name) + sys.getsizeof(self.path) + sys.getsizeof(self.text) + 500
        return own + sum(volume.size for volume in self.made.values())

    def sizes(self) -> tuple[int, int, int]:
        """Give capacity, allocation and what is free, in bytes, of the file system it is on."""
        if not self.active:
            return 0, 0, 0
        if not self.real:
            return self._made_sizes()
        try:
            found = self._file_system()
        except PermissionError:
            return 0, 0, 0
        except OSError as error:
            raise LibvirtError(
                ErrorNumber.SYSTEM_ERROR, f"{self.path}: {error.strerror}", ErrorDomain.STORAGE
            ) from error
        capacity, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
        return capacity, capacity - free, free

    def _made_sizes(self) -> tuple[int, int, int]:
        """Give sizes of a pool of a sandbox, which has room for a lot."""
        if not self.text:
            return 0, 0, 0
        taken = sum(volume.allocation for volume in self.made.values())
        return _ROOM, taken, max(_ROOM - taken, 0)

    def _file_system(self) -> os.statvfs_result:
        """Look at the file system of the nearest folder that there is: it would be made there."""
        folder = self.path
        while True:
            try:
                with access.held(folder, self.peer) as number:
                    if stat.S_ISDIR(os.fstat(number).st_mode):
                        return os.fstatvfs(number)
            except (FileNotFoundError, NotADirectoryError):
                if folder == "/":
                    raise
            folder = os.path.dirname(folder)  # noqa: PTH120 - there are no links in the text

    def volumes(self) -> list[Volume | MadeVolume]:
        """Give what stands in the folder and what was made in the sandbox, by name."""
        if not self.active:
            return []
        names = {volume.name for volume in self.made.values()}
        seen = (volume for volume in self._seen_volumes() if volume.name not in names)
        return sorted([*seen, *self.made.values()], key=lambda volume: volume.name)

    def _seen_volumes(self) -> list[Volume]:
        if not self.real:
            return []
        try:
            found = sorted(islice(access.listing(self.path, self.peer), MOST_VOLUMES))
        except OSError:
            return []
        volumes = (self._volume(name, status) for name, status in found)
        return [volume for volume in volumes if volume is not None]

    def volume(self, name: str) -> Volume | MadeVolume | None:
        """Look at one file, None where there is none that could be a disk."""
        if not self.active:
            return None
        if name in self.made:
            return self.made[name]
        if not self.real or "/" in name or name in {"", ".", ".."}:
            return None
        try:
            return self._volume(name, access.status(f"{self.path}/{name}", self.peer))
        except OSError:
            return None

    def _volume(self, name: str, found: os.stat_result) -> Volume | None:
        kinds = ((stat.S_ISREG, FILE), (stat.S_ISBLK, BLOCK), (stat.S_ISDIR, FOLDER))
        kind = next((kind for is_one, kind in kinds if is_one(found.st_mode)), None)
        path = f"{self.path.rstrip('/')}/{name}"
        return None if kind is None else Volume(self.name, name, path, kind, found, self.peer)

    def xml(self) -> str:
        """Describe it as libvirt does."""
        root = etree.Element("pool", type=self.kind)
        _add(root, "name", self.name)
        _add(root, "uuid", str(uuid.UUID(bytes=self.uuid)))
        sizes = zip(("capacity", "allocation", "available"), self.sizes(), strict=True)
        for name, size in sizes:
            _add(root, name, str(size)).set("unit", "bytes")
        given = parse(self.text).find("source") if self.text else None
        root.append(etree.Element("source") if given is None else given)
        _add(etree.SubElement(root, "target"), "path", self.path)
        return etree.tostring(root, encoding="unicode", pretty_print=True)


class Volume(msgspec.Struct, frozen=True):
    """A file in a pool."""

    pool: str
    name: str
    path: str
    kind: int
    stat: os.stat_result
    peer: Peer = Peer()

    @property
    def handle(self) -> tuple[str, str, str]:
        """What it is on the wire: a volume in a folder has its path for a key."""
        return self.pool, self.name, self.path

    def info(self) -> tuple[int, int, int]:
        """Give its type, and in bytes what a guest sees and what it takes."""
        return self.kind, self._seen()[1], self._taken

    @property
    def _taken(self) -> int:
        return self.stat.st_blocks * 512

    def _seen(self) -> tuple[str, int]:
        """Give format and size of the disk that the file holds."""
        size = self.stat.st_size
        if self.kind != FILE:
            return ("dir" if self.kind == FOLDER else "raw"), size
        try:
            head = access.head(self.path, self.stat, _ISO_AT + len(_ISO), self.peer)
        except OSError:
            return "raw", size  # as libvirt says of what it may not read
        for at, magic, name in _MAGIC:
            if head[at : at + len(magic)] == magic:
                inner = int.from_bytes(head[_QCOW2_SIZE], "big")
                return name, inner if name == "qcow2" else size
        return ("iso" if head[_ISO_AT:] == _ISO else "raw"), size

    def xml(self) -> str:
        """Describe it as libvirt does."""
        form, capacity = self._seen()
        root = etree.Element("volume", type=("file", "block", "dir")[self.kind])
        _add(root, "name", self.name)
        _add(root, "key", self.path)
        _add(root, "capacity", str(capacity)).set("unit", "bytes")
        _add(root, "allocation", str(self._taken)).set("unit", "bytes")
        _add(root, "physical", str(self.stat.st_size)).set("unit", "bytes")
        target = etree.SubElement(root, "target")
        _add(target, "path", self.path)
        etree.SubElement(target, "format", type=form)
        rights = etree.SubElement(target, "permissions")
        _add(rights, "mode", f"{stat.S_IMODE(self.stat.st_mode):04o}")
        _add(rights, "owner", str(self.stat.st_uid))
        _add(rights, "group", str(self.stat.st_gid))
        return etree.tostring(root, encoding="unicode", pretty_print=True)


def pool_of(
    xml: str | bytes,
    *,
    real: bool,
    peer: Peer = Peer(),  # noqa: B008 - immutable
    made: bool = False,
) -> Pool:
    """Read the description of a pool; raises `LibvirtError` for what is no folder.

    One that is `made` for a sandbox may be of any type.
    """
    root = parse(xml, ErrorDomain.STORAGE)
    kind, name = root.get("type"), (root.findtext("name") or "").strip()
    path = (root.findtext("target/path") or "").strip()
    if root.tag != "pool" or (kind != "dir" and not (made and kind in KINDS)):
        detail = f"a pool of type {kind!r}: here there are folders alone ('dir')"
        raise LibvirtError(ErrorNumber.OPERATION_UNSUPPORTED, detail, ErrorDomain.STORAGE)
    if len(name.encode(errors="replace")) > _LONGEST_NAME or len(path) > _LONGEST_PATH:
        raise LibvirtError(
            ErrorNumber.XML_ERROR, "the pool's name or path is too long", ErrorDomain.STORAGE
        )
    if not name or "/" in name:
        raise LibvirtError(
            ErrorNumber.XML_ERROR, "the pool needs a <name> without '/'", ErrorDomain.STORAGE
        )
    if kind != "dir" and not path:
        path = f"/dev/{name}"
    if not path.startswith("/"):
        detail = "the pool needs <target><path>, an absolute path"
        raise LibvirtError(ErrorNumber.XML_ERROR, detail, ErrorDomain.STORAGE)
    number = uuid_of(root, ErrorDomain.STORAGE) or uuid.uuid4().bytes
    pool = Pool(name, number, os.path.normpath(path), real and kind == "dir", peer=peer)
    if made:
        pool.kind, pool.text = str(kind), etree.tostring(root, encoding="unicode", with_tail=False)
    return pool


def _add(parent: Node, name: str, text: str) -> Node:
    node = etree.SubElement(parent, name)
    try:
        node.text = text
    except ValueError:  # a file's name may hold what XML can't
        node.text = text.encode("ascii", "backslashreplace").decode()
    return node
