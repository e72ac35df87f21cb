"""QEMU's modules: where an emulator looks for them, and what each of them needs.

An emulator loads what it finds when it is asked for its types, and goes on without what it can't
load. So each module counts by its name, what a link leads to as well, and so do the places where
the loader would look for a library that one needs: what is missing may come.
"""

from __future__ import annotations

import functools
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from domcaps.facts.regular import open_regular
from domcaps.fresh.elf import MAGIC
from domcaps.fresh.elf_constants import constant_parts
from domcaps.fresh.loader import dependencies_of_modules
from domcaps.fresh.witness import Listing, ProgramFile, TrustedFolder, Witness
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.fresh.host_view import HostView
    from domcaps.fresh.identity import Identity

_MOST_PROGRAM = 512 << 20
_PIECE = 256 << 10
"""Small enough for memory that is used again: new pages take longer than reading them."""
_LONGEST_NAME = 256
"""Bytes, more than `_MODULES` can match."""
_END = b"/qemu\0"
_MODULES = late_pattern(rb"\0(/[\w./+-]{1,200}/qemu)\0")
_SUFFIX = ".so"


def module_witnesses(path: str, loaded: Iterable[str], host_view: HostView) -> Iterator[Witness]:
    """Give what the modules of an emulator depend on, which loaded these files."""
    modules = []
    for folder in module_folders(path, loaded, host_view):
        yield Listing(folder)
        names = _module_names(folder, host_view)
        if names:
            yield TrustedFolder(folder)
        modules += [f"{folder}/{name}" for name in names]
    yield from map(ProgramFile, modules)
    yield from _library_witnesses(path, modules, host_view)


def libraries_of_modules(
    path: str, folders: Iterable[str], host_view: HostView
) -> tuple[Witness, ...]:
    """Give what the loader looks at for the modules in some folders: libraries, and where to."""
    named = (f"{folder}/{name}" for folder in folders for name in _module_names(folder, host_view))
    return _library_witnesses(path, list(named), host_view)


def _module_names(folder: str, host_view: HostView) -> list[str]:
    return [name for name in host_view.files.names_or_none(folder) if name.endswith(_SUFFIX)]


def _library_witnesses(path: str, modules: list[str], host_view: HostView) -> tuple[Witness, ...]:
    if not modules or not host_view.files.is_live:
        return ()
    library_path = host_view.passed("LD_LIBRARY_PATH") or ""
    return dependencies_of_modules(path, modules, host_view, library_path).witnesses


def module_folders(path: str, loaded: Iterable[str], host_view: HostView) -> tuple[str, ...]:
    """Name the folders that QEMU loads modules from.

    That is the one which it was built for, the same place relative to where the program is
    (``get_relocated_path`` in QEMU's cutils.c), ``$QEMU_MODULE_DIR``, and one for those that an
    upgrade left behind. Without the first, the usual ones are taken.
    """
    libraries = {str(PurePosixPath(file).parent) for file in loaded if ".so" in file}
    candidates = {f"{folder}/qemu" for folder in libraries if not folder.endswith("/qemu")}
    candidates |= {folder for folder in libraries if folder.endswith("/qemu")}
    built = _built_for(path, host_view)
    usual = ("lib/qemu", "lib64/qemu", f"lib/{os.uname().machine}-linux-gnu/qemu")
    below = {below for folder in built for below in _tails(folder)}
    for prefix in {
        PurePosixPath(place).parent.parent for place in (path, host_view.real_path(path))
    }:
        candidates |= {f"{prefix}/{part}" for part in (*below, *usual)}
    candidates |= set(built)
    candidates.add("/var/run/qemu")
    if named := host_view.passed("QEMU_MODULE_DIR"):
        candidates.add(named)
    return tuple(sorted(folder for folder in candidates if folder.startswith("/")))


def _tails(folder: str) -> Iterator[str]:
    parts = folder.strip("/").split("/")
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _built_for(path: str, host_view: HostView) -> tuple[str, ...]:
    """Give the folders for modules whose names are in a program."""
    identity = host_view.identity(path)
    return () if identity is None else _named_in(host_view.files.real(path), identity)


@functools.lru_cache(maxsize=64)
def _named_in(real: str, identity: Identity) -> tuple[str, ...]:  # noqa: ARG001 - names the state
    try:
        with open_regular(real) as file:
            if file.read(4) != MAGIC or os.fstat(file.fileno()).st_size > _MOST_PROGRAM:
                return ()
            # names are constants, as a rule; where there is none, they may be anywhere
            found = _names_of(file, constant_parts(file)) or _names_of(file, [(0, _MOST_PROGRAM)])
    except (OSError, ValueError):
        return ()
    return tuple(sorted(name.decode() for name in found))


def _names_of(file: BinaryIO, parts: Iterable[tuple[int, int]]) -> set[bytes]:
    return {name for part in parts for piece in _pieces(file, *part) for name in _names_in(piece)}


def _names_in(piece: bytes) -> Iterator[bytes]:
    """Give the folders for modules that a piece of a program names.

    A program has many zero bytes, where a name may begin: the few ends are found sooner.
    """
    at = piece.find(_END)
    while at >= 0:
        match = _MODULES.match(piece, piece.rfind(b"\0", max(0, at - _LONGEST_NAME), at))
        if match:
            yield match[1]
        at = piece.find(_END, at + 1)


def _pieces(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    """Read a part of a file in pieces, each with the end of the one before: no name is cut in two.

    It is not mapped into memory: an upgrade that makes the file shorter meanwhile would end this
    process (SIGBUS).
    """
    file.seek(start)
    end = b""
    while piece := file.read(min(_PIECE, size)):
        size -= len(piece)
        yield end + piece
        end = piece[-_LONGEST_NAME:]
