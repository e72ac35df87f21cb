"""What else the guest and its users lose by an edit, beside what the edit itself names."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from domcaps.choose.text import text_of
from domcaps.elements.advice.lost import lost
from domcaps.elements.processor.lost_features import lost_features
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language import World


def consequences(before: bytes, after: bytes, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Say what an edit brings about, beside what it names."""
    return (*lost(text_of(before).root, text_of(after).root), *more)


def features_lost(
    texts: Sequence[bytes], worlds_of: Callable[[bytes], Sequence[World]]
) -> dict[int, tuple[str, ...]]:
    """Say which features of the processor are lost by a row of edits, by the number of the edit.

    `texts` are the text before the first edit and that after each. Which features a guest gets is
    decided by the last edit of its processor, or of what runs it. Each is reported once: with the
    edit that names it, else with that of the model or the mode, else with the last one.
    """
    says = [_of_processor(text_of(text).root) for text in texts]
    last = max((n for n in range(1, len(says)) if says[n] != says[n - 1]), default=0)
    if not last:
        return {}
    before, after = text_of(texts[0]).root, text_of(texts[last]).root
    told: dict[int, dict[str, None]] = {}
    for world in worlds_of(texts[last]):
        found = lost_features(before, after, world)
        by_edit: dict[int, set[str]] = {}
        for name in (*found.needed, *found.others):
            by_edit.setdefault(_edit_of(name, says[: last + 1]), set()).add(name)
        for number, names in by_edit.items():
            told.setdefault(number, {}).update(dict.fromkeys(found.says(names)))
    return {number: tuple(words) for number, words in told.items()}


def _edit_of(name: str, says: Sequence[_Processor]) -> int:
    """Give the number of the edit by which a feature is lost."""
    steps = list(enumerate(pairwise(says)))
    named = (n for n, (old, new) in steps if old.policies.get(name) != new.policies.get(name))
    other = (n for n, (old, new) in steps if old.model != new.model)
    return next(iter((*named, *other, len(steps) - 1)))


class _Processor(NamedTuple):
    """What decides which features a guest gets."""

    virttype: str | None
    model: tuple[object, ...]
    policies: dict[str, str | None]


def _of_processor(root: Node) -> _Processor:
    cpu = root.find("cpu")
    if cpu is None:
        return _Processor(root.get("type"), (), {})
    told = [
        (one.tag, dict(one.attrib), (one.text or "").strip()) for one in cpu.iter("cpu", "model")
    ]
    policies = {one.get("name") or "": one.get("policy") for one in cpu.iterfind("feature")}
    return _Processor(root.get("type"), tuple(told), policies)
