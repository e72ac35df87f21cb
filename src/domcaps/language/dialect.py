"""Which libvirt's words are wanted: the only place where versions of libvirt are compared."""

from __future__ import annotations

import re

import msgspec

from domcaps.errors import UnknownDialectError

# libvirt's releases that are known, the first and last minor version of each year
_RELEASES = {11: range(3, 11), 12: range(9)}


class Dialect(msgspec.Struct, frozen=True, order=True):
    """A release of libvirt, whose form and words a report takes."""

    major: int
    minor: int

    def __str__(self) -> str:
        """Give the version as libvirt writes it, without the micro number."""
        return f"{self.major}.{self.minor}"

    def speaks(self, since: str, until: str) -> bool:
        """Tell whether a word is part of this dialect.

        `since` is the first release that has it, `until` the first that no longer has it; ""
        leaves that side open.
        """
        return (not since or self >= _version(since)) and (not until or self < _version(until))


_VERSIONS: dict[str, Dialect] = {}


def _version(text: str) -> Dialect:
    """Read a version of the table; memoised, since every choice asks."""
    found = _VERSIONS.get(text)
    if found is None:
        major, minor = text.split(".")
        found = _VERSIONS[text] = Dialect(int(major), int(minor))
    return found


def known_dialects() -> tuple[Dialect, ...]:
    """List the dialects that can be asked for, oldest first."""
    return tuple(Dialect(major, minor) for major, minors in _RELEASES.items() for minor in minors)


def parse_dialect(text: str) -> Dialect:
    """Read ``12.8`` or ``12.8.0``; raises `UnknownDialectError`, which lists what is known."""
    known = known_dialects()
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})(\.\d{1,4})?", text.strip())
    if match and (dialect := Dialect(int(match[1]), int(match[2]))) in known:
        return dialect
    names = ", ".join(str(dialect) for dialect in known)
    raise UnknownDialectError(
        f"libvirt {text!r} is not a known dialect", remedy=f"known are {names}"
    )
