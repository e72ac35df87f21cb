"""Whether another user can change what an executed program consists of, besides its own file.

`domcaps.facts.trust` judges the file that is executed. What it loads or starts is known here: the
program that a wrapper starts, interpreters, libraries, folders of modules. All of them are judged
alike, before anything is executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.errors import UntrustedProgramError
from domcaps.facts.ownership import weakness
from domcaps.fresh.modules import module_folders
from domcaps.fresh.programs import Parts, program_parts
from domcaps.fresh.surroundings import Surroundings
from domcaps.fresh.witness import ProgramFile, TrustedFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.facts.ownership import Weakness


def weak_part(parts: Parts, around: Surroundings) -> tuple[str, Weakness] | None:
    """Give a file that another user can change, and how; None where there is none."""
    for place in _places(parts, around) if around.files.is_live else ():
        if weak := weakness(around.real_path(place)):
            return place, weak
    return None


def trusted_folders(parts: Parts, around: Surroundings) -> tuple[TrustedFolder, ...]:
    """Give the folders of a program's files, whose rights count as long as answers are kept."""
    reals = (around.real_path(place) for place in _files(parts))
    return tuple(
        map(TrustedFolder, dict.fromkeys(real.rpartition("/")[0] or "/" for real in reals))
    )


def require_trusted(path: str, parts: Parts, around: Surroundings) -> None:
    """Raise `UntrustedProgramError` where another user can change what a program consists of."""
    found = weak_part(parts, around)
    if found is not None:
        place, weak = found
        made = "" if place == path else f"it would take {place}, and "
        raise UntrustedProgramError(
            f"not probed: {made}{weak.text}", where=path, remedy=weak.remedy
        )


def distrust(path: str) -> UntrustedProgramError | None:
    """Give the error of a program of this machine that another user can change a part of."""
    around = Surroundings()
    real = around.real_path(path)
    try:
        require_trusted(path, program_parts(real, around), around)
    except UntrustedProgramError as error:
        return error
    return None


def _places(parts: Parts, around: Surroundings) -> Iterator[str]:
    yield from _files(parts)
    if parts.program:
        yield from module_folders(parts.program, _files(parts), around)


def _files(parts: Parts) -> tuple[str, ...]:
    return tuple(part.path for part in parts.witnesses if isinstance(part, ProgramFile))
