"""Mutated domains have the same verdicts with and without memory; ``both_ways.py`` runs more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import both_ways
from domcaps.validate.memo import remaining

if TYPE_CHECKING:
    import pytest


def test_a_sample_has_the_same_verdicts() -> None:
    assert list(both_ways.differing(both_ways.samples(), 60, seed=1)) == []


def test_what_is_left_out_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remaining, "_all", lambda *_: iter(()))
    monkeypatch.setattr(remaining, "_by_shape", lambda *_: iter(()))
    assert list(both_ways.differing(both_ways.samples(), 10, seed=2))
