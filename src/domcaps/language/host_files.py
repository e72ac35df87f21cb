"""Files of the host that a domain needs when it is started.

On the machine itself they are looked at; what is not there makes the start fail, and no edit of the
domain helps. In a recording it is unknown whether they are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from domcaps.language.finding import Stage, quoted
from domcaps.language.part import Part
from domcaps.language.rule import problem, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domcaps.language.rule import Problems, Rule, Sample

P = TypeVar("P", bound=Part)

DEVICE = ("block", "character")

_SPOKEN = {
    "file": "a regular file",
    "folder": "a folder",
    "block": "a block device",
    "character": "a character device",
    "pipe": "a named pipe",
    "socket": "a socket",
}


def host_file_rule(
    code: str, part: type[P], *, bad: Sample, good: Sample
) -> Callable[[Callable[[P], Problems]], Rule]:
    """Make a rule about a file of the host: found at start, never remembered, repaired there."""
    return rule(code, part, bad=bad, good=good, stage=Stage.START, live=True, on_host=True)


def needs_file(
    part: Part, path: str, what: str, at: str = "", *, kinds: Iterable[str] = (), help_: str = ""
) -> Problems:
    """Report a problem where a file is known not to be there, or to be of another kind.

    `what` names it in messages ("the image"), `kinds` are kinds of `FileState` of which it has to
    be one, `help_` is what to do on the host, by default to create it.
    """
    world = part.domain.world
    state = world.file_state(path) if path.startswith("/") else None
    if state is None:
        world.unknown.add(f"the {what} {quoted(path)} exists")
    elif not state.exists:
        advice = help_ or "create it, or name another one"
        yield problem(f"the {what} {quoted(path)} does not exist on this host; {advice}", part, at)
    elif state.kind and kinds and state.kind not in kinds:
        wanted = " or ".join(_SPOKEN[kind] for kind in kinds)
        found = _SPOKEN[state.kind]
        yield problem(f"the {what} {quoted(path)} is {found}, but must be {wanted}", part, at)


def needs_folder_of(part: Part, path: str, what: str, at: str = "") -> Problems:
    """Report a problem where a file is to be made in a folder that is known not to be there."""
    folder = path.rpartition("/")[0]
    if folder:
        yield from needs_file(part, folder, f"folder of the {what}", at, kinds=("folder",))
