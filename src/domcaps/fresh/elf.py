"""What an ELF file says to the dynamic loader: its interpreter, the libraries that it needs.

The loader reads three parts, as elf(5) describes them: the file's header, the program headers, and
the dynamic section. They are unpacked here. pyelftools takes 30 ms to load, a tenth of a first
answer, and 30 times as long for the hundred libraries of an emulator; tests compare with it.
"""

from __future__ import annotations

import functools
import os
import struct
from typing import TYPE_CHECKING

from domcaps.facts.regular import regular_handle
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.fresh.identity import Identity

MAGIC = b"\x7fELF"

# elf(5): types of program headers
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
# tags of the dynamic section
_END, _NEEDED, _STRINGS, _STRINGS_SIZE, _RPATH, _RUNPATH = 0, 1, 5, 10, 15, 29
# <elf.h>: other libraries that are loaded with a file; the first two are lists
_AUDIT, _DEPENDENTS_AUDIT, _AUXILIARY, _FILTER = 0x6FFFFEFC, 0x6FFFFEFB, 0x7FFFFFFD, 0x7FFFFFFF
_MOST_STRINGS = 16 << 20
_MOST_DYNAMIC = 1 << 20
_MOST_HEADERS = 256


class BrokenImageError(ValueError):
    """A file that begins like an ELF file is none that a loader would take."""


class _Form(NamedTuple):
    """How a class of ELF files is laid out.

    `header` is what follows the identification, up to the number of program headers; `program` is
    such a header, `order` the places of type, offset, address and size in it; `pair` is an entry of
    the dynamic section.
    """

    header: str
    program: str
    order: tuple[int, int, int, int]
    pair: str


_FORMS = {
    1: _Form("HHIIIIIHHH", "IIIIIIII", (0, 1, 2, 4), "iI"),
    2: _Form("HHIQQQIHHH", "IIQQQQQQ", (0, 2, 3, 5), "qQ"),
}
_BYTE_ORDERS = {1: "<", 2: ">"}
_IDENTIFICATION = 16
_FIRST = 4096


class _Segment(NamedTuple):
    """A program header: `type`, and where the part is in the file and in memory."""

    type: int
    offset: int
    address: int
    size: int


class _File(NamedTuple):
    """An open file, and its first bytes."""

    handle: int
    first: bytes

    def piece(self, start: int, size: int, limit: int) -> bytes:
        """Read a part, or what there is of it; one that is too large is a fault."""
        if size > limit:
            raise BrokenImageError(f"a part of it has {size} bytes")
        end = start + size
        return (
            self.first[start:end] if end <= len(self.first) else os.pread(self.handle, size, start)
        )


class ElfImage(NamedTuple):
    """What an ELF file says to the loader.

    `kind` is its class, byte order and machine: a library must have the same. `interpreter` is ""
    in libraries and in static programs. `rpath` and `runpath` are folders, with ``$ORIGIN`` and the
    like; "." stands for the working folder. `loads` are libraries that are loaded beside those
    that it needs: to watch the loader (``DT_AUDIT``), or in its place (``DT_FILTER``).
    """

    kind: tuple[int, int, int]
    interpreter: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    loads: tuple[str, ...] = ()


@functools.lru_cache(maxsize=1024)
def read_image(path: str, identity: Identity) -> ElfImage | None:  # noqa: ARG001 - names the state
    """Read the file at `path` as it is while it has that identity; None if it is not ELF.

    Raises `OSError` and `BrokenImageError`.
    """
    handle = regular_handle(path)
    try:
        # the headers, and often the name of the interpreter, in one piece: there are hundreds
        first = os.pread(handle, _FIRST, 0)
        return _image(_File(handle, first)) if first.startswith(MAGIC) else None
    finally:
        os.close(handle)


def _image(file: _File) -> ElfImage:
    try:
        return _read(file)
    except BrokenImageError:
        raise
    except (struct.error, ValueError, OverflowError) as error:
        raise BrokenImageError(f"it is a broken ELF file: {error}") from error


