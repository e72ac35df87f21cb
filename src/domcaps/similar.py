"""The texts that look most like another: `difflib` is loaded only when one is misspelt."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["close_matches"]


def close_matches(word: str, known: Iterable[str], n: int = 3, cutoff: float = 0.6) -> list[str]:
    """Give at most `n` of the known texts, the nearest first; see `difflib.get_close_matches`."""
    import difflib

    return difflib.get_close_matches(word, list(known), n=n, cutoff=cutoff)
