"""Whether another user can change what an executed program consists of, besides its own file.

`domcaps.facts.trust` judges files: the one that is executed, its interpreters, and those that are
named here: the program that a wrapper starts, libraries, folders of modules and what modules need,
folders in which the loader looks for libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.errors import UntrustedProgramError
from domcaps.facts import trust
from domcaps.facts.ownership import Weakness, weakness_of_search
from domcaps.facts.real_path import links
from domcaps.fresh.host_view import HostView
from domcaps.fresh.modules import libraries_of_modules, module_folders
from domcaps.fresh.programs import Parts, program_parts
from domcaps.fresh.witness import Listing, ProgramFile, TrustedFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.fresh.witness import Witness


def weak_part(
    parts: Parts, host_view: HostView, *, with_modules: bool = False
) -> tuple[str, Weakness] | None:
    """Give a file or folder that another user can change, and how; None where there is none.

    `with_modules` also judges what QEMU's modules need, which it loads when it is asked.
    """
    if not host_view.files.is_live:
        return None
    # what is executed is the real path of the first one
    program, *others = _files(parts.witnesses)
    if parts.unclear:
        return program, _unclear(parts.unclear)
    folders = _module_folders(parts, host_view)
    libraries = libraries_of_modules(parts.program, folders, host_view) if with_modules else ()
    named = (*others, *folders, *_files(libraries))
    found = trust.weak_part(host_view.real_path(program), named)
    return found or _weak_search((*parts.witnesses, *libraries), host_view)


def _unclear(word: str) -> Weakness:
    shown = " ".join(word.split())[:80]
    return Weakness(
        f"{shown} in the script could name a program of another user",
        "name the program by its whole path, without variables, quotes within a word, cd and PATH",
    )


def _weak_search(witnesses: Iterable[Witness], host_view: HostView) -> tuple[str, Weakness] | None:
    """Give a folder in which another user could put a library that the loader would take."""
    for folder in dict.fromkeys(_searched(witnesses, host_view)):
        if weak := weakness_of_search(host_view.real_path(folder)):
            return folder, weak
    return None


def _searched(witnesses: Iterable[Witness], host_view: HostView) -> Iterator[str]:
    for witness in witnesses:
        if isinstance(witness, Listing):
            yield witness.path
        elif isinstance(witness, ProgramFile) and host_view.identity(witness.path) is None:
            # the linker's cache names it, and it may come
            yield witness.path.rpartition("/")[0] or "/"


def trusted_folders(witnesses: Iterable[Witness], host_view: HostView) -> tuple[TrustedFolder, ...]:
    """Give the folders of a program's files, whose rights count as long as answers are kept."""
    known = tuple(witnesses)
    program, *others = _files(known)
    named = (place for other in others for place in _steps(other, host_view))
    folders = (place.rpartition("/")[0] or "/" for place in (host_view.real_path(program), *named))
    return tuple(map(TrustedFolder, dict.fromkeys(folders)))


def _steps(path: str, host_view: HostView) -> tuple[str, ...]:
    """Name the links on the way to a file, and where they lead."""
    return (*(links(path) if host_view.files.is_live else ()), host_view.real_path(path))


def require_trusted(path: str, parts: Parts, host_view: HostView) -> None:
    """Raise `UntrustedProgramError` where another user can change what a program consists of."""
    trust.require(path, weak_part(parts, host_view, with_modules=True), "not probed")


def distrust(path: str) -> UntrustedProgramError | None:
    """Give the error of a program of this machine that another user can change a part of."""
    host_view = HostView()
    real = host_view.real_path(path)
    try:
        require_trusted(path, program_parts(real, host_view), host_view)
    except UntrustedProgramError as error:
        return error
    return None


def _module_folders(parts: Parts, host_view: HostView) -> tuple[str, ...]:
    if not parts.program:
        return ()
    return module_folders(parts.program, _files(parts.witnesses), host_view)


def _files(witnesses: Iterable[Witness]) -> tuple[str, ...]:
    return tuple(part.path for part in witnesses if isinstance(part, ProgramFile))