def _read(file: _File) -> ElfImage:
    first = file.first
    if len(first) < _IDENTIFICATION:
        raise BrokenImageError("its header is cut off")
    form, order = _FORMS.get(first[4]), _BYTE_ORDERS.get(first[5])
    if form is None or order is None:
        raise BrokenImageError(f"it is of class {first[4]} and byte order {first[5]}")
    _, machine, _, _, start, _, _, _, each, count = struct.unpack_from(
        order + form.header, first, _IDENTIFICATION
    )
    if count > _MOST_HEADERS:
        raise BrokenImageError(f"it has {count} program headers")
    if count and each != struct.calcsize(order + form.program):
        raise BrokenImageError(f"its program headers have {each} bytes")
    data = file.piece(start, count * each, count * each)
    found = struct.iter_unpack(order + form.program, data)
    segments = [_Segment(*(words[at] for at in form.order)) for words in found]
    if len(segments) < count:
        raise BrokenImageError("its program headers are cut off")
    return _described(file, (first[4], first[5], machine), segments, order + form.pair)


def _described(
    file: _File, kind: tuple[int, int, int], segments: Sequence[_Segment], pair: str
) -> ElfImage:
    words = _dynamic(file, segments, pair)
    strings = _strings(file, words, segments)
    return ElfImage(
        kind=kind,
        interpreter=_interpreter(file, segments),
        needed=tuple(_text(strings, value) for value in words.get(_NEEDED, ())),
        rpath=_folders(strings, words.get(_RPATH, ())),
        runpath=_folders(strings, words.get(_RUNPATH, ())),
        loads=_beside(strings, words),
    )


def _of_type(segments: Sequence[_Segment], kind: int) -> _Segment | None:
    return next((segment for segment in segments if segment.type == kind), None)


def _interpreter(file: _File, segments: Sequence[_Segment]) -> str:
    found = _of_type(segments, _INTERPRETER)
    if found is None:
        return ""
    return file.piece(found.offset, found.size, 4096).rstrip(b"\0").decode()


def _dynamic(file: _File, segments: Sequence[_Segment], pair: str) -> dict[int, list[int]]:
    found = _of_type(segments, _DYNAMIC)
    words: dict[int, list[int]] = {}
    if found is None:
        return words
    data = file.piece(found.offset, found.size, _MOST_DYNAMIC)
    whole = len(data) - len(data) % struct.calcsize(pair)
    for tag, value in struct.iter_unpack(pair, data[:whole]):
        if tag == _END:
            break
        words.setdefault(tag, []).append(value)
    return words


def _strings(file: _File, words: dict[int, list[int]], segments: Sequence[_Segment]) -> bytes:
    if _STRINGS not in words or _STRINGS_SIZE not in words:
        return b""
    address, size = words[_STRINGS][0], words[_STRINGS_SIZE][0]
    for segment in segments:
        begin = segment.address
        if segment.type == _LOAD and begin <= address < begin + segment.size:
            return file.piece(segment.offset + address - begin, size, _MOST_STRINGS)
    raise BrokenImageError("its dynamic strings are not in the file")


def _text(strings: bytes, start: int) -> str:
    end = strings.find(b"\0", start)
    if start >= len(strings) or end < 0:
        raise BrokenImageError("a name lies outside of its dynamic strings")
    return strings[start:end].decode("utf-8", "surrogateescape")


def _folders(strings: bytes, values: Sequence[int]) -> tuple[str, ...]:
    texts = [text for value in values if (text := _text(strings, value))]
    return tuple(folder or "." for text in texts for folder in text.split(":"))


def _beside(strings: bytes, words: dict[int, list[int]]) -> tuple[str, ...]:
    lists = (*words.get(_AUDIT, ()), *words.get(_DEPENDENTS_AUDIT, ()))
    watching = (name for value in lists for name in _text(strings, value).split(":"))
    instead = (*words.get(_AUXILIARY, ()), *words.get(_FILTER, ()))
    return tuple(
        name for name in (*watching, *(_text(strings, value) for value in instead)) if name
    )
