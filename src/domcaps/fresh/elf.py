"""What an ELF file says to the dynamic loader: its interpreter, the libraries that it needs.

The headers are read by pyelftools. The dynamic section is a list of pairs of words, which are
unpacked at once: pyelftools makes an object of each, and reads all section headers before, which
takes ten times as long for the hundred libraries of an emulator.
"""

from __future__ import annotations

import functools
import struct
from typing import IO, TYPE_CHECKING

from domcaps.facts.regular import open_regular
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.fresh.identity import Identity

MAGIC = b"\x7fELF"

# elf(5): tags of the dynamic section
_END, _NEEDED, _STRINGS, _STRINGS_SIZE, _RPATH, _RUNPATH = 0, 1, 5, 10, 15, 29
_MOST_STRINGS = 16 << 20
_MOST_DYNAMIC = 1 << 20
_MOST_HEADERS = 256


class BrokenImageError(ValueError):
    """A file that begins like an ELF file is none that a loader would take."""


class ElfImage(NamedTuple):
    """What an ELF file says to the loader.

    `kind` is its class and machine: a library must have the same. `interpreter` is "" in libraries
    and in static programs. `rpath` and `runpath` are folders, with ``$ORIGIN`` and the like.
    """

    kind: tuple[int, str]
    interpreter: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]


@functools.lru_cache(maxsize=1024)
def read_image(path: str, identity: Identity) -> ElfImage | None:  # noqa: ARG001 - names the state
    """Read the file at `path` as it is while it has that identity; None if it is not ELF.

    Raises `OSError` and `BrokenImageError`.
    """
    with open_regular(path) as file:
        if file.read(4) != MAGIC:
            return None
        file.seek(0)
        return _image(file)


def _image(file: IO[bytes]) -> ElfImage:
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        return _read(file, ELFFile(file))
    except BrokenImageError:
        raise
    except (ELFError, ConstructError, struct.error, ValueError, OverflowError) as error:
        raise BrokenImageError(f"it is a broken ELF file: {error}") from error


def _read(file: IO[bytes], elf: ELFFile) -> ElfImage:
    from elftools.common.utils import struct_parse

    count = elf.num_segments()
    if count > _MOST_HEADERS:
        raise BrokenImageError(f"it has {count} program headers")
    start, size = elf["e_phoff"], elf["e_phentsize"]
    headers = [
        struct_parse(elf.structs.Elf_Phdr, file, start + number * size) for number in range(count)
    ]
    words = _dynamic(file, elf, headers)
    strings = _strings(file, words, headers)
    return ElfImage(
        kind=(elf.elfclass, str(elf["e_machine"])),
        interpreter=_interpreter(file, headers),
        needed=tuple(_text(strings, value) for value in words.get(_NEEDED, ())),
        rpath=_folders(strings, words.get(_RPATH, ())),
        runpath=_folders(strings, words.get(_RUNPATH, ())),
    )


def _of_type(headers: Sequence[Header], name: str) -> Header | None:
    return next((header for header in headers if header["p_type"] == name), None)


def _piece(file: IO[bytes], start: int, size: int, limit: int) -> bytes:
    if size > limit:
        raise BrokenImageError(f"a part of it has {size} bytes")
    file.seek(start)
    return file.read(size)


def _interpreter(file: IO[bytes], headers: Sequence[Header]) -> str:
    found = _of_type(headers, "PT_INTERP")
    if found is None:
        return ""
    return _piece(file, found["p_offset"], found["p_filesz"], 4096).rstrip(b"\0").decode()


def _dynamic(file: IO[bytes], elf: ELFFile, headers: Sequence[Header]) -> dict[int, list[int]]:
    found = _of_type(headers, "PT_DYNAMIC")
    words: dict[int, list[int]] = {}
    if found is None:
        return words
    form = ("<" if elf.little_endian else ">") + ("qQ" if elf.elfclass == 64 else "iI")
    data = _piece(file, found["p_offset"], found["p_filesz"], _MOST_DYNAMIC)
    whole = len(data) - len(data) % struct.calcsize(form)
    for tag, value in struct.iter_unpack(form, data[:whole]):
        if tag == _END:
            break
        words.setdefault(tag, []).append(value)
    return words


def _strings(file: IO[bytes], words: dict[int, list[int]], headers: Sequence[Header]) -> bytes:
    if _STRINGS not in words or _STRINGS_SIZE not in words:
        return b""
    address, size = words[_STRINGS][0], words[_STRINGS_SIZE][0]
    for header in headers:
        begin = header["p_vaddr"]
        if header["p_type"] == "PT_LOAD" and begin <= address < begin + header["p_filesz"]:
            return _piece(file, header["p_offset"] + address - begin, size, _MOST_STRINGS)
    raise BrokenImageError("its dynamic strings are not in the file")


def _text(strings: bytes, start: int) -> str:
    end = strings.find(b"\0", start)
    if start >= len(strings) or end < 0:
        raise BrokenImageError("a name lies outside of its dynamic strings")
    return strings[start:end].decode("utf-8", "surrogateescape")


def _folders(strings: bytes, values: Sequence[int]) -> tuple[str, ...]:
    return tuple(
        folder for value in values for folder in _text(strings, value).split(":") if folder
    )


if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from elftools.elf.elffile import ELFFile

    Header = Mapping[str, Any]
