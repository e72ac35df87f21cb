"""Verification results side by side as an HTML page, with QEMU's messages behind each cell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domcaps.page.html import to_html as page
from domcaps.page.matrix import Block, Column, Matrix, MatrixCell, MatrixGroup, MatrixRow, State
from domcaps.verify.result import CHANCE, LIE, NOT_TRIED, REFUSED, STARTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.verify.result import Tried, Verification

_KEPT, _KNOWN, _HONEST = "advertised, works", "known discrepancy", "not advertised, fails"
_ABSENT = "not in report"

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
        title="QEMU verification results",
        states=STATES,
        columns=tuple(map(_column, found)),
        groups=tuple(
            MatrixGroup(
                name, tuple(MatrixRow(p, tuple(_cell(t.get(p)) for t in tried)) for p in paths)
            )
            for name, paths in groups.items()
        ),
        about="Each row is a feature, tested by starting QEMU with it; each column is a target. "
        "Click a cell, or press Enter on it, to see QEMU's message. Arrow keys move between cells, "
        "/ goes to the filter.",
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
        "advertised, works": str(counts.kept),
        "advertised, fails": str(counts.lies),
        "not advertised, fails": str(counts.refused),
        "not advertised, works": str(counts.chances),
        "not tested": str(counts.not_tried),
    }
    return Column(f"{one.machine}, {one.virttype}", tuple(facts.items()))


def _cell(tried: Tried | None) -> MatrixCell:
    if tried is None:
        return MatrixCell(_ABSENT)
    return MatrixCell(_state(tried), "", tuple(_blocks(tried)))


def _state(tried: Tried) -> str:
    if tried.verdict == NOT_TRIED:
        return NOT_TRIED
    if tried.disagreement == LIE and tried.known:
        return _KNOWN
    return tried.disagreement or (_KEPT if tried.promised else _HONEST)


def _blocks(tried: Tried) -> Iterator[Block]:
    promise = "advertised" if tried.promised else "not advertised"
    yield Block(f"{promise}; {tried.verdict}")
    if tried.message:
        yield Block("QEMU says" if tried.verdict == REFUSED else "Because", (tried.message,))
    if tried.added:
        yield Block("QEMU arguments", (tried.added,))
    elif tried.verdict == STARTS:
        yield Block("QEMU arguments", ("tested together with other features",))
