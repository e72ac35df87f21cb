"""Names of guest systems: the short ones of libosinfo, full ones, and those of families."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.preference import GuestFamily

_NAMES: tuple[tuple[GuestFamily, re.Pattern[str]], ...] = (
    ("windows", re.compile(r"windows|win|msdos")),
    ("bsd", re.compile(r"(free|net|open|dragonfly|ghost)bsd|dragonfly")),
    ("other", re.compile(r"other|unknown|solaris|macos|osx|haiku|dos|reactos|omnios")),
    (
        "linux",
        re.compile(
            r"linux|alma|alpine|alt|arch|centos|cirros|debian|elementary|endless|eurolinux|fedora|"
            r"gentoo|kali|mageia|manjaro|mint|nixos|ol(?=\d)|opensuse|oracle|pop|pureos|rhel|rocky|"
            r"silverblue|slackware|sle[ds]|suse|trisquel|ubuntu|void"
        ),
    ),
)
_SHORTER = (
    (re.compile(r"\bmicrosoft\b"), ""),
    (re.compile(r"\bwindows server 20"), "win2k"),
    (re.compile(r"\bwindows 2000\b"), "win2k"),
    (re.compile(r"\bwindows(?=\b|\d)"), "win"),
    (re.compile(r"\bred hat enterprise linux\b"), "rhel"),
    (re.compile(r"\bsuse linux enterprise server\b"), "sles"),
    (re.compile(r"\bsuse linux enterprise desktop\b"), "sled"),
    (re.compile(r"\boracle linux\b"), "ol"),
    (re.compile(r"\b(alma|alpine|rocky) ?linux\b"), r"\1linux"),
    (re.compile(r"\b(gnu/linux|linux|lts)\b(?!$)|\blts$"), ""),
)
"""Words of full names, and what short names have instead of them."""

_MORE = r"(linux|os|x|stream|leap|core|server|atomic|nt|2k|p|v)"
_VERSION = re.compile(
    rf"([-._]?{_MORE})*[-._]?(\d+([.-]\d+)*([-._]?(r|sp|u|p)\d+)?([.-]x)?)?(-unknown)?"
)
_WORDS = re.compile(r"[-._a-z0-9]*")
_OF_WINDOWS = re.compile(r"[-._]?(xp|me|nt|vista|server|2k)")


def short_form(name: str) -> str:
    """Give the form that a short name would have: ``win11`` for ``Windows 11``."""
    short = name.strip().lower()
    for words, shorter in _SHORTER:
        short = words.sub(shorter, short)
    return "".join(short.split())


def spellings(name: str) -> Iterator[str]:
    """Give short names that a name may stand for."""
    yield from dict.fromkeys((name.strip().lower(), short_form(name)))


def family_of_name(name: str, *, any_word: bool = False) -> GuestFamily | None:
    """Give the family of a short name that no database has, None where the name tells none.

    The name must be a known word, alone or with a version: ``debian99``. ``windws11`` is a mistake.
    With `any_word` it may be followed by another word, such as the name of a release.
    """
    for family, pattern in _NAMES:
        found = pattern.match(name)
        if found is None:
            continue
        rest = name[found.end() :]
        other = _OF_WINDOWS if family == "windows" else _WORDS if any_word else _VERSION
        if _VERSION.fullmatch(rest) or other.fullmatch(rest):
            return family
    return None
