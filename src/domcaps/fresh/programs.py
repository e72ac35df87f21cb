"""What a program is made of: the files that are loaded when it runs.

Of an emulator, the kernel is asked while it runs (``/proc/PID/maps``): its program, whatever
wrapper started it, its libraries, and the modules that it loaded to answer. Of a helper program,
which ends at once, the dynamic linker is asked (``LD_TRACE_LOADED_OBJECTS``, see ld.so(8)).
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from domcaps.facts.helper_programs import arguments_of
from domcaps.facts.helpers import NoAnswer, run_briefly
from domcaps.facts.launch import Command
from domcaps.facts.trust import Kind
from domcaps.fresh.identity import Identity
from domcaps.fresh.witness import Content, Existence, Listing, ProgramFile, Witness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.facts.record import Helper
    from domcaps.fresh.fetch import Fetch
    from domcaps.fresh.surroundings import Surroundings

LINKER_CACHE = Content("/etc/ld.so.cache", 8 << 20)
"""Which library is found under which name; written anew when libraries come or go."""

LINKER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES")
"""Variables that make the dynamic linker take other libraries."""

_COMPANIONS = {"swtpm_setup": ("swtpm",)}
_MOST_SCRIPT = 64 * 1024
_MOST_WORDS = 200
_VERSIONED = re.compile(r"(?P<name>.+\.so)(?P<numbers>(\.\d+)+)")
_NO_QUOTES = str.maketrans("'\"", "  ")
_RELEASED = re.compile(r"(?P<name>.+/lib[^/-]+)-[\d.]+\.so")
_LOADED = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.ASCII | re.MULTILINE)


class Mapped(NamedTuple):
    """A file that a running program has mapped, and its inode number."""

    path: str
    inode: int


# -- of something that runs ------------------------------------------------------------------


def mapped_files(pid: int) -> frozenset[Mapped]:
    """Give the files that a process and those that it started have mapped, those it can be seen of.

    A file that was replaced meanwhile is told by its old inode number.
    """
    return frozenset(found for number in _family(pid) for found in _mapped(number))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


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
            if not path.startswith(("/dev/", "/memfd:", "/SYSV", "/anon_hugepage")):
                yield Mapped(path, int(parts[4]))


# -- as witnesses ----------------------------------------------------------------------------


def emulator_witnesses(path: str, around: Surroundings) -> tuple[Witness, ...]:
    """Give what is known of an emulator before it runs: its file, and what a script names."""
    return tuple(_program_witnesses(path, around))


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
    """Name the folders that QEMU loads modules from, beside its libraries or its program."""
    libraries = {str(PurePosixPath(file).parent) for file in loaded if ".so" in file}
    prefix = PurePosixPath(path).parent.parent
    candidates = {f"{folder}/qemu" for folder in libraries if not folder.endswith("/qemu")}
    candidates |= {folder for folder in libraries if folder.endswith("/qemu")}
    candidates |= {str(prefix / "lib/qemu"), str(prefix / "lib64/qemu"), "/var/run/qemu"}
    if named := around.environ.get("QEMU_MODULE_DIR"):
        candidates.add(named)
    return iter(sorted(folder for folder in candidates if folder.startswith("/")))


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


def _program_witnesses(path: str, around: Surroundings, depth: int = 3) -> Iterator[Witness]:
    yield ProgramFile(path)
    if depth:
        for program in _named_in_script(path, around):
            yield from _program_witnesses(program, around, depth - 1)


def _named_in_script(path: str, around: Surroundings) -> list[str]:
    """Give the programs that a script names, its interpreter among them."""
    try:
        text = around.files.read(path, _MOST_SCRIPT)
    except (OSError, ValueError):
        return []
    if not text.startswith(b"#!"):
        return []
    words = _words(text.decode("utf-8", "replace")[2:])[:_MOST_WORDS]
    folders = around.environ.get("PATH", "").split(":")
    found: dict[str, None] = {}
    for word in words:
        places = [word] if word.startswith("/") else [f"{f}/{word}" for f in folders if f]
        for place in places:
            if "/" in place and around.files.program(place) is not None:
                found[place] = None
                break
    found.pop(path, None)
    return list(found)


def _words(text: str) -> list[str]:
    words: dict[str, None] = {}
    for line in text.splitlines():
        try:
            parts = shlex.split(line, comments=False)
        except ValueError:
            # a quotation that goes on in the next line
            parts = line.translate(_NO_QUOTES).split()
        words |= {part: None for part in parts if re.fullmatch(r"[\w./+-]+", part)}
    return list(words)


# -- of a helper program ---------------------------------------------------------------------


def look_at_helper(helper: Helper, fetch: Fetch) -> None:
    """Look at all that a helper program's answer may depend on."""
    for name in LINKER_VARIABLES:
        fetch.environ.get(name)
    for path in (helper.path, *_companions(helper, fetch)):
        for witness in _program_witnesses(path, fetch.around):
            _look_at_program(witness, fetch)
        for library in _linked(path, fetch):
            _look_at_program(ProgramFile(library), fetch)
    fetch.look(LINKER_CACHE)


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


def _linked(path: str, fetch: Fetch) -> list[str]:
    """Give the libraries that a program loads when it starts; nothing of a pretended host's."""
    if not fetch.files.is_live:
        return []
    name = PurePosixPath(path).name
    command = Command(path, arguments_of(name), Kind.HELPER)
    try:
        answer = run_briefly(command, environ={"LD_TRACE_LOADED_OBJECTS": "1"})
    except NoAnswer:
        return []
    return sorted(set(_LOADED.findall(answer.decode("utf-8", "replace"))))
