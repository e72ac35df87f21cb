"""Files in the folder of a run: images of disks, which take no space, and what is read of them."""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

_CLUSTER = 1 << 16
_MAGIC = b"QFI\xfb"
_SECTOR = 512
_HEADER, _SIZE_AT = 32, 24
USUAL_SIZE = 1 << 30
"""The size of a disk whose image is not there."""


def write_empty(path: Path, size: int = USUAL_SIZE) -> str:
    """Make a file that takes no space on disk; gives its path."""
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


def write_qcow2(path: Path, size: int = USUAL_SIZE) -> str:
    """Make an image of qcow2 without content; gives its path."""
    size = max(-(-size // _SECTOR) * _SECTOR, _SECTOR)
    covered = _CLUSTER * (_CLUSTER // 8)
    entries = -(-size // covered)
    tables = -(-entries * 8 // _CLUSTER)
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", _MAGIC, 2, 0, 0, 16, size, 0, entries, 3 * _CLUSTER, _CLUSTER, 1, 0, 0
    )
    used = struct.pack(f">{3 + tables}H", *[1] * (3 + tables))
    parts = (header, struct.pack(">Q", 2 * _CLUSTER), used)
    with path.open("wb") as file:
        file.write(b"".join(part.ljust(_CLUSTER, b"\0") for part in parts))
        file.truncate((3 + tables) * _CLUSTER)
    return str(path)


def virtual_size(path: str, form: str) -> int:
    """Give the size of the disk in an image, the usual one where it is not known."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        start = file.read(_HEADER)
        if form == "qcow2":
            is_one = start.startswith(_MAGIC) and len(start) == _HEADER
            return int(struct.unpack_from(">Q", start, _SIZE_AT)[0]) if is_one else USUAL_SIZE
        if form == "raw":
            return max(file.seek(0, os.SEEK_END), _SECTOR)
    return USUAL_SIZE


def is_qcow2(path: str) -> bool:
    """Tell whether a file begins as an image of qcow2 does."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        return file.read(4) == _MAGIC
    return False
