"""Verifications for people: what disagrees, with QEMU's own words, and the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.verify.result import CHANCE, LIE, NOT_TRIED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.verify.result import Tried, Verification

_HEADINGS = {
    LIE: "promised and refused",
    CHANCE: "not promised, but starts",
    NOT_TRIED: "not tried",
}


def to_lines(one: Verification, *, everything: bool = False) -> Iterator[tuple[str, str]]:
    """Give lines, each with a style: ``heading``, ``lie``, ``known``, ``chance`` or ``plain``.

    With `everything` there is a line for each attempt, otherwise for what disagrees.
    """
    where = f"{one.emulator} {one.version}, {one.arch} {one.machine}, {one.virttype}"
    yield "heading", f"{where}, as libvirt {one.libvirt} reports ({one.seconds:g} s)"
    for style, heading, found in _groups(one, everything=everything):
        if found:
            yield "plain", f"  {heading}:"
        for tried in found:
            known = " (known drift)" if tried.known else ""
            yield ("known" if tried.known else style), f"    {tried.path}{known}"
            if tried.message:
                yield "plain", f"      {tried.message}"
            if tried.added and tried.disagreement:
                yield "plain", f"      {tried.added}"
    counts = one.counts
    yield (
        "plain",
        (
            f"  {counts.kept} promised and start, {counts.lies} promised and refused, "
            f"{counts.refused} not promised and refused, {counts.chances} not promised but start, "
            f"{counts.not_tried} not tried"
        ),
    )


def _groups(one: Verification, *, everything: bool) -> Iterator[tuple[str, str, tuple[Tried, ...]]]:
    yield "lie", _HEADINGS[LIE], one.lies
    yield "chance", _HEADINGS[CHANCE], one.chances
    if everything:
        agreed = [t for t in one.tried if not t.disagreement]
        untried = tuple(t for t in agreed if t.verdict == NOT_TRIED)
        kept = tuple(t for t in agreed if t.verdict != NOT_TRIED and t.promised)
        refused = tuple(t for t in agreed if t.verdict != NOT_TRIED and not t.promised)
        yield "plain", _HEADINGS[NOT_TRIED], untried
        yield "plain", "promised, and starts", kept
        yield "plain", "not promised, and refused", refused
