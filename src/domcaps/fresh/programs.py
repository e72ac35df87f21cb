"""What a program is made of: the files that are loaded when it runs, and how they are found.

Before it runs, that is worked out: a script names the program that it starts (`scripts`), and the
dynamic loader's rules say which libraries that program gets (`loader`). While it runs, the kernel
is asked (``/proc/PID/maps``, ``/proc/PID/exe``): the program must be the one that was expected, the
libraries must be those of the rules, and what else was loaded, such as QEMU's modules, is added.

Wherever something is not certain there is a *doubt*, and the answer is not kept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from domcaps.fresh.elf import MAGIC
from domcaps.fresh.identity import Identity
from domcaps.fresh.loader import CACHE, CACHE_LIMIT, dependencies
from domcaps.fresh.scripts import LIMIT, is_script, understood
from domcaps.fresh.witness import (
    Content,
    EnvironmentVariable,
    Executable,
    Existence,
    Listing,
    ProgramFile,
    Witness,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.facts.record import Helper
    from domcaps.fresh.fetch import Fetch
    from domcaps.fresh.surroundings import Surroundings

LINKER_CACHE = Content(CACHE, CACHE_LIMIT)
"""Which library is found under which name; written anew when libraries come or go."""

LINKER_VARIABLES = ("LD_LIBRARY_PATH", "GLIBC_TUNABLES")
"""Variables that a program gets and that make the dynamic linker take other libraries."""

_COMPANIONS = {"swtpm_setup": ("swtpm",)}
_MOST_STEPS = 8
_MOST_PROGRAM = 512 << 20
_VERSIONED = re.compile(r"(?P<name>.+\.so)(?P<numbers>(\.\d+)+)")
_RELEASED = re.compile(r"(?P<name>.+/lib[^/-]+)-[\d.]+\.so")
_PIECE = 4 << 20
_LONGEST_NAME = 256
"""Bytes, more than `_MODULES` can match."""
_MODULES = re.compile(rb"\0(/[\w./+-]{1,200}/qemu)\0")
_NO_DATA = ("/dev/", "/memfd:", "/SYSV", "/anon_hugepage")


class Mapped(NamedTuple):
    """A file that a running program has mapped, and its inode number."""

    path: str
    inode: int


class Running(NamedTuple):
    """What a process and those that it started consist of.

    `files` is what they have mapped, `programs` the device and inode number of each one's program.
    """

    files: frozenset[Mapped]
    programs: frozenset[tuple[int, int]]


class Parts(NamedTuple):
    """What is known of a program before it runs.

    `program` is what runs in the end, "" where that is not known. `groups` are the files that the
    loader takes, each one of several. `doubts` say why something else may be taken unnoticed.
    """

    witnesses: tuple[Witness, ...]
    program: str
    groups: tuple[tuple[str, ...], ...]
    doubts: tuple[str, ...]


# -- of something that runs ------------------------------------------------------------------


def running(pid: int) -> Running:
    """Look at a process and those that it started, as far as they can be seen."""
    family = tuple(_family(pid))
    return Running(
        frozenset(found for number in family for found in _mapped(number)),
        frozenset(found for number in family for found in _program_of(number)),
    )


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _program_of(pid: int) -> Iterator[tuple[int, int]]:
    try:
        found = Path(f"/proc/{pid}/exe").stat()
    except OSError:
        return
    yield found.st_dev, found.st_ino


def _mapped(pid: int) -> Iterator[Mapped]:
    try:
        # bytes: the kernel makes up the file, and a name may be any
        lines = Path(f"/proc/{pid}/maps").read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and parts[5].startswith(b"/"):
            path = os.fsdecode(parts[5]).removesuffix(" (deleted)")
            if not path.startswith(_NO_DATA):
                yield Mapped(path, int(parts[4]))


# -- before it runs --------------------------------------------------------------------------


def program_parts(path: str, around: Surroundings) -> Parts:
    """Work out what runs when a path is executed."""
    witnesses: dict[Witness, None] = {}
    groups: list[tuple[str, ...]] = []
    doubts: dict[str, None] = {}
    library_path = around.environ.get("LD_LIBRARY_PATH", "")
    program = path
    for _ in range(_MOST_STEPS):
        witnesses |= dict.fromkeys((Executable(program), ProgramFile(program)))
        start = _start(program, around)
        if not is_script(start):
            if around.files.is_live:
                doubts |= _follow(program, around, library_path, witnesses, groups)
            return Parts(tuple(witnesses), program, tuple(groups), tuple(doubts))
        script = understood(start) if len(start) <= LIMIT else None
        if script is None:
            doubts[f"what the script {program} reads is not known"] = None
            return Parts(tuple(witnesses), "", (), tuple(doubts))
        witnesses |= dict.fromkeys(
            (Executable(script.interpreter), ProgramFile(script.interpreter))
        )
        if around.files.is_live:
            if is_script(_start(script.interpreter, around)):
                doubts[f"what the script {script.interpreter} reads is not known"] = None
            doubts |= _follow(script.interpreter, around, library_path, witnesses, [])
        if not script.program:
            return Parts(tuple(witnesses), program, (), tuple(doubts))
        program = _looked_up(script.program, around, witnesses)
        if not program:
            # the shell says that it finds none, which a later one would change
            return Parts(tuple(witnesses), "", (), tuple(doubts))
    doubts[f"{path} leads from one script to another too often"] = None
    return Parts(tuple(witnesses), "", (), tuple(doubts))


def _follow(
    program: str,
    around: Surroundings,
    library_path: str,
    witnesses: dict[Witness, None],
    groups: list[tuple[str, ...]],
) -> dict[str, None]:
    found = dependencies(program, around, library_path)
    witnesses |= dict.fromkeys(found.witnesses)
    groups += found.groups
    return dict.fromkeys(found.doubts)


def _start(path: str, around: Surroundings) -> bytes:
    """Give a script, one byte more than may be understood, or the first bytes of a program."""
    try:
        with open(around.files.real(path), "rb") as file:  # noqa: PTH123 - text in
            start = file.read(4)
            return start + file.read(LIMIT) if is_script(start) else start
    except (OSError, ValueError):
        return b""


def _looked_up(name: str, around: Surroundings, witnesses: dict[Witness, None]) -> str:
    """Find a program as the shell does; every place where it is looked for counts."""
    if "/" in name:
        return name if name.startswith("/") else ""
    witnesses[EnvironmentVariable("PATH")] = None
    for folder in around.environ.get("PATH", "").split(":"):
        place = f"{folder}/{name}"
        witnesses[Executable(place)] = None
        if around.files.program(place) is not None:
            return place if place.startswith("/") else ""
    return ""


# -- after it ran ----------------------------------------------------------------------------


def mismatches(parts: Parts, seen: Running, around: Surroundings) -> Iterator[str]:
    """Say where what ran is not what was expected."""
    if not parts.program or not around.files.is_live:
        return
    if not seen.files or not seen.programs:
        yield f"the files that {parts.program} loads can't be seen (/proc/PID/maps)"
        return
    expected = _number(parts.program, around)
    if seen.programs != {expected}:
        yield f"{parts.program} starts other programs: what they read is not known"
    loaded = {mapped.inode for mapped in seen.files}
    for group in parts.groups:
        if not any(_number(place, around)[1] in loaded for place in group):
            yield f"{group[0]} was not loaded, as the loader's rules say"
            return


def _number(path: str, around: Surroundings) -> tuple[int, int]:
    found = around.identity(path)
    return (-1, -1) if found is None else (found.device, found.inode)


def loaded_witnesses(path: str, files: Iterable[str], around: Surroundings) -> tuple[Witness, ...]:
    """Give what an emulator turned out to consist of: what it loaded, and where it looked."""
    loaded = sorted(set(files))
    found: dict[Witness, None] = dict.fromkeys(
        ProgramFile(_by_short_name(file, around)) for file in loaded
    )
    found.update(dict.fromkeys(Listing(folder) for folder in _module_folders(path, loaded, around)))
    found[LINKER_CACHE] = None
    return tuple(found)


def _module_folders(path: str, loaded: list[str], around: Surroundings) -> Iterator[str]:
    """Name the folders that QEMU loads modules from.

    That is the one which it was built for, the same place relative to where the program is
    (``get_relocated_path`` in QEMU's cutils.c), ``$QEMU_MODULE_DIR``, and one for those that an
    upgrade left behind. Without the first, the usual ones are taken.
    """
    libraries = {str(PurePosixPath(file).parent) for file in loaded if ".so" in file}
    candidates = {f"{folder}/qemu" for folder in libraries if not folder.endswith("/qemu")}
    candidates |= {folder for folder in libraries if folder.endswith("/qemu")}
    built = _built_for(path, around)
    usual = ("lib/qemu", "lib64/qemu", f"lib/{os.uname().machine}-linux-gnu/qemu")
    below = {below for folder in built for below in _tails(folder)}
    for prefix in {PurePosixPath(place).parent.parent for place in (path, around.real_path(path))}:
        candidates |= {f"{prefix}/{part}" for part in (*below, *usual)}
    candidates |= set(built)
    candidates.add("/var/run/qemu")
    if named := around.environ.get("QEMU_MODULE_DIR"):
        candidates.add(named)
    return iter(sorted(folder for folder in candidates if folder.startswith("/")))


def _tails(folder: str) -> Iterator[str]:
    parts = folder.strip("/").split("/")
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _built_for(path: str, around: Surroundings) -> tuple[str, ...]:
    """Give the folders for modules whose names are in a program."""
    try:
        with open(around.files.real(path), "rb") as file:  # noqa: PTH123 - text in
            if file.read(4) != MAGIC or os.fstat(file.fileno()).st_size > _MOST_PROGRAM:
                return ()
            file.seek(0)
            found = {match[1] for piece in _pieces(file) for match in _MODULES.finditer(piece)}
    except (OSError, ValueError):
        return ()
    return tuple(sorted(name.decode() for name in found))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Read a file in pieces, each with the end of the one before, so that no name is cut in two.

    It is not mapped into memory: an upgrade that makes the file shorter meanwhile would end this
    process (SIGBUS).
    """
    end = b""
    while piece := file.read(_PIECE):
        yield end + piece
        end = piece[-_LONGEST_NAME:]


def _by_short_name(path: str, around: Surroundings) -> str:
    """Give the name by which the linker finds a library: a link may be turned to another file."""
    wanted = around.identity(path)
    names = (name for name in _short_names(path) if around.identity(name) == wanted)
    return path if wanted is None else next(names, path)


def _short_names(path: str) -> Iterator[str]:
    """Give the names that links to a library may have: ``libz.so.1`` for ``libz.so.1.2.13``."""
    if match := _VERSIONED.fullmatch(path):
        short = match["name"]
        for number in match["numbers"].split(".")[1:]:
            short = f"{short}.{number}"
            yield short
    elif match := _RELEASED.fullmatch(path):
        # ``libelf-0.188.so`` is found as ``libelf.so.1``: the number says nothing of the other
        yield from (f"{match['name']}.so.{number}" for number in range(10))


# -- of a helper program ---------------------------------------------------------------------


def look_at_helper(helper: Helper, fetch: Fetch) -> None:
    """Look at all that a helper program's answer may depend on."""
    for name in LINKER_VARIABLES:
        fetch.environ.get(name)
    for path in (helper.path, *_companions(helper, fetch)):
        parts = program_parts(path, fetch.around)
        for witness in parts.witnesses:
            _look_at_program(witness, fetch)
        for doubt in parts.doubts:
            fetch.forget(doubt)


def _look_at_program(witness: Witness, fetch: Fetch) -> None:
    """Look at a file that is loaded. If it was written just now, a second change may not show."""
    seen = fetch.look(witness)
    if isinstance(seen, Identity) and not fetch.is_settled(witness):
        fetch.forget(f"{witness.place} was written while it was looked at", is_momentary=True)


def _companions(helper: Helper, fetch: Fetch) -> Iterator[str]:
    """Give other programs that a program asks to answer."""
    folder = str(PurePosixPath(helper.path).parent)
    folders = [folder, *fetch.environ.get("PATH", "").split(":")]
    for name in _COMPANIONS.get(helper.name, ()):
        for place in folders:
            path = f"{place}/{name}"
            if place.startswith("/") and fetch.look(Existence(path)):
                yield path
                break
