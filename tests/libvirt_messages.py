"""Which of our codes name the fault that a message of libvirt is about: for measuring, in tests.

Messages about a value name its attribute and element; there the place of a finding is compared.
All others are looked up in ``libvirt_messages.toml``.
"""

from __future__ import annotations

import functools
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domcaps.language.finding import Finding

_PLACES = (
    re.compile(r"(?:attribute|property) '(?P<attribute>[^']*)' in element '(?P<element>[^']*)'"),
    re.compile(r"for element or attribute '(?P<path>[^']*)'"),
    re.compile(r"Missing required element or attribute '(?P<path>[^']*)'"),
)


@functools.cache
def patterns() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """Give all words with their codes."""
    text = Path(__file__).with_suffix(".toml").read_text("utf-8")
    return [
        (re.compile(".*".join(map(re.escape, words.split("…")))), tuple(codes.split()))
        for words, codes in tomllib.loads(text).items()
    ]


def is_known(message: str) -> bool:
    """Tell whether it can be said what names the fault of a message."""
    return _place(message) is not None or bool(_codes(message))


def names(finding: Finding, message: str) -> bool:
    """Tell whether a finding is about the fault of which libvirt complains."""
    place = _place(message)
    if place is not None and _is_at(finding.path, place):
        return True
    return any(fnmatchcase(finding.code, code) for code in _codes(message))


def _codes(message: str) -> tuple[str, ...]:
    text = " ".join(message.split())
    return tuple(code for words, codes in patterns() if words.search(text) for code in codes)


def _place(message: str) -> list[str] | None:
    """Give the last steps of the path that a message names."""
    text = " ".join(message.split())
    found = next(filter(None, (place.search(text) for place in _PLACES)), None)
    if found is None:
        return None
    named = found.groupdict()
    if "path" not in named:
        return [named["element"], f"@{named['attribute']}"]
    inner = re.sub(r"\[[^]]*\]|^string\(|\)$", "", named["path"])
    return [step for step in inner.split("/") if step not in {"", "."}]


def _is_at(path: str, place: list[str]) -> bool:
    """Tell whether a path ends at a place; what is missing is found in the element around it."""
    steps = [step.partition("[")[0] for step in path.split("/")]
    return steps[-len(place) :] == place or steps[-len(place) + 1 :] == place[:-1]
