"""Whose requests a server without tokens answers: those of programs and pages of its own machine.

A browser of this machine sends requests for pages of other sites too. Such a page may bear a name
that leads here (DNS rebinding), or send its request here from where it is. What counts is what the
header says, byte for byte: what a parser makes of it may be another name than the browser's.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_PLACE = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,253})(?::([0-9]{1,5}))?")
_MOST_PORT = 65535
_OWN_PAGES = frozenset({b"none", b"same-origin"})
"""What a browser says of a request by hand, or of a page that came from here."""


def named_place(header: bytes) -> str | None:
    """Give the name in a header ``Host`` (an IPv6 address in its short form), or None."""
    found = _PLACE.fullmatch(header)
    if found is None or (found[2] is not None and not 0 < int(found[2]) <= _MOST_PORT):
        return None
    return short_name(found[1].decode("ascii"))


def short_name(name: str) -> str:
    """Give a name or address as it is compared: IPv6 without brackets, short, in small letters."""
    bare = name.strip("[]")
    if ":" not in bare:
        return name.lower()
    try:
        return str(ipaddress.IPv6Address(bare))
    except ValueError:
        return name


class OwnNames:
    """The names by which clients may call a server without tokens."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(short_name(name) for name in names)

    def refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Say why a request is refused, from its raw headers; "" if it is not."""
        given = list(headers)
        hosts = [value for name, value in given if name == b"host"]
        if len(hosts) != 1 or named_place(hosts[0]) not in self._names:
            return "the server is not known by this name"
        own = b"http://" + hosts[0].lower()
        origins = [value for name, value in given if name == b"origin"]
        sites = [value for name, value in given if name == b"sec-fetch-site"]
        if any(value.lower() != own for value in origins) or not _OWN_PAGES.issuperset(sites):
            return "a page of another site asks"
        return ""
