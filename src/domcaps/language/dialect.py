"""Which libvirt's words are wanted: the only place where releases of libvirt are compared.

A dialect is a release, plus the changes that a distribution added to it or took away from it:
``9.0``, ``9.0+debian12``.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import msgspec

from domcaps.errors import UnknownDialectError
from domcaps.language.change import changes
from domcaps.language.distributions import DISTRIBUTIONS, RELEASES
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from domcaps.facts.record import Libvirt
    from domcaps.language.change import LibvirtChange


class Dialect(msgspec.Struct, frozen=True, order=True):
    """A release of libvirt, and the distribution whose patches it has ("" for none)."""

    major: int
    minor: int
    patches: str = ""

    def __str__(self) -> str:
        """Give the version as libvirt writes it, without the micro number, and the patches."""
        return f"{self.major}.{self.minor}" + f"+{self.patches}" * bool(self.patches)

    def has(self, change: LibvirtChange) -> bool:
        """Tell whether a change is part of this dialect."""
        there = (self.major, self.minor) >= change.release
        if self.patches:
            patched = DISTRIBUTIONS[self.patches]
            there = (there or change in patched.added) and change not in patched.removed
        return there

    def has_between(self, since: LibvirtChange | None, until: LibvirtChange | None) -> bool:
        """Tell whether something is part of this dialect that came with one change and went.

        `since` is the change that brought it, `until` the one that took it away; None leaves that
        side open.
        """
        return (since is None or self.has(since)) and (until is None or not self.has(until))


def known_dialects() -> tuple[Dialect, ...]:
    """List the releases that can be asked for, oldest first."""
    return tuple(Dialect(major, minor) for major, minors in _releases().items() for minor in minors)


@functools.cache
def _releases() -> dict[int, range]:
    """Give the releases by major number: a newer one is known as soon as a change names it."""
    known = dict(RELEASES)
    for major, minor in sorted(change.release for _, change in changes().values()):
        minors = known.get(major, range(0))
        known[major] = range(minors.start, max(minors.stop, minor + 1))
    return known


@functools.lru_cache(maxsize=256)
def parse_dialect(text: str) -> Dialect:
    """Read ``12.8``, ``12.8.0``, ``9.0+debian12`` or ``debian12``; not ``auto``, see `dialect_for`.

    Raises `UnknownDialectError`, which says what is known.
    """
    text = text.strip(" ")
    if text in DISTRIBUTIONS:
        return distributed(text)
    release, _, patches = text.partition("+")
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})(\.\d{1,4})?", release, re.ASCII)
    if match and (not patches or patches in DISTRIBUTIONS):
        dialect = Dialect(int(match[1]), int(match[2]), patches if _differs(patches) else "")
        if dialect.minor in _releases().get(dialect.major, ()):
            return dialect
    raise UnknownDialectError(f"libvirt {text!r} is not a known dialect", remedy=_known(text))


def _known(text: str) -> str:
    """Say what is known: the likeliest, then each major release with its range."""
    names = [AUTO, *map(str, known_dialects()), *DISTRIBUTIONS]
    of_major = [name for name in names if name.startswith(f"{text.partition('.')[0]}.")]
    near = of_major[-1:] or close_matches(text, names, n=1)
    ranges = ", ".join(_range(major, minors) for major, minors in _releases().items())
    known = f"known are {AUTO}, {ranges}, and by distribution {', '.join(DISTRIBUTIONS)}"
    return f"did you mean {near[0]!r}? {known}" if near else known


def _range(major: int, minors: range) -> str:
    if len(minors) == 1:
        return f"{major}.{minors[0]}"
    return f"{major}.{minors[0]} to {major}.{minors[-1]}"


_MOST_DIGITS = 4
AUTO = "auto"
"""The dialect of the libvirt that the host has, or the newest where it has none."""


def check_dialect(text: str) -> None:
    """Raise `UnknownDialectError` for what is neither a known dialect nor ``auto``."""
    if text != AUTO:
        parse_dialect(text)


def dialect_for(text: str, libvirt: Libvirt) -> Dialect:
    """Give the dialect that a text means on a host with that libvirt; see `parse_dialect`."""
    return parse_dialect(text) if text != AUTO else _own(libvirt)[0]


def why_dialect(libvirt: Libvirt) -> str:
    """Say which dialect ``auto`` means on a host with that libvirt, and why."""
    dialect, reason = _own(libvirt)
    return f"libvirt {dialect} is assumed: {reason}; --libvirt names another"


@functools.lru_cache(maxsize=256)
def _own(libvirt: Libvirt) -> tuple[Dialect, str]:
    """Give the dialect of a host's own libvirt, and why it is that."""
    known = known_dialects()
    if not libvirt.version:
        return known[-1], "the newest, as no libvirt was found on the host"
    release = _release(libvirt.version)
    if release is None:
        return known[-1], "the newest, as the version of the host's libvirt can't be read"
    dialect = Dialect(*release)
    if dialect not in known:
        nearest = known[-1] if dialect > known[-1] else known[0]
        what = "newest" if nearest == known[-1] else "oldest"
        return (
            nearest,
            f"the host has {libvirt.version} ({libvirt.found}), this is the {what} known",
        )
    patched = DISTRIBUTIONS.get(libvirt.distribution)
    if patched is not None and patched.release == release:
        dialect = distributed(libvirt.distribution)
    return dialect, f"the host has it ({libvirt.found})"


def _release(version: str) -> tuple[int, int] | None:
    """Read the first two numbers of a version; None for other texts, as a recording may have."""
    match version.split("."):
        case [major, minor, *_] if _is_number(major) and _is_number(minor):
            return int(major), int(minor)
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def distributed(name: str) -> Dialect:
    """Give the dialect of a distribution's libvirt; raises `KeyError` for others."""
    known = DISTRIBUTIONS[name]
    return Dialect(*known.release, name if _differs(name) else "")


def _differs(name: str) -> bool:
    """Tell whether a distribution's libvirt is known to differ from the release."""
    known = DISTRIBUTIONS.get(name)
    return known is not None and bool(known.added or known.removed)
