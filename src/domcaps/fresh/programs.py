"""What a program is made of: the files that are loaded when it runs, and how they are found.

Before it runs, that is worked out: a script names the program that it starts (`scripts`), and the
dynamic loader's rules say which libraries that program gets (`loader`). While it runs, the kernel
is asked (``/proc/PID/maps``, ``/proc/PID/exe``): the program must be the one that was expected, the
libraries must be those of the rules, and what else was loaded, such as QEMU's modules, is added.

Wherever something is not certain there is a *doubt*, and the answer is not kept.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from domcaps.facts.interpreters import FIRST_BYTES, UnclearInterpreterError, interpreters
from domcaps.facts.passed import folders
from domcaps.facts.trust import SYSTEM_PATH
from domcaps.fresh.identity import Identity
from domcaps.fresh.loader import CACHE, CACHE_LIMIT, dependencies
from domcaps.fresh.modules import module_witnesses
from domcaps.fresh.script_words import unclear_word
from domcaps.fresh.scripts import LIMIT, is_script, programs_named, understood
from domcaps.fresh.witness import (
    Content,
    EnvironmentVariable,
    Executable,
    Existence,
    ProgramFile,
    SystemFolders,
    TrustedFolder,
    Witness,
)
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.facts.record import Helper
    from domcaps.fresh.fetch import Fetch
    from domcaps.fresh.host_view import HostView

LINKER_CACHE = Content(CACHE, CACHE_LIMIT)
"""Which library is found under which name; written anew when libraries come or go."""

LINKER_VARIABLES = ("LD_LIBRARY_PATH", "GLIBC_TUNABLES")
"""Variables that a program gets and that make the dynamic linker take other libraries."""

_COMPANIONS = {"swtpm_setup": ("swtpm",)}
_MOST_STEPS = 8
_VERSIONED = late_pattern(r"(?P<name>.+\.so)(?P<numbers>(\.\d+)+)")
_RELEASED = late_pattern(r"(?P<name>.+/lib[^/-]+)-[\d.]+\.so")
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
    `unclear` is a word of a script that could name a program, "" if it has none.
    """

    witnesses: tuple[Witness, ...]
    program: str
    groups: tuple[tuple[str, ...], ...]
    doubts: tuple[str, ...]
    unclear: str = ""


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


def program_parts(path: str, host_view: HostView) -> Parts:
    """Work out what runs when a path is executed."""
    witnesses: dict[Witness, None] = {}
    groups: list[tuple[str, ...]] = []
    doubts: dict[str, None] = {}
    library_path = host_view.passed("LD_LIBRARY_PATH") or ""
    program = path
    for _ in range(_MOST_STEPS):
        witnesses |= dict.fromkeys((Executable(program), ProgramFile(program)))
        start = _start(program, host_view)
        if not is_script(start):
            if host_view.files.is_live:
                doubts |= _follow(program, host_view, library_path, witnesses, groups)
            return Parts(tuple(witnesses), program, tuple(groups), tuple(doubts))
        doubts |= _interpreted(program, host_view, library_path, witnesses)
        # what it may start is judged as far as it is named, also behind env and the like
        named = (name for name in programs_named(start) if host_view.files.program(name))
        witnesses |= dict.fromkeys(map(ProgramFile, named))
        script = understood(start) if len(start) <= LIMIT else None
        if script is None:
            doubts[f"what the script {program} reads is not known"] = None
            return Parts(tuple(witnesses), "", (), tuple(doubts), unclear_word(start))
        if not script.program:
            return Parts(tuple(witnesses), program, (), tuple(doubts))
        program = _looked_up(script.program, host_view, witnesses)
        if not program:
            # the shell says that it finds none, which a later one would change
            return Parts(tuple(witnesses), "", (), tuple(doubts))
    doubts[f"{path} leads from one script to another too often"] = None
    return Parts(tuple(witnesses), "", (), tuple(doubts))


def _interpreted(
    script: str, host_view: HostView, library_path: str, witnesses: dict[Witness, None]
) -> dict[str, None]:
    """Note the interpreters of a script and their libraries; give the doubts."""
    doubts: dict[str, None] = {}
    found = interpreters(
        script,
        lambda path: _start(path, host_view)[:FIRST_BYTES],
        lambda name: _looked_up(name, host_view, witnesses),
    )
    try:
        for path in found:
            witnesses |= dict.fromkeys((Executable(path), ProgramFile(path)))
            if not host_view.files.is_live:
                continue
            if is_script(_start(path, host_view)):
                doubts[f"what the script {path} reads is not known"] = None
            else:
                doubts |= _follow(path, host_view, library_path, witnesses, [])
    except UnclearInterpreterError as error:
        # a program of this machine is refused for that (`domcaps.facts.trust`)
        doubts[str(error)] = None
    return doubts


