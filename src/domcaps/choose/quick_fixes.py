"""Edits for one finding, as editors and code hosts offer them: each is tried first.

A repair (`domcaps.choose.repair`) looks for the edits of a whole document that lose least. Here
each finding is looked at by itself, and a few edits are given to choose from.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.edits import Edits
from domcaps.choose.hosts import refusals, targets_of
from domcaps.choose.remedies import worlds_of
from domcaps.choose.text import DocumentText, text_of
from domcaps.errors import InputError
from domcaps.language.node_path import tag_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.choose.hosts import HostLike
    from domcaps.language import World
    from domcaps.language.finding import Finding

MOST_FIXES = 3
"""So many edits are offered for a finding."""

_MOST_TRIED = 12


@dataclass(frozen=True, slots=True)
class QuickFix:
    """An edit: what it does, and the text between two places that is replaced.

    Places are lines and columns, both from 1; `text` is what stands there afterwards.
    """

    what: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def quick_fixes(
    host: HostLike, data: bytes, finding: Finding, libvirt: str, *, new: bool = True
) -> tuple[QuickFix, ...]:
    """Give edits after which a finding is gone, the one that loses least first.

    Nothing that the domain asks for is taken away. An edit that brings other findings of the same
    code, or text in an encoding that can't be edited, is not among them. Each edit that is tried
    costs a validation for one code, about a millisecond.
    """
    try:
        text = text_of(data)
    except InputError:
        return ()
    found: list[QuickFix] = []
    for what, after in TriedEdits(host, text, libvirt, new=new).of(finding):
        found.append(_between(what, text.text, after.decode(text.encoding)))
        if len(found) == MOST_FIXES:
            break
    return tuple(found)


class TriedEdits:
    """Edits of one text, each tried for a finding; what its findings share is looked up once."""

    def __init__(self, host: HostLike, text: DocumentText, libvirt: str, *, new: bool) -> None:
        self.host = host
        self.text = text
        self.libvirt = libvirt
        self.new = new
        self._before: dict[str, frozenset[tuple[str, str]]] = {}

    def of(self, finding: Finding) -> Iterator[tuple[str, bytes]]:
        """Give what each edit does after which a finding is gone, and the text after it."""
        data = self.text.data
        if finding.code.startswith("unknown-"):
            yield from _renamed(self.text, finding)
            return
        before = self._before.get(finding.code)
        if before is None:
            before = self._before[finding.code] = self._places(data, finding.code)
        edits = Edits(data, *self._targets, worlds=self._worlds)
        for edit in edits.repairing(finding)[:_MOST_TRIED]:
            if edit.loss >= losses.SETTING or edit.removes:
                break
            try:
                after = edit.apply()
            except (LookupError, InputError):
                continue
            if after != data and self._places(after, finding.code) < before:
                yield edit.what, after

    @cached_property
    def _targets(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return targets_of(self.host, self.text.data, self.libvirt)

    @cached_property
    def _worlds(self) -> tuple[World, ...]:
        return worlds_of([self.host], self.text.data, self.libvirt)

    def _places(self, data: bytes, code: str) -> frozenset[tuple[str, str]]:
        """Give where there are findings of a code."""
        found = refusals([self.host], data, self.libvirt, new=self.new, only=code)
        return frozenset((one.code, one.path) for one in found)


def _renamed(text: DocumentText, finding: Finding) -> Iterator[tuple[str, bytes]]:
    """Give a name that it is unknown the known names that look like it."""
    place = text.node(finding.path)
    if place is None:
        return
    node, attribute = place
    for right in finding.accepted:
        if attribute and attribute in text.tags[node].attributes and node.get(right) is None:
            yield (
                f"rename '{attribute}' to '{right}'",
                text.rename_attribute(node, attribute, right),
            )
        elif not attribute:
            yield f"rename <{tag_of(node)}> to <{right}>", text.rename_element(node, right)


def _between(what: str, old: str, new: str) -> QuickFix:
    """Describe a change of a text by the part that differs."""
    begin = _alike(old, new)
    same = _alike(old[begin:][::-1], new[begin:][::-1])
    end = len(old) - same
    return QuickFix(what, *place_of(old, begin), *place_of(old, end), new[begin : len(new) - same])


def _alike(one: str, other: str) -> int:
    """Give the number of signs that are the same at the beginning of two texts."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Give line and column, from 1, of an offset in a text."""
    starts = [0, *(number + 1 for number, sign in enumerate(text) if sign == "\n")]
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1
