"""Verifications side by side as one page for a browser, with QEMU's words behind each cell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.page.html import to_html as page
from domcaps.page.matrix import Block, Cell, Column, Group, Matrix, Row, State
from domcaps.verify.result import CHANCE, LIE, NOT_TRIED, REFUSED, STARTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.verify.result import Tried, Verification

_KEPT, _KNOWN, _HONEST = "promised, starts", "known lie", "not promised, refused"
_ABSENT = "not there"

STATES = (
    State(_KEPT, "✓", "good"),
    State(LIE, "✗", "bad"),
    State(_KNOWN, "✗", "unsure"),
    State(CHANCE, "+", "unsure"),
    State(_HONEST, "·", "plain"),
    State(NOT_TRIED, "?", "none"),
    State(_ABSENT, "–", "none"),
)


def to_html(found: Sequence[Verification]) -> str:
    """Write the page."""
    return page(to_matrix(found))


def to_matrix(found: Sequence[Verification]) -> Matrix:
    """Put what was tried side by side, in the order of the table."""
    tried = [{one.path: one for one in verification.tried} for verification in found]
    groups: dict[str, dict[str, None]] = {}
    for one in tried:
        for path in one:
            group = re.match(r"[^.:= ]+", path)
            groups.setdefault(group[0] if group else path, {})[path] = None
    return Matrix(
        title="What QEMU says to it",
        states=STATES,
        columns=tuple(map(_column, found)),
        groups=tuple(
            Group(name, tuple(Row(p, tuple(_cell(t.get(p)) for t in tried)) for p in paths))
            for name, paths in groups.items()
        ),
        about="Every choice of a report, tried with the real emulator. Click a cell, or press "
        "Enter on it, for QEMU's words; arrows go from cell to cell, / goes to the filter.",
    )


def _column(one: Verification) -> Column:
    counts = one.counts
    facts = {
        "emulator": one.emulator,
        "QEMU": one.version,
        "architecture": one.arch,
        "machine type": one.machine,
        "type": one.virttype,
        "libvirt": one.libvirt,
        "promised, starts": str(counts.kept),
        "promised, refused": str(counts.lies),
        "not promised, refused": str(counts.refused),
        "not promised, starts": str(counts.chances),
        "not tried": str(counts.not_tried),
    }
    return Column(f"{one.machine}, {one.virttype}", tuple(facts.items()))


def _cell(tried: Tried | None) -> Cell:
    if tried is None:
        return Cell(_ABSENT)
    return Cell(_state(tried), "", tuple(_blocks(tried)))


def _state(tried: Tried) -> str:
    if tried.verdict == NOT_TRIED:
        return NOT_TRIED
    if tried.disagreement == LIE and tried.known:
        return _KNOWN
    return tried.disagreement or (_KEPT if tried.promised else _HONEST)


def _blocks(tried: Tried) -> Iterator[Block]:
    promise = "promised" if tried.promised else "not promised"
    yield Block(f"{promise}; {tried.verdict}")
    if tried.message:
        yield Block("QEMU says" if tried.verdict == REFUSED else "Because", (tried.message,))
    if tried.added:
        yield Block("Told", (tried.added,))
    elif tried.verdict == STARTS:
        yield Block("Told", ("together with other choices",))
