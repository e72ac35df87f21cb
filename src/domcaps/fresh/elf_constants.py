"""Where an ELF file has constants: of a QEMU that is the tenth part of the file.

The section headers tell it (elf(5)). No loader needs them, so that a program may have none.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from domcaps.fresh.elf import MAGIC

if TYPE_CHECKING:
    from typing import BinaryIO

_HEADERS = {1: "HHIIIIIHHHHH", 2: "HHIQQQIHHHHH"}
"""What follows the identification, up to the number of section headers."""
_SECTIONS = {1: "IIIIII", 2: "IIQQQQ"}
"""The beginning of a section header: name, type, flags, address, offset, size."""
_BYTE_ORDERS = {1: "<", 2: ">"}
_IDENTIFICATION = 16
_MOST_SECTIONS = 4096
_IN_FILE = 1
_WRITABLE, _LOADED, _EXECUTABLE = 1, 2, 4


def constant_parts(file: BinaryIO) -> list[tuple[int, int]]:
    """Give the offsets and sizes of what is only read; none where the file does not tell."""
    file.seek(0)
    first = file.read(_IDENTIFICATION)
    if len(first) < _IDENTIFICATION or not first.startswith(MAGIC):
        return []
    form, order = first[4], _BYTE_ORDERS.get(first[5])
    if form not in _HEADERS or order is None:
        return []
    header = struct.Struct(order + _HEADERS[form])
    section = struct.Struct(order + _SECTIONS[form])
    try:
        words = header.unpack(file.read(header.size))
        start, each, count = words[5], words[10], words[11]
        if each < section.size or count > _MOST_SECTIONS:
            return []
        file.seek(start)
        table = file.read(each * count)
        listed = [section.unpack_from(table, each * at) for at in range(count)]
    except (struct.error, ValueError, OverflowError):
        return []
    return [
        (offset, size)
        for _, kind, flags, _, offset, size in listed
        if kind == _IN_FILE and flags & (_WRITABLE | _LOADED | _EXECUTABLE) == _LOADED
    ]
