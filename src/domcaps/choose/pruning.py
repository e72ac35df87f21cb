"""Which of many edits are worth trying: a few that stand for the others are tried first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.board import MACHINE
from domcaps.choose.text import text_of
from domcaps.elements.boards.families import family_of
from domcaps.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.choose.edits import Edit

_SWITCHED_ON = frozenset({"on", "yes"})


def worth_trying(edits: list[Edit], data: bytes, stays: Callable[[bytes], bool]) -> list[Edit]:
    """Leave out edits of a document that can't repair a finding; `stays` tells of a text.

    Costs a look at some ten texts, where all edits are often a hundred.
    """
    return _with_parts_that_matter(_with_machines_that_help(edits, stays), data, stays)


def _with_machines_that_help(edits: list[Edit], stays: Callable[[bytes], bool]) -> list[Edit]:
    """Leave machine types out where none of some of them helps.

    They are the first, the last and those without a version, which are the newest: what depends on
    the version holds for one of them.
    """
    machines = [e for e in edits if e.path == MACHINE and e.loss >= losses.MACHINE]
    some = [e for e in machines if not family_of(e.value)[1]]
    if any(_repairs(edit, stays) for edit in (*some, *machines[:1], *machines[-1:])):
        return edits
    return [edit for edit in edits if edit not in machines]


def _repairs(edit: Edit, stays: Callable[[bytes], bool]) -> bool:
    try:
        return not stays(edit.apply())
    except (LookupError, InputError):
        return False


def _with_parts_that_matter(
    edits: list[Edit], data: bytes, stays: Callable[[bytes], bool]
) -> list[Edit]:
    """Leave out edits beside the devices, in parts such as ``<cpu>`` that are of no matter.

    A part is of none where the finding stays without it. What is switched on in it may help all
    the same.
    """
    far = [edit for edit in edits if losses.ELSEWHERE <= edit.loss < losses.PROTECTED]
    text = text_of(data)
    useless = set()
    for top in {_top_of(edit.path) for edit in far}:
        found = text.node(top)
        if found is not None and stays(text.remove_element(found[0])):
            useless.add(top)
    return [
        edit
        for edit in edits
        if edit not in far or _top_of(edit.path) not in useless or edit.value in _SWITCHED_ON
    ]


def _top_of(path: str) -> str:
    """Give the path of the child of ``<domain>`` in which something stands."""
    return "/".join(path.partition("/@")[0].split("/")[:3])
