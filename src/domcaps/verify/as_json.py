"""Verifications as JSON, and back: what a program, a table of several hosts, or a cache reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.verify.result import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence


def to_data(verifications: Sequence[Verification]) -> list[dict[str, Any]]:
    """Give them as plain data, with the counts, and with how report and emulator disagree."""
    return [_data(one) for one in verifications]


def _data(one: Verification) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(one)
    tried = [
        {**msgspec.to_builtins(t), "disagreement": t.disagreement} if t.disagreement else entry
        for t, entry in zip(one.tried, data["tried"], strict=True)
    ]
    return {**data, "counts": msgspec.to_builtins(one.counts), "tried": tried}


def to_json(verifications: Sequence[Verification]) -> str:
    """Write a document."""
    encoded = msgspec.json.encode({"version": 1, "verifications": to_data(verifications)})
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


class _Document(msgspec.Struct):
    verifications: tuple[Verification, ...]


def from_json(text: str | bytes) -> tuple[Verification, ...]:
    """Read a document; raises `msgspec.DecodeError` for what is none."""
    return msgspec.json.decode(text, type=_Document).verifications
