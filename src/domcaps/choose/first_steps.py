"""What a repair would write first for single findings, in words: for those who read a verdict.

An edit near the finding is looked for first, as editors offer it. Where there is none, the whole
document is repaired, as ``domcaps fix`` does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.quick_fixes import TriedEdits
from domcaps.choose.repair import EFFORT, repair
from domcaps.choose.text import text_of
from domcaps.errors import DomcapsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.hosts import HostLike
    from domcaps.language.finding import Finding

_EFFORT = EFFORT // 2
"""So much text a repair of the whole document may judge, in bytes."""


def first_steps(
    host: HostLike, data: bytes, findings: Sequence[Finding], libvirt: str, *, new: bool = True
) -> list[str]:
    """Say for each finding what a repair would write, "" where it knows nothing."""
    try:
        text = text_of(data)
        tried = TriedEdits(host, text, libvirt, new=new)
        near = [next((what for what, _ in tried.of(one)), "") for one in findings]
        if all(near):
            return near
        whole = repair([host], data, libvirt, new=new, effort=_EFFORT)
    except DomcapsError:
        return [""] * len(findings)
    made = {(change.code, change.line): change.what for change in reversed(whole.changes)}
    pairs = zip(near, findings, strict=True)
    return [what or made.get((one.code, one.line), "") for what, one in pairs]
