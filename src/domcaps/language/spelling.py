"""Known words that look like a misspelt one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from domcaps.patterns import late_pattern
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEAR = 0.6
_NUMBERED = late_pattern(r"(.*?)(\d{1,9})")
_SHORT = 3
"""Of shorter words a letter is too much."""

_LONGEST = 200
"""A longer text looks like no known word: it isn't compared with any."""


def nearest(text: str, known: Iterable[str], most: int = 3, *, exact: bool = False) -> list[str]:
    """Give the known words that look like a misspelt one, the most alike first.

    Those that differ in case, hyphens and underscores come first, then those that one typo makes of
    it, then words of which it is a part, as ``xhci`` is of ``qemu-xhci``, and the reverse. With
    `exact` only the first two kinds are given.
    """
    if len(text) > _LONGEST:
        return []
    return list(_nearest(text, tuple(known), most, exact))


@lru_cache(maxsize=256)  # a repair compares the same word with the same ones for each of its texts
def _nearest(text: str, known: tuple[str, ...], most: int, exact: bool) -> tuple[str, ...]:
    old = _folded(text)
    words = _by_folded(known, text if text in known else "")
    same = [old] if old in words else []
    # of words that differ by one slip, the first or the last letters are the same
    first, last = old[:1], old[-1:]
    near = [word for word in words if word[:1] == first or word[-1:] == last]
    slips = [word for word in near if _is_one_slip(old, word)]
    slips.sort(key=lambda word: (len(word) != len(old), _versions_apart(old, word)))
    found = [*same, *slips] if exact else [*same, *_look_alikes(old, words, slips, most)]
    return tuple([words[word] for word in dict.fromkeys(found)][:most])


@lru_cache(maxsize=16)  # a document misspells many of the same words
def _by_folded(known: tuple[str, ...], but: str) -> dict[str, str]:
    """Give known words by what is compared of them, the first of each; one may be left out."""
    words: dict[str, str] = {}
    for word in known:
        if word and word != but:
            words.setdefault(_folded(word), word)
    return words


def _look_alikes(old: str, words: Iterable[str], slips: list[str], most: int) -> list[str]:
    # the first letter is hardly ever wrong
    likely = [word for word in slips if word[:1] == old[:1]]
    parts = [word for word in words if _is_part(old, word)]
    return [*likely, *parts, *slips, *close_matches(old, words, most, _NEAR)]


_HYPHENS = str.maketrans("_ ", "--")


def _folded(word: str) -> str:
    return word.lower().translate(_HYPHENS)


def _versions_apart(one: str, other: str) -> int:
    """Give how far apart the numbers at the end of two names are that are the same else."""
    found = [_NUMBERED.fullmatch(word) for word in (one, other)]
    if found[0] is None or found[1] is None or found[0][1] != found[1][1]:
        return 0
    return abs(int(found[0][2]) - int(found[1][2]))


def _is_part(one: str, other: str) -> bool:
    """Tell whether a word begins or ends the other: ``virtio`` is part of ``virtio-balloon``."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORT and (long.startswith(f"{short}-") or long.endswith(f"-{short}"))


def _is_one_slip(one: str, other: str) -> bool:
    """Tell whether words differ by a letter: one more, one less, another one, or two swapped."""
    if abs(len(one) - len(other)) > 1 or max(len(one), len(other)) < _SHORT:
        return False
    begin = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if begin is None:
        return one != other
    left, right = one[begin:], other[begin:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]
