"""Which programs may be executed: the one place that decides it.

A program is executed only if it is trusted, which takes two things:

- *Somebody vouches for it.* It is an emulator in a folder where this system keeps them (the search
  path, or where distributions put ``qemu-kvm``), a helper program in a folder where this system
  keeps those, or the operator named it: by an option, in a call of the Python interface, by a
  pattern, or in the operator's own configuration. A domain, a client, a recording and a project's
  configuration vouch for nothing.
- *No other user can change it.* The file and every folder above it belong to root or to the user
  that runs this, and no other user may write to them. A folder such as ``/tmp``, in which users
  can't touch what belongs to others (the sticky bit), may be written to. The interpreters of a
  script (`domcaps.facts.interpreters`) are judged likewise, and so are links to them.

A program is known by its real path: absolute, with every link followed. That is what is compared,
and what `domcaps.facts.launch` executes. See ``docs/security.md``.
"""

from __future__ import annotations

import enum
import os
import re
import threading
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING

from domcaps.errors import RequestError, UntrustedProgramError
from domcaps.facts.helper_programs import LIBEXEC, PROGRAMS
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.interpreters import FIRST_BYTES, UnclearInterpreterError, interpreters
from domcaps.facts.looks import LOOKS
from domcaps.facts.ownership import Weakness, weakness, weakness_by_name, weakness_of_search
from domcaps.facts.passed import passed
from domcaps.facts.real_path import real_path
from domcaps.facts.regular import open_regular
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_EMULATOR = late_pattern(r"qemu-system-[\w.+-]+|qemu-kvm|kvm(-spice)?", re.ASCII)
_TOOLS = frozenset({"sh", "env"})
_ALLOW = "--allow-emulator"


class ProgramKind(enum.Enum):
    """What a program is started as."""

    EMULATOR = "emulator"
    HELPER = "helper program"
    TOOL = "tool"