def _follow(
    program: str,
    host_view: HostView,
    library_path: str,
    witnesses: dict[Witness, None],
    groups: list[tuple[str, ...]],
) -> dict[str, None]:
    found = dependencies(program, host_view, library_path)
    witnesses |= dict.fromkeys(found.witnesses)
    groups += found.groups
    return dict.fromkeys(found.doubts)


def _start(path: str, host_view: HostView) -> bytes:
    """Give a script, one byte more than may be understood, or the first bytes of a program."""
    try:
        # a pipe, which would be waited for, is no program
        start = host_view.files.read(path, LIMIT + 4)
    except (OSError, ValueError):
        return b""
    return start if is_script(start) else start[:4]


def _looked_up(name: str, host_view: HostView, witnesses: dict[Witness, None]) -> str:
    """Find a program as the shell does; every place where it is looked for counts."""
    if "/" in name:
        # programs are executed in "/"
        return name if name.startswith("/") else f"/{name}"
    witnesses[EnvironmentVariable("PATH")] = None
    named = folders("PATH", host_view.environ.get("PATH"))
    witnesses |= dict.fromkeys(map(TrustedFolder, named))
    for folder in (host_view.passed("PATH") or SYSTEM_PATH).split(":"):
        place = f"{folder}/{name}"
        witnesses[Executable(place)] = None
        if host_view.files.program(place) is not None:
            return place if place.startswith("/") else ""
    return ""


# -- after it ran ----------------------------------------------------------------------------


def mismatches(parts: Parts, seen: Running, host_view: HostView) -> Iterator[str]:
    """Say where what ran is not what was expected."""
    if not parts.program or not host_view.files.is_live:
        return
    if not seen.files or not seen.programs:
        yield f"the files that {parts.program} loads can't be seen (/proc/PID/maps)"
        return
    expected = _number(parts.program, host_view)
    if seen.programs != {expected}:
        yield f"{parts.program} starts other programs: what they read is not known"
    loaded = {mapped.inode for mapped in seen.files}
    for group in parts.groups:
        if not any(_number(place, host_view)[1] in loaded for place in group):
            yield f"{group[0]} was not loaded, as the loader's rules say"
            return


def _number(path: str, host_view: HostView) -> tuple[int, int]:
    found = host_view.identity(path)
    return (-1, -1) if found is None else (found.device, found.inode)


def loaded_witnesses(path: str, files: Iterable[str], host_view: HostView) -> tuple[Witness, ...]:
    """Give what an emulator turned out to consist of: what it loaded, and where it looked."""
    loaded = sorted(set(files))
    found: dict[Witness, None] = dict.fromkeys(
        ProgramFile(_by_short_name(file, host_view)) for file in loaded
    )
    found |= dict.fromkeys(module_witnesses(path, loaded, host_view))
    found[LINKER_CACHE] = found[SystemFolders()] = None
    return tuple(found)


def _by_short_name(path: str, host_view: HostView) -> str:
    """Give the name by which the linker finds a library: a link may be turned to another file."""
    wanted = host_view.identity(path)
    names = (name for name in _short_names(path) if host_view.identity(name) == wanted)
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


def passed_to_program(fetch: Fetch, name: str) -> str | None:
    """Give a variable as an executed program gets it, and note what that depends on."""
    for folder in folders(name, fetch.environ.get(name)):
        fetch.look(TrustedFolder(folder))
    return fetch.host_view.passed(name)


# -- of a helper program ---------------------------------------------------------------------


def look_at_helper(helper: Helper, fetch: Fetch) -> Iterator[Parts]:
    """Look at all that a helper program's answer may depend on, and give what it consists of."""
    for name in (*LINKER_VARIABLES, "PATH"):
        passed_to_program(fetch, name)
    fetch.look(SystemFolders())
    for path in (helper.path, *_companions(helper, fetch)):
        parts = program_parts(path, fetch.host_view)
        for witness in parts.witnesses:
            _look_at_program(witness, fetch)
        for doubt in parts.doubts:
            fetch.forget(doubt)
        yield parts


def _look_at_program(witness: Witness, fetch: Fetch) -> None:
    """Look at a file that is loaded. If it was written just now, a second change may not show."""
    seen = fetch.look(witness)
    if isinstance(seen, Identity) and not fetch.is_settled(witness):
        fetch.forget(f"{witness.place} was written while it was looked at", is_momentary=True)


def _companions(helper: Helper, fetch: Fetch) -> Iterator[str]:
    """Give other programs that a program asks to answer."""
    beside = str(PurePosixPath(helper.path).parent)
    # as execvp(3) does, along the search path first
    searched = [*(fetch.host_view.passed("PATH") or SYSTEM_PATH).split(":"), beside]
    for name in _COMPANIONS.get(helper.name, ()):
        for place in searched:
            path = f"{place}/{name}"
            if place.startswith("/") and fetch.look(Existence(path)):
                yield path
                break
