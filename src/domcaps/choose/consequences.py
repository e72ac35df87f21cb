"""What else the guest and its users lose by an edit, beside what the edit itself names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.choose.text import text_of
from domcaps.elements.advice.lost import lost
from domcaps.elements.processor.lost_features import lost_features

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language import World


def consequences(before: bytes, after: bytes, more: Sequence[str] = ()) -> str:
    """Say what an edit brings about, in parentheses; "" where that is nothing."""
    gone = [*lost(text_of(before).root, text_of(after).root), *more]
    return f" (consequences: {'; '.join(gone)})" if gone else ""


def features_lost(
    texts: Sequence[bytes], worlds_of: Callable[[bytes], Sequence[World]]
) -> tuple[int, tuple[str, ...]]:
    """Say which features of the processor are lost by a row of edits, and by which of them.

    `texts` are the text before the first edit and that after each. Which features a guest gets is
    decided by the last edit of its processor, or of what runs it: with that it is said once.
    """
    if len(texts) < 2:
        return -1, ()
    says = [_of_processor(text_of(text).root) for text in texts]
    last = max((n for n in range(1, len(says)) if says[n] != says[n - 1]), default=0)
    if not last:
        return -1, ()
    before, after = text_of(texts[0]).root, text_of(texts[last]).root
    told: dict[str, None] = {}
    for world in worlds_of(texts[last]):
        told |= dict.fromkeys(lost_features(before, after, world))
    return last - 1, tuple(told)


def _of_processor(root: Node) -> tuple[object, ...]:
    """Give what decides which features a guest gets."""
    cpu = root.find("cpu")
    inner = () if cpu is None else cpu.iter("cpu", "model", "feature")
    told = [(one.tag, dict(one.attrib), (one.text or "").strip()) for one in inner]
    return root.get("type"), told