class _Word:
    """What the operator said in this process: real paths, and patterns of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.named: frozenset[tuple[str, ProgramKind]] = frozenset()
        self.patterns: tuple[str, ...] = ()


_WORD = _Word()
_FILES = HostFiles()


def vouch(path: str, kind: ProgramKind = ProgramKind.EMULATOR) -> str:
    """Note that the operator named a program of a kind, and give its path as `plain` does.

    Call it only for what came from the operator: an option, a call of the Python interface, or a
    descriptor that only root or this user can write.
    """
    named = real_path(path), kind
    if named not in _WORD.named:
        with _WORD.lock:
            _WORD.named |= {named}
    return plain(path)


def allow(pattern: str) -> None:
    """Note a pattern of emulators that the operator allows.

    One is ``/opt/qemu-*/bin/qemu-system-*``. ``*``, ``?`` and ``[…]`` stand for parts of one name,
    ``**`` for any number of folders. Raises `RequestError` for a pattern that is not absolute.
    """
    if not pattern.startswith("/"):
        raise RequestError(
            "a pattern of programs begins with '/'",
            where=pattern,
            remedy=f"give one such as {_ALLOW} '/opt/qemu-*/bin/qemu-system-*'",
        )
    with _WORD.lock:
        _WORD.patterns = (*_WORD.patterns, pattern)


def plain(path: str) -> str:
    """Give a path that means the same from every folder: as it is named if that is so already."""
    is_plain = path.startswith("/") and os.path.normpath(path) == path
    return path if is_plain else real_path(path)


def is_usual(path: str) -> bool:
    """Tell from its text alone that a path is where emulators are on most systems."""
    folder, _, name = path.rpartition("/")
    return folder in SYSTEM_PATH.split(":") and _EMULATOR.fullmatch(name) is not None


def admit(path: str, kind: ProgramKind = ProgramKind.EMULATOR) -> str:
    """Give the real path of a program that may be executed.

    Raises `UntrustedProgramError`, which tells what is missing and which option would allow it.
    """
    real = real_path(path)
    if not _is_vouched_for(real, kind):
        raise _unvouched(path, real, kind)
    # by its name, too: a link of another user chooses what is executed
    require(path, weak_part(real, chain((path,), _interpreters(real))), f"not {_done(kind)}")
    return real


def require(path: str, found: tuple[str, Weakness] | None, lead: str) -> None:
    """Raise `UntrustedProgramError` if `weak_part` found something in a program."""
    if found is not None:
        part, weak = found
        LOOKS.at_trust()
        made = "" if part in {path, real_path(path)} else f"it would take {part}, and "
        raise UntrustedProgramError(f"{lead}: {made}{weak.text}", where=path, remedy=weak.remedy)


def weak_part(real: str, parts: Iterable[str]) -> tuple[str, Weakness] | None:
    """Give what another user can change, the program or a part of it, and how; None for nothing.

    `real` is executed by that path; `parts` are found by their names, so links count.
    """
    if weak := weakness(real):
        return real, weak
    try:
        for part in parts:
            if weak := weakness_by_name(part):
                return part, weak
    except UnclearInterpreterError as error:
        return real, Weakness(str(error), error.remedy)
    return None


def _interpreters(real: str) -> Iterator[str]:
    """Name the programs that start when a program is executed by `domcaps.facts.launch`."""
    return interpreters(real, _first_bytes, _search)


def _first_bytes(path: str) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(FIRST_BYTES)
    except (OSError, ValueError):
        return b""


def _search(name: str) -> str:
    """Find a program along the search path that executed programs get."""
    places = (f"{folder}/{name}" for folder in search_path(os.environ.get("PATH")).split(":"))
    return next((place for place in places if _FILES.program(place) is not None), "")


def find_safe(name: str) -> str:
    """Find a program along the search path that no other user can change, "" for none."""
    place = _search(name)
    return "" if not place or weakness_by_name(place) else place


def search_path(value: str | None) -> str:
    """Give the search path that an executed program gets, of the one of this process."""
    return (passed("PATH", value) if value else None) or SYSTEM_PATH


def _is_vouched_for(real: str, kind: ProgramKind) -> bool:
    if (real, kind) in _WORD.named:
        return True
    return _is_of_system(real, kind) or (kind is ProgramKind.EMULATOR and _is_allowed(real))


def _is_allowed(real: str) -> bool:
    from domcaps.facts.operator_config import allowed_emulators

    return any(matches(real, pattern) for pattern in (*_WORD.patterns, *allowed_emulators()))


def matches(path: str, pattern: str) -> bool:
    """Tell whether a real path has the form of a pattern; see `allow`."""
    return _fits(path.strip("/").split("/"), pattern.strip("/").split("/"))


def _fits(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_fits(names[skipped:], parts[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])


def _is_of_system(real: str, kind: ProgramKind) -> bool:
    """Tell whether one of the system's folders has a program of that kind that leads there."""
    if kind is ProgramKind.EMULATOR:
        folder, _, name = real.rpartition("/")
        # the usual case, without a look at every program there is
        if _EMULATOR.fullmatch(name) and folder in map(real_path, _system()):
            return True
    return any(real_path(place) == real for place in _places(kind))


def _places(kind: ProgramKind) -> Iterator[str]:
    """Name where this system would have programs of a kind."""
    for folder in _system():
        for name in _names(kind, folder):
            yield f"{folder}/{name}"


def _names(kind: ProgramKind, folder: str) -> Iterable[str]:
    if kind is ProgramKind.TOOL:
        return _TOOLS
    if kind is ProgramKind.HELPER:
        return (program.name for program in PROGRAMS)
    try:
        return [name for name in os.listdir(folder) if _EMULATOR.fullmatch(name)]  # noqa: PTH208
    except OSError:
        return ()


def _system() -> tuple[str, ...]:
    """Name the folders where programs of this system are: what this process was started with.

    One in which other users can make names is none of the system's.
    """
    searched = (*os.environ.get("PATH", "").split(":"), *SYSTEM_PATH.split(":"), *LIBEXEC)
    absolute = dict.fromkeys(folder for folder in searched if folder.startswith("/"))
    return tuple(folder for folder in absolute if not weakness_of_search(real_path(folder)))


def _unvouched(path: str, real: str, kind: ProgramKind) -> UntrustedProgramError:
    LOOKS.at_trust()
    weak = weakness_by_name(path) or weakness_of_search(path.rpartition("/")[0] or "/")
    led = "" if real == path else f", which leads to {real},"
    return UntrustedProgramError(
        f"not {_done(kind)}: {path}{led} is no {kind.value} of this system, and the operator "
        "did not name it",
        remedy=f"if you trust the program: {_ALLOW} '{real}'"
        # no advice to allow what another user can change
        if kind is ProgramKind.EMULATOR and weak is None
        else "",
    )


def _done(kind: ProgramKind) -> str:
    return "probed" if kind is ProgramKind.EMULATOR else "started"
