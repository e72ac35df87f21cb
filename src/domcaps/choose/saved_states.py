"""A word on saved states, once for all edits that make them useless."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.text import text_of
from domcaps.elements.advice.lost import changes_identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element as Node

    from domcaps.choose.change import Change

NOT_LOADED = "saved states and snapshots with memory do not load"
_TYPE = "/domain/@type"
_MACHINE = "/domain/os/type/@machine"
_CPU = "/domain/cpu"


def with_saved_states(changes: Sequence[Change], before: bytes, after: bytes) -> tuple[Change, ...]:
    """Say with the first edit that makes saved states useless that it does.

    QEMU compares the name of the machine in a saved state, and what KVM saved is of no use to
    emulation. A misspelt name that is corrected was never run.
    """
    if any(NOT_LOADED in one.consequences for one in changes):
        return tuple(changes)
    old, new = text_of(before).root, text_of(after).root
    ways = {
        _TYPE: old.get("type") != new.get("type"),
        _MACHINE: _machine(old) != _machine(new),
        _CPU: changes_identity(old, new),
    }

    def is_reason(change: Change) -> bool:
        where = _CPU if change.path.startswith(_CPU) else change.path
        return change.loss >= losses.FIX and ways.get(where, False)

    first = min(filter(is_reason, changes), key=lambda one: one.place, default=None)
    return tuple(
        replace(one, consequences=(*one.consequences, NOT_LOADED)) if one is first else one
        for one in changes
    )


def _machine(root: Node) -> str:
    kind = root.find("os/type")
    return "" if kind is None else kind.get("machine") or ""
