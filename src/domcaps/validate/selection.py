"""Which findings are wanted, by codes, beginnings of codes and patterns.

Every place that names codes takes the same four forms: a code (``video-model-type-unknown``),
the words that codes begin with (``video``, ``video-model``), a pattern (``*-unsupported``), and
``ALL``.
"""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from domcaps.errors import RequestError
from domcaps.similar import close_matches
from domcaps.validate.catalogue.former import current_codes, former_codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EVERYTHING = "ALL"

UNCONDITIONAL = frozenset(
    {
        "xml-malformed",
        "xml-too-large",
        "xml-too-deep",
        "xml-declaration",
        "domain-missing",
        "check-stopped",
    }
)
"""Findings of a document that was not judged to its end; no selection leaves these out."""


def covers(name: str, code: str) -> bool:
    """Tell whether a name stands for a code: it is the code, its first words, or a pattern."""
    if name in (code, EVERYTHING):
        return True
    if _is_pattern(name):
        return fnmatchcase(code, name)
    return code.startswith(name.rstrip("-") + "-")


def covered(names: Iterable[str], codes: Iterable[str]) -> frozenset[str]:
    """Give the codes that names stand for; former spellings count as what they are called now."""
    listed = list(codes)
    current = current_codes(names)
    exact = current.intersection(listed)
    return exact.union(*(_codes(name, listed) for name in current - exact))


def _codes(name: str, listed: Iterable[str]) -> Iterator[str]:
    return (code for code in listed if covers(name, code))


@functools.cache
def left_out(select: frozenset[str], ignore: frozenset[str]) -> frozenset[str]:
    """Give the codes that are not wanted.

    Without `select` every code is wanted. What `ignore` names is never wanted, also where `select`
    names it.
    """
    if not select and not ignore:
        return frozenset()
    from domcaps.validate.catalogue.codes import codes

    ignored = covered(ignore, codes()) | current_codes(ignore)
    if not select:
        return ignored
    return ignored | (frozenset(codes()) - covered(select, codes()) - UNCONDITIONAL)


_NO_CODES: frozenset[str] = frozenset()


def ignored_codes(names: Iterable[str]) -> frozenset[str]:
    """Give the codes that names stand for; raises `RequestError` for a name that has none."""
    listed = frozenset(names)
    if not listed:
        # one for all: each would be kept with its verdict
        return _NO_CODES
    if wrong := slip(listed):
        raise RequestError(wrong)
    return left_out(frozenset(), listed)


def slip(names: Iterable[str]) -> str:
    """Describe the first name that stands for no code, with likely ones; "" where all do."""
    from domcaps.validate.catalogue.codes import codes

    for name in names:
        if name in codes() or name in former_codes():
            continue
        if not any(covers(name, code) for code in codes()):
            near = likely(name)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            return f"unknown code {name!r}{hint} ('domcaps codes' lists all codes)"
    return ""


def likely(name: str) -> list[str]:
    """Give the codes and beginnings of codes that may have been meant, the likeliest first."""
    from domcaps.validate.catalogue.codes import codes

    found = close_matches(name, codes(), n=3)
    beginnings = {code.partition("-")[0] for code in codes()}
    return found or close_matches(name, sorted(beginnings), n=3)


def _is_pattern(name: str) -> bool:
    return bool(set(name) & set("*?["))
