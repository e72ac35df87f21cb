"""``<source>`` of a disk that is of another type: what the source says counts, not the type.

::

    <disk type='block' device='cdrom'><source file='/iso/a.iso'/>…</disk>   libvirt reads 'dev' only
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.storage.disk import Disk
from domcaps.language.finding import Severity
from domcaps.language.fix import Fix, set_value
from domcaps.language.rule import Problems, problem, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_KINDS = {
    "file": "file", "dev": "block", "dir": "dir", "protocol": "network", "pool": "volume",
    "volume": "volume",
}  # fmt: skip
"""Which type of disk an attribute of ``<source>`` belongs to."""
_OF_PATH = {"file": "file", "block": "dev", "dir": "dir"}
"""Which attribute has the path, by the type of a disk."""
_ALIKE = ("name", "path")
"""Attributes of other types in which people write the path of an image."""
_DEVICES = "/dev/"


def of_source(disk: Disk, at: str = "../@type") -> Iterator[Fix]:
    """Let a disk be of the type that its source is of, where it has one of another type.

    A path that fits the disk's type gets the attribute of that type, a device node for example the
    attribute ``dev``. `at` is the path of the type from the element of the finding, the
    ``<source>`` as a rule.
    """
    source, kind = disk.find("source"), disk.image.type
    base = "" if at.startswith("..") else "source/"
    name = _strange_attribute(source, kind)
    if source is None or not name:
        return
    path = source.get(name, "")
    meant = _type_of_path(path) if name in {"file", "dev", *_ALIKE} else _KINDS[name]
    if meant == kind or name in _ALIKE:
        moved = (f"{base}@{_OF_PATH[meant]}", path)
        values = (moved,) if meant == kind else ((at, meant), moved)
        yield Fix(values=values, without=(f"{base}@{name}",))
    elif _KINDS[name] != kind:
        yield set_value(_KINDS[name], at)


def _type_of_path(path: str) -> str:
    """Give the type of disk that a path is of."""
    return "block" if path.startswith(_DEVICES) else "file"


def _strange_attribute(source: Node | None, kind: str) -> str:
    """Name the first attribute of a source that belongs to another type of disk, "" for none."""
    for name in () if source is None else map(str, source.keys()):
        if _KINDS.get(name, kind) != kind:
            return name
        if name in _ALIKE and kind in {"file", "block"} and source.get(name, "").startswith("/"):  # type: ignore[union-attr]
            return name
    return ""


def _reads_nothing(disk: Disk) -> bool:
    """Tell whether libvirt finds no image where a source names one."""
    image = disk.image
    if image.type == "volume":
        return image.source is not None and not {"pool", "volume"} & set(image.source.keys())
    return image.is_local and image.is_empty


_DRIVE = "<disk type='{}' device='cdrom'>{}<target dev='sda' bus='scsi'/></disk>"
_IMAGE = "<source file='/var/lib/libvirt/images/install.iso'/>"


@rule(
    "disk-source-ignored",
    Disk,
    bad=_DRIVE.format("block", _IMAGE),
    good=_DRIVE.format("file", _IMAGE),
    severity=Severity.WARNING,
)
def sources_of_drives_are_read(disk: Disk) -> Problems:
    """Attribute ``type`` of a CD-ROM or floppy ``<disk>`` should be that of its ``<source>``:
    ``file`` for the attribute ``file``, ``block`` for ``dev``, ``volume`` for ``pool``.

    Libvirt ignores attributes of other types, and the drive is empty.
    """
    source = disk.find("source")
    name = _strange_attribute(source, disk.image.type)
    if source is None or not name or disk.device not in {"cdrom", "floppy"}:
        return
    if _reads_nothing(disk):
        message = passed_over(disk, "so the drive is empty")
        yield problem(message, source, f"@{name}", fix=of_source(disk))


def passed_over(disk: Disk, so: str) -> str:
    """Say which attribute of a source libvirt does not read, and what to write; "" for none.

    `so` is what follows for the disk.
    """
    name = _strange_attribute(disk.find("source"), disk.image.type)
    if not name:
        return ""
    reads = _OF_PATH.get(disk.image.type)
    only = f", only {reads!r}" if reads else ""
    text = f"libvirt does not read the attribute {name!r} of <source> in a <disk type="
    values = (value for fix in of_source(disk) for value in fix.values)
    kind = next((kind for at, kind in values if at.endswith("@type")), "")
    use = f"type={kind!r}" if kind else f"the attribute {reads!r}"
    return f"{text}{disk.image.type!r}>{only}, {so}; use {use}"
