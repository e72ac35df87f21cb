"""Whether another user can change what an executed program consists of, besides its own file.

`domcaps.facts.trust` judges files: the one that is executed, its interpreters, and those that are
named here: the program that a wrapper starts, libraries, folders of modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.errors import UntrustedProgramError
from domcaps.facts import trust
from domcaps.facts.real_path import links
from domcaps.fresh.host_view import HostView
from domcaps.fresh.modules import module_folders
from domcaps.fresh.programs import Parts, program_parts
from domcaps.fresh.witness import ProgramFile, TrustedFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.ownership import Weakness


def weak_part(parts: Parts, host_view: HostView) -> tuple[str, Weakness] | None:
    """Give a file that another user can change, and how; None where there is none."""
    if not host_view.files.is_live:
        return None
    # what is executed is the real path of the first one
    program, *others = _places(parts, host_view)
    return trust.weak_part(host_view.real_path(program), others)


def trusted_folders(parts: Parts, host_view: HostView) -> tuple[TrustedFolder, ...]:
    """Give the folders of a program's files, whose rights count as long as answers are kept."""
    program, *others = _files(parts)
    named = (place for other in others for place in _steps(other, host_view))
    folders = (place.rpartition("/")[0] or "/" for place in (host_view.real_path(program), *named))
    return tuple(map(TrustedFolder, dict.fromkeys(folders)))


def _steps(path: str, host_view: HostView) -> tuple[str, ...]:
    """Name the links on the way to a file, and where they lead."""
    return (*(links(path) if host_view.files.is_live else ()), host_view.real_path(path))


def require_trusted(path: str, parts: Parts, host_view: HostView) -> None:
    """Raise `UntrustedProgramError` where another user can change what a program consists of."""
    trust.require(path, weak_part(parts, host_view), "not probed")


def distrust(path: str) -> UntrustedProgramError | None:
    """Give the error of a program of this machine that another user can change a part of."""
    host_view = HostView()
    real = host_view.real_path(path)
    try:
        require_trusted(path, program_parts(real, host_view), host_view)
    except UntrustedProgramError as error:
        return error
    return None


def _places(parts: Parts, host_view: HostView) -> Iterator[str]:
    yield from _files(parts)
    if parts.program:
        yield from module_folders(parts.program, _files(parts), host_view)


def _files(parts: Parts) -> tuple[str, ...]:
    return tuple(part.path for part in parts.witnesses if isinstance(part, ProgramFile))
