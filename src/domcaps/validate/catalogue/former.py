"""Former spellings of codes, which keep working where findings are left out.

``former-codes.txt`` has a line for each: the former spelling, then the codes that are meant by it
now. Codes are a contract with users: one that is renamed or divided gets a line there.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from domcaps.files import package_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@functools.cache
def former_codes() -> dict[str, tuple[str, ...]]:
    """Give the codes that are meant by each former spelling."""
    text = package_text(__package__, "former-codes.txt")
    lines = (line.split() for line in text.splitlines())
    return {former: tuple(now) for former, *now in lines}


def current_codes(names: Iterable[str]) -> frozenset[str]:
    """Replace former spellings of codes; other names stay as they are."""
    known = former_codes()
    return frozenset(code for name in names for code in known.get(name, (name,)))


def renamings(names: Iterable[str]) -> Iterator[str]:
    """Say of each former spelling what is written now: "'a' is now called 'b'"."""
    for name in sorted(names):
        now = former_codes().get(name, ())
        # a code that was divided may still be one of its own parts
        if now and name not in now:
            yield f"{name!r} is now called {' and '.join(map(repr, now))}"
